//! Tokens that are bound to a key (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use http::Method;
use serde_json::{Value, json};
use vestibule_jose::{SigningKey, encode};
use vestibule_testkit::{Answer, noon};

use super::{CALLBACK, SECRET, Site, alice, claims, query};
use crate::app::App;

fn key() -> SigningKey {
    let pair = vestibule_crypto::generate(
        &vestibule_kernel::Ctx::system(),
        &vestibule_crypto::Request {
            common_name: "client".into(),
            alternative_names: Vec::new(),
            algorithm: vestibule_crypto::Algorithm::Ecdsa,
            rsa_bits: 0,
            until: noon(),
        },
    );
    SigningKey::of_pem(&pair.unwrap().key).unwrap()
}

/// A proof of a key, with these claims instead.
fn proof(key: &SigningKey, method: &str, url: &str, jti: &str, more: Value) -> String {
    let mut claims = json!({"htm": method, "htu": url, "iat": noon().timestamp(), "jti": jti});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header = json!({"typ": "dpop+jwt", "alg": key.algorithm().as_str(), "jwk": key.public().unwrap().to_jwk()});
    let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    format!("{signed}.{}", encode(&key.sign(signed.as_bytes()).unwrap()))
}

const TOKEN: &str = "http://localhost/application/o/token/";
const USERINFO: &str = "http://localhost/application/o/userinfo/";

async fn exchange(site: &Site<'_>, code: &str, proof: &str) -> Answer {
    let pairs = [
        ("client_id", site.id),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ];
    let mut client = site.app.anonymous().with_header("dpop", proof);
    let form = Some("application/x-www-form-urlencoded");
    client.send(Method::POST, "/application/o/token/", form, query(&pairs).into_bytes()).await
}

/// Fosite CVE-2020-15222: what proves something once is no proof the second time.
#[tokio::test]
async fn cve_2020_15222_a_bound_token_is_good_with_its_key_alone() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let (key, other) = (key(), key());
    let code = site.code(&mut client, &[]).await;
    let tokens = exchange(&site, &code, &proof(&key, "POST", TOKEN, "1", json!({}))).await.expect(200);
    assert_eq!(tokens["token_type"], "DPoP");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims(access)["cnf"]["jkt"], key.public().unwrap().thumbprint());
    let seen = site.introspect(access).await;
    assert_eq!(
        (&seen["cnf"]["jkt"], &seen["token_type"]),
        (&json!(key.public().unwrap().thumbprint()), &json!("DPoP"))
    );
    assert_eq!(site.userinfo(access).await.status, 401, "as a bearer's");
    let ath = encode(digest(&SHA256, access.as_bytes()).as_ref());
    let use_with = |proof: String| {
        let (app, access) = (&app, access.to_owned());
        async move {
            let mut client = app.anonymous().with_header("authorization", &format!("DPoP {access}"));
            client = client.with_header("dpop", &proof);
            client.get("/application/o/userinfo/").await.status.as_u16()
        }
    };
    let good = proof(&key, "GET", USERINFO, "2", json!({"ath": ath}));
    assert_eq!(use_with(good.clone()).await, 200);
    assert_eq!(use_with(good).await, 401, "a proof is good once");
    for (name, bad) in [
        ("another key", proof(&other, "GET", USERINFO, "3", json!({"ath": ath}))),
        ("another method", proof(&key, "POST", USERINFO, "4", json!({"ath": ath}))),
        ("another address", proof(&key, "GET", TOKEN, "5", json!({"ath": ath}))),
        ("another token", proof(&key, "GET", USERINFO, "6", json!({"ath": "x"}))),
        ("no token", proof(&key, "GET", USERINFO, "7", json!({}))),
        ("old", proof(&key, "GET", USERINFO, "8", json!({"ath": ath, "iat": noon().timestamp() - 301}))),
        ("of the future", proof(&key, "GET", USERINFO, "9", json!({"ath": ath, "iat": noon().timestamp() + 301}))),
        ("no name", proof(&key, "GET", USERINFO, "", json!({"ath": ath}))),
    ] {
        assert_eq!(use_with(bad).await, 401, "{name}");
    }
    let refresh = [
        ("client_id", "wiki"),
        ("client_secret", SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(site.post("/application/o/token/", &refresh).await.expect(400)["error"], "invalid_dpop_proof");
}

#[tokio::test]
async fn a_code_may_be_bound_before() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let (key, other) = (key(), key());
    let thumbprint = key.public().unwrap().thumbprint();
    let code = site.code(&mut client, &[("dpop_jkt", &thumbprint)]).await;
    let answer = exchange(&site, &code, &proof(&other, "POST", TOKEN, "1", json!({}))).await;
    assert_eq!(answer.expect(400)["error"], "invalid_dpop_proof");
    let code = site.code(&mut client, &[("dpop_jkt", &thumbprint)]).await;
    exchange(&site, &code, &proof(&key, "POST", TOKEN, "2", json!({}))).await.expect(200);
}

