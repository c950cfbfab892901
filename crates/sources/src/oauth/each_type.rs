//! How each type of provider is asked for a token and for a profile: a double on loopback notes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::any;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use vestibule_http_client::HttpClient;
use vestibule_jose::{SigningKey, sign};
use vestibule_kernel::address::EgressGuard;
use vestibule_kernel::{Ctx, Object};
use vestibule_resource::{FieldValue as _, Fields as _};

use super::dialect::Dialect;
use super::exchange::{Exchange, Told};
use super::provider_type::Provider;
use super::underway::Underway;
use super::{OAuthSource, ProviderType};

/// A key as Apple hands them out.
const P256: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg32CD7a9NDSYBJLtx\nFZp8WMlv7uetqkR3ckfbW1x1cmihRANCAASO7cXLVHVlEfOZbGsOXQfoSr9eGrMi\niYvOAnHTSsHXGDy+dOSXAmby+JsBhQbR3ex8Z7Kod6sszXih/X76HYpm\n-----END PRIVATE KEY-----\n";
/// What names the login.
const NONCE: &str = "n-1";

/// A request as it came.
#[derive(Clone, Debug)]
struct Heard {
    method: Method,
    authorization: String,
    query: HashMap<String, String>,
    form: HashMap<String, String>,
}

/// A provider that gives this token and tells this profile; where it is, and what it has heard.
async fn double(token: Value, profile: Value) -> (String, Arc<Mutex<HashMap<String, Heard>>>) {
    let heard: Arc<Mutex<HashMap<String, Heard>>> = Arc::default();
    let noted = Arc::clone(&heard);
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect();
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let one = Heard {
            method,
            authorization: authorization.to_owned(),
            query: pairs(uri.query().unwrap_or_default().as_bytes()),
            form: pairs(&body),
        };
        noted.lock().unwrap().insert(uri.path().to_owned(), one);
        match uri.path() {
            "/token" => token.to_string(),
            "/profile" => profile.to_string(),
            _ => "[]".to_owned(),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
    (address, heard)
}

/// A source of this type with these settings.
fn source(kind: &str, more: Value) -> OAuthSource {
    let mut all: Object = OAuthSource::fields()
        .into_iter()
        .map(|field| (field.name.to_owned(), field.default.map_or(Value::Null, |default| default())))
        .collect();
    let usual = json!({
        "pk": uuid::Uuid::nil(), "name": kind, "slug": kind, "provider_type": kind, "consumer_key": "key",
        "consumer_secret": "secret",
    });
    for values in [usual, more] {
        all.extend(values.as_object().cloned().unwrap());
    }
    OAuthSource::read(&all).unwrap()
}

/// Somebody is back from a provider of this type with a code: what is told, and what was heard.
async fn redeem(
    kind: &str,
    more: Value,
    token: Value,
    profile: Value,
) -> (Result<Told, String>, HashMap<String, Heard>) {
    let (address, heard) = double(token, profile).await;
    let guard = EgressGuard::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let (http, ctx) = (HttpClient::with_timeout(guard, Duration::from_secs(5)), Ctx::system());
    let (source, provider) = (source(kind, more), Provider::moved(kind, &address));
    let exchange = Exchange {
        http: &http,
        ctx: &ctx,
        source: &source,
        provider: &provider,
        dialect: Dialect::of(ProviderType::read(&kind.into()).unwrap()),
        callback: "https://id.example/back",
    };
    let underway = Underway {
        state: "st".into(),
        source: uuid::Uuid::nil(),
        nonce: NONCE.into(),
        verifier: "v-1".into(),
        token_secret: String::new(),
        next: None,
        at: 0,
    };
    let told = exchange.redeem("c-1", &underway).await;
    let heard = heard.lock().unwrap().clone();
    (told, heard)
}

#[tokio::test]
async fn every_type_is_asked_as_it_wants_to_be() {
    // Where this server's secret goes, and where the token goes that asks for the profile.
    for (kind, secret, bearer) in [
        ("discord", "header", "header"),
        ("entraid", "body", "header"),
        ("facebook", "body", "header"),
        ("github", "body", "header"),
        ("gitlab", "body", "header"),
        ("google", "body", "header"),
        ("mailcow", "body", "query"),
        ("okta", "header", "header"),
        ("openidconnect", "header", "header"),
        ("patreon", "body", "header"),
        ("reddit", "header", "header"),
        ("slack", "header", "header"),
        ("twitch", "body", "header"),
        ("twitter", "header", "header"),
        ("wechat", "query", "query"),
    ] {
        let token = json!({"access_token": "at-1", "token_type": "bearer", "openid": "o-1"});
        let (told, heard) = redeem(kind, json!({}), token, json!({"id": 7, "sub": "7"})).await;
        let told = told.unwrap_or_else(|reason| panic!("{kind}: {reason}"));
        assert_eq!((&told.info["id"], &told.token["access_token"]), (&json!(7), &json!("at-1")), "{kind}");
        let asked = &heard["/token"];
        let text = |pairs: &HashMap<String, String>, name: &str| pairs.get(name).cloned().unwrap_or_default();
        let places = (
            asked.authorization.starts_with("Basic "),
            text(&asked.form, "client_secret"),
            text(&asked.query, "secret"),
        );
        let expected = match secret {
            "header" => (true, "", ""),
            "body" => (false, "secret", ""),
            _ => (false, "", "secret"),
        };
        assert_eq!(places, (expected.0, expected.1.to_owned(), expected.2.to_owned()), "{kind}");
        let by_query = secret == "query";
        assert_eq!(asked.method, if by_query { Method::GET } else { Method::POST }, "{kind}");
        let given = if by_query { &asked.query } else { &asked.form };
        assert_eq!((&*given["code"], &*given["grant_type"]), ("c-1", "authorization_code"), "{kind}");
        let asked = &heard["/profile"];
        let expected = if bearer == "query" { ("", "at-1") } else { ("Bearer at-1", "") };
        assert_eq!((&*asked.authorization, &*text(&asked.query, "access_token")), expected, "{kind}");
        if kind == "wechat" {
            assert_eq!((&*asked.query["openid"], &*asked.query["lang"], &*given["appid"]), ("o-1", "en", "key"));
        } else {
            assert_eq!((&*given["code_verifier"], &*given["redirect_uri"]), ("v-1", "https://id.example/back"));
        }
    }
}

#[tokio::test]
async fn apple_tells_who_they_are_in_its_identity_token() {
    let key = SigningKey::of_pem(P256).unwrap();
    let mut jwk = key.public().unwrap().to_jwk();
    jwk.insert("kid".into(), "apples".into());
    let more = json!({"consumer_key": "svc.example;TEAM;K1", "consumer_secret": P256, "oidc_jwks": {"keys": [jwk]}});
    let now = Ctx::system().now().timestamp();
    let claims = json!({
        "iss": "https://appleid.apple.com", "aud": "svc.example", "sub": "001.ab", "nonce": NONCE, "iat": now,
        "exp": now + 60,
    });
    let id_token = sign(&key, &[("kid", "apples")], &claims).unwrap();
    let token = json!({"access_token": "at-1", "id_token": id_token});
    let (told, heard) = redeem("apple", more.clone(), token, json!({"id": "another"})).await;
    assert_eq!(told.unwrap().info["sub"], "001.ab");
    assert!(!heard.contains_key("/profile"), "Apple has none");
    // What proves this server is signed with the team's key.
    let form = &heard["/token"].form;
    let proof = vestibule_jose::Jws::parse(&form["client_secret"]).unwrap();
    assert_eq!((form["client_id"].as_str(), proof.kid()), ("svc.example", Some("K1")));
    // Without one it is nobody, and signed by somebody else it is nobody either.
    let (told, _) = redeem("apple", more.clone(), json!({"access_token": "at-1"}), json!({})).await;
    assert!(told.is_err_and(|reason| reason.contains("no identity token")));
    let forged = sign(&SigningKey::shared(b"x"), &[("kid", "apples")], &claims).unwrap();
    let (told, _) = redeem("apple", more, json!({"access_token": "at-1", "id_token": forged}), json!({})).await;
    assert!(told.is_err());
}

#[tokio::test]
async fn slack_is_asked_in_the_name_of_the_person() {
    let token = json!({"ok": true, "access_token": "of the app", "authed_user": {"id": "U1", "access_token": "hers"}});
    let (told, heard) = redeem("slack", json!({}), token, json!({"sub": "U1"})).await;
    assert_eq!(told.unwrap().info["sub"], "U1");
    assert_eq!(heard["/profile"].authorization, "Bearer hers");
}

#[tokio::test]
async fn wechat_says_no_with_a_status_of_200() {
    let (told, _) = redeem("wechat", json!({}), json!({"errcode": 40_029, "errmsg": "invalid code"}), json!({})).await;
    assert!(told.is_err_and(|reason| reason.contains("invalid code")));
    let token = json!({"access_token": "at-1", "openid": "o-1"});
    let (told, _) = redeem("wechat", json!({}), token, json!({"errcode": 40_003})).await;
    assert!(told.is_err_and(|reason| reason.contains("40003")));
}
