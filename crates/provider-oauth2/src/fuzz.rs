//! Whatever bytes come as addresses, parameters, credentials, proofs and requests: reading them never panics, and what is
//! accepted keeps what was promised. `cargo test` runs each target for a moment, `scripts/fuzz.sh` for as long as one likes.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use url::Url;
use vestibule_applications::Application;
use vestibule_jose::{Jws, SigningKey, encode};
use vestibule_kernel::Object;
use vestibule_store::Configuration;

use crate::authorize::request::{AuthorizationRequest, Refused};
use crate::client::Client;
use crate::parameters::{Credentials, Parameters, presented};
use crate::provider::OAuth2Provider;
use crate::redirect_uri::{is_dangerous, is_registered, origin_of_first, validate};
use crate::token::dpop;

const CALLBACK: &str = "https://wiki.example/callback";

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

/// Defaults of a kind's fields, and these values.
fn made<T: vestibule_resource::Fields>(values: Value) -> T {
    let mut all: Object = T::fields()
        .into_iter()
        .map(|field| (field.name.to_owned(), field.default.map_or(Value::Null, |default| default())))
        .collect();
    all.extend(object(values));
    T::read(&all).expect("fields that fit")
}

#[test]
fn redirect_uri() {
    bolero::check!().for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let (pattern, address) = text.split_once('\n').unwrap_or((".*", &text));
        let is_strict = is_registered(address, [("strict", CALLBACK)].into_iter());
        assert_eq!(is_strict, address == CALLBACK, "{address:?}");
        for all in [[("regex", ".*")], [("regex", "(?s).*")], [("regex", pattern)]] {
            if !is_registered(address, all.into_iter()) {
                continue;
            }
            assert!(!address.contains('#') && !address.chars().any(char::is_control), "{address:?}");
            // As browsers read it.
            if let Ok(url) = Url::parse(address) {
                let runs = ["javascript", "data", "vbscript", "file", "blob", "about"].contains(&url.scheme());
                assert!(!runs && !is_dangerous(address), "{address:?}");
            }
        }
        let addresses =
            json!([{"matching_mode": "regex", "url": pattern}, {"matching_mode": "strict", "url": address}]);
        validate(&addresses, &mut vestibule_kernel::FieldErrors::new());
        let first = json!([{"matching_mode": "strict", "url": address}]);
        if let (Some(origin), Ok(url)) = (origin_of_first(&first), Url::parse(address)) {
            assert!(Url::parse(&origin).is_ok_and(|origin| origin.host() == url.host()), "{origin} {address:?}");
        }
    });
}

#[test]
fn parameters() {
    bolero::check!().for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let found = Parameters::of(&text);
        for (name, value) in found.pairs() {
            assert_eq!((found.get(name), value.is_empty()), (Some(value), false));
        }
        let scope = found.scope();
        assert!(scope.iter().enumerate().all(|(at, one)| !scope[..at].contains(one)), "{scope:?}");
    });
}

#[test]
fn basic() {
    bolero::check!().for_each(|input: &[u8]| {
        let raw = |bytes: &[u8]| http::HeaderValue::from_bytes(bytes).ok();
        let parts = |value: http::HeaderValue| {
            let request = http::Request::builder().header(AUTHORIZATION, value).body(()).expect("a request");
            request.into_parts().0
        };
        let form = Parameters::of("client_id=form&client_secret=form&access_token=form");
        if let Some(value) = raw(input) {
            let parts = parts(value);
            let _ = (Credentials::of(&parts, &form), presented(&parts, &form));
        }
        // Whatever name and secret a client has: encoded as RFC 6749 says, they come out as they went in.
        let text = String::from_utf8_lossy(input);
        let (id, secret) = text.split_once('\n').unwrap_or((&text, ""));
        let encoded =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let value = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))));
        let found = Credentials::of(&parts(raw(value.as_bytes()).expect("a header")), &form);
        assert_eq!((found.client_id.as_str(), found.secret.as_str()), (id, secret));
    });
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = vestibule_crypto::generate(
        &vestibule_kernel::Ctx::system(),
        &vestibule_crypto::Request {
            common_name: "client".into(),
            alternative_names: Vec::new(),
            algorithm: vestibule_crypto::Algorithm::Ecdsa,
            rsa_bits: 0,
            until: vestibule_testkit::noon(),
        },
    );
    SigningKey::of_pem(&pair.expect("a key").key).expect("a key")
});

#[test]
fn proof() {
    let here = "https://id.example/application/o/token/";
    let public = KEY.public().expect("a public key");
    bolero::check!().for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let _ = dpop::check(&text, "POST", here, None, 1_000_000);
        // Claims that are signed, whatever they are, prove what they say and nothing else.
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public.to_jwk()});
        let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(input));
        let Ok(signature) = KEY.sign(signed.as_bytes()) else { return };
        let token = format!("{signed}.{}", encode(&signature));
        if let Some((thumbprint, jti)) = dpop::check(&token, "POST", here, None, 1_000_000) {
            let claims = Jws::parse(&token).and_then(|token| token.unverified()).expect("claims");
            assert_eq!((thumbprint, claims["htm"].as_str()), (public.thumbprint(), Some("POST")));
            assert!(!jti.is_empty() && claims["iat"].as_i64().is_some_and(|at| (at - 1_000_000).abs() <= 300));
            let url = Url::parse(claims["htu"].as_str().expect("an address")).expect("an address");
            assert_eq!((url.host_str(), url.path()), (Some("id.example"), "/application/o/token/"));
        }
    });
}

#[test]
fn authorization_request() {
    let configuration = Configuration::default();
    let provider: OAuth2Provider = made(json!({
        "pk": 1, "uuid": uuid::Uuid::nil(), "name": "wiki", "client_id": "wiki",
        "redirect_uris": [{"matching_mode": "strict", "url": CALLBACK, "redirect_uri_type": "authorization"}],
    }));
    let application: Application =
        made(json!({"pk": uuid::Uuid::nil(), "pbm_uuid": uuid::Uuid::nil(), "name": "wiki", "slug": "wiki"}));
    let client = Client { configuration: &configuration, provider: &provider, application: &application };
    let read = AssertUnwindSafe(|given: &Parameters| AuthorizationRequest::read(&client, given, false));
    bolero::check!().for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let whole = format!("redirect_uri={CALLBACK}&response_type=code&{text}");
        for text in [text.as_ref(), &whole] {
            let given = Parameters::of(text);
            match (*read)(&given) {
                Ok(asked) => {
                    assert_eq!(
                        (asked.redirect_uri.as_str(), asked.respond.redirect_uri.as_str()),
                        (CALLBACK, CALLBACK)
                    );
                    assert!(given.repeated.is_none() && asked.scope.is_empty() && !asked.response_type.is_empty());
                    assert!(asked.max_age.is_none_or(|seconds| seconds >= 0));
                    // It is kept in a plan, and found there as it was.
                    let kept = serde_json::to_value(&asked).expect("JSON");
                    assert_eq!(serde_json::from_value::<AuthorizationRequest>(kept).expect("a request"), asked);
                }
                Err(Refused::Client(respond, ..)) => assert_eq!(respond.redirect_uri, CALLBACK),
                Err(Refused::Here { .. }) => assert_ne!(given.get("redirect_uri"), Some(CALLBACK)),
            }
        }
    });
}