/// Proofs of one key, one after the other, by a header that is not there, is there twice, or is something else.
#[tokio::test]
async fn a_proof_comes_once_and_is_one() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let key = key();
    let public = key.public().unwrap().to_jwk();
    let claims = json!({"htm": "POST", "htu": TOKEN, "iat": noon().timestamp(), "jti": "1"});
    let signed = |header: Value| {
        let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        format!("{text}.{}", encode(&key.sign(text.as_bytes()).unwrap()))
    };
    let code = site.code(&mut client, &[]).await;
    for (what, bad) in [
        ("another type", signed(json!({"typ": "JWT", "alg": "ES256", "jwk": public}))),
        ("no key", signed(json!({"typ": "dpop+jwt", "alg": "ES256"}))),
        ("no algorithm", signed(json!({"typ": "dpop+jwt", "alg": "none", "jwk": public}))),
        ("a secret for a key", signed(json!({"typ": "dpop+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}))),
        ("nothing", "x".to_owned()),
    ] {
        assert_eq!(exchange(&site, &code, &bad).await.expect(400)["error"], "invalid_dpop_proof", "{what}");
    }
    // Both would have to be looked at, and none counts.
    let pairs = [("client_id", "wiki"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/application/o/token/")
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("dpop", proof(&key, "POST", TOKEN, "2", json!({})))
        .header("dpop", proof(&key, "POST", TOKEN, "3", json!({})))
        .body(axum::body::Body::from(query(&pairs)))
        .unwrap();
    let answer = tower::ServiceExt::oneshot(app.router.clone(), request).await.unwrap();
    assert_eq!(answer.status(), 400);
    // The code is as good as before: nobody has tried it.
    exchange(&site, &code, &proof(&key, "POST", TOKEN, "4", json!({}))).await.expect(200);
}

/// A request that is sent beforehand binds its code to the key that has sent it (RFC 9449, section 10.1), and a token that
/// is bound is exchanged with its key alone.
#[tokio::test]
async fn what_is_bound_stays_bound() {
    const PAR: &str = "http://localhost/application/o/par/";
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let grants = json!(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]);
    let site = Site::new(&app, "wiki", json!({"grant_types": grants})).await;
    let (key, other) = (key(), key());
    let send = async |proof: &str, path: &str, pairs: &[(&str, &str)]| {
        let pairs = [&[("client_id", "wiki"), ("client_secret", SECRET)], pairs].concat();
        let mut client = app.anonymous();
        if !proof.is_empty() {
            client = client.with_header("dpop", proof);
        }
        let form = Some("application/x-www-form-urlencoded");
        client.send(Method::POST, path, form, query(&pairs).into_bytes()).await
    };
    let asked = [("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "openid offline_access")];
    let mismatch = [&asked[..], &[("dpop_jkt", "another")]].concat();
    let answer = send(&proof(&key, "POST", PAR, "1", json!({})), "/application/o/par/", &mismatch).await;
    assert_eq!(answer.expect(400)["error"], "invalid_dpop_proof");
    let mut codes = Vec::new();
    for jti in ["2", "3"] {
        let pushed = send(&proof(&key, "POST", PAR, jti, json!({})), "/application/o/par/", &asked).await.expect(201);
        let name = pushed["request_uri"].as_str().unwrap();
        let path = format!("/application/o/authorize/?{}", query(&[("client_id", "wiki"), ("request_uri", name)]));
        codes.push(super::parameters(client.get(&path).await.location())["code"].clone());
    }
    let refused = exchange(&site, &codes[0], &proof(&other, "POST", TOKEN, "4", json!({}))).await;
    assert_eq!(refused.expect(400)["error"], "invalid_dpop_proof");
    let tokens = exchange(&site, &codes[1], &proof(&key, "POST", TOKEN, "5", json!({}))).await.expect(200);
    let swap = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", tokens["access_token"].as_str().unwrap()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let path = "/application/o/token/";
    assert_eq!(send("", path, &swap).await.expect(400)["error"], "invalid_grant");
    let by_other = send(&proof(&other, "POST", TOKEN, "6", json!({})), path, &swap).await;
    assert_eq!(by_other.expect(400)["error"], "invalid_grant");
    let made = send(&proof(&key, "POST", TOKEN, "7", json!({})), path, &swap).await.expect(200);
    assert_eq!(made["token_type"], "DPoP");
    // A refresh keeps to the key, and what it gives is bound to it.
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let by_other = send(&proof(&other, "POST", TOKEN, "8", json!({})), path, &refresh).await;
    assert_eq!(by_other.expect(400)["error"], "invalid_dpop_proof");
    let renewed = send(&proof(&key, "POST", TOKEN, "9", json!({})), path, &refresh).await.expect(200);
    let bound = &claims(renewed["access_token"].as_str().unwrap())["cnf"]["jkt"];
    assert_eq!((&renewed["token_type"], bound), (&json!("DPoP"), &json!(key.public().unwrap().thumbprint())));
}
