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
    assert_eq!(site.introspect(access).await["cnf"]["jkt"], key.public().unwrap().thumbprint());
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
