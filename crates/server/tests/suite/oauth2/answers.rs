//! What goes beside an answer: who may keep it, who may read it, and what those are told who may not.

use http::Method;
use serde_json::json;

use super::{CALLBACK, FORM, SECRET, Site, alice, key_pair, query};
use crate::app::App;

const ORIGIN: &str = "https://wiki.example";

#[tokio::test]
async fn pages_of_the_clients_own_sites_read_every_endpoint_that_is_theirs() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let refresh = site.tokens(&mut client).await["refresh_token"].as_str().unwrap().to_owned();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "wiki"),
        ("client_secret", SECRET),
        ("refresh_token", &*refresh),
    ];
    let wrong = [("grant_type", "refresh_token"), ("client_id", "wiki"), ("client_secret", "wrong")];
    let pushed = [
        ("client_id", "wiki"),
        ("client_secret", SECRET),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
    ];
    let metadata = "/application/o/wiki/.well-known/openid-configuration";
    for (origin, may) in [(ORIGIN, true), ("https://evil.example", false), ("https://wiki.example:8443", false)] {
        for (method, path, form) in [
            // What is refused may be read, too.
            (Method::POST, "/application/o/token/", query(&wrong)),
            (Method::POST, "/application/o/token/", query(&pairs)),
            (Method::POST, "/application/o/par/", query(&pushed)),
            (Method::POST, "/application/o/device/", query(&[("client_id", "wiki")])),
            (Method::GET, metadata, String::new()),
        ] {
            let content = (method == Method::POST).then_some(FORM).flatten();
            let mut page = app.anonymous().with_header("origin", origin);
            let answer = page.send(method, path, content, form.into_bytes()).await;
            let allowed = answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
            assert_eq!(allowed, may.then_some(origin), "{path} {}", answer.status);
            let vary = answer.headers.get_all("vary").iter().any(|one| one.to_str().unwrap().contains("Origin"));
            assert!(vary || !may, "{path}");
        }
    }
    // Keys are for everybody; whoever asks beforehand is told yes, and no page of another site reads what comes then.
    let keys = app.anonymous().with_header("origin", "https://evil.example").get("/application/o/wiki/jwks/").await;
    assert_eq!(keys.headers["access-control-allow-origin"], "*");
    for path in ["/application/o/token/", "/application/o/userinfo/", "/application/o/par/"] {
        let mut page = app.anonymous().with_header("origin", ORIGIN);
        page = page.with_header("access-control-request-headers", "authorization, dpop");
        let answer = page.send(Method::OPTIONS, path, None, Vec::new()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], ORIGIN, "{path}");
        assert_eq!(answer.headers["access-control-allow-headers"], "authorization, dpop", "{path}");
        assert!(answer.headers["access-control-allow-methods"].to_str().unwrap().contains("POST"), "{path}");
    }
}

#[tokio::test]
async fn nobody_keeps_a_token_and_whoever_has_none_is_told_so() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    let answer = site.exchange(&code, &[]).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let refused = site.exchange(&code, &[]).await;
    assert_eq!(refused.headers["cache-control"], "no-store");
    assert!(!refused.json()["request_id"].as_str().unwrap().is_empty());
    for (token, status, said) in [("nonsense", 401, "invalid_token"), ("", 401, "invalid_token")] {
        let answer = site.userinfo(token).await;
        assert_eq!(answer.status, status);
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains(said), "{token}");
    }
    for (method, path) in [
        (Method::GET, "/application/o/token/"),
        (Method::PUT, "/application/o/userinfo/"),
        (Method::GET, "/application/o/introspect/"),
        (Method::GET, "/application/o/revoke/"),
        (Method::GET, "/application/o/par/"),
        (Method::GET, "/application/o/device/"),
        (Method::POST, "/application/o/wiki/jwks/"),
    ] {
        assert_eq!(app.anonymous().send(method, path, None, Vec::new()).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn the_metadata_are_where_clients_look_for_them() {
    let app = App::start().await;
    let key = key_pair(&app, "sealed", "rsa").await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let mut client = app.anonymous();
    let told = client.get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    for path in [
        "/.well-known/oauth-authorization-server/application/o/wiki",
        "/.well-known/oauth-authorization-server/application/o/wiki/",
    ] {
        assert_eq!(client.get(path).await.expect(200), told, "{path}");
    }
    let root = client.get("/application/o/wiki/").await;
    assert_eq!(root.location(), "/application/o/wiki/.well-known/openid-configuration");
    assert_eq!(client.get("/application/o/nobody/.well-known/openid-configuration").await.status, 404);
    assert!(told.get("id_token_encryption_alg_values_supported").is_none());
    for name in ["authorization_response_iss_parameter_supported", "claims_parameter_supported"] {
        assert_eq!(told[name], true, "{name}");
    }
    assert_eq!(told["code_challenge_methods_supported"], json!(["plain", "S256"]));
    let modes = told["response_modes_supported"].as_array().unwrap();
    assert!(["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"].iter().all(|mode| modes.contains(&json!(mode))));
    site.set(json!({"encryption_key": key})).await;
    let told = client.get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    assert_eq!(told["id_token_encryption_alg_values_supported"], json!(["RSA-OAEP-256"]));
    assert_eq!(told["id_token_encryption_enc_values_supported"], json!(["A256CBC-HS512"]));
}

#[tokio::test]
async fn every_kind_of_key_signs_by_its_own_algorithm() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let mut admin = app.admin();
    let mut keys = vec![("EdDSA", key_pair(&app, "edwards", "ed25519").await)];
    for (algorithm, pem) in [("ES384", include_str!("keys/p384.pem")), ("ES512", include_str!("keys/p521.pem"))] {
        let (key, certificate) = pem.split_at(pem.find("-----BEGIN CERTIFICATE").unwrap());
        let body = json!({"name": algorithm, "certificate_data": certificate, "key_data": key});
        keys.push((algorithm, admin.post("/api/v3/crypto/certificatekeypairs/", body).await.expect(201)["pk"].clone()));
    }
    for (algorithm, key) in keys {
        site.set(json!({"signing_key": key})).await;
        let tokens = site.tokens(&mut client).await;
        for name in ["id_token", "access_token"] {
            let token = tokens[name].as_str().unwrap();
            assert_eq!(vestibule_jose::Jws::parse(token).unwrap().header["alg"], algorithm);
            site.verified(token).await;
        }
        let told = app.anonymous().get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
        assert_eq!(told["id_token_signing_alg_values_supported"], json!([algorithm]));
        let keys = app.anonymous().get("/application/o/wiki/jwks/").await.expect(200);
        let shown = &keys["keys"][0];
        assert_eq!((&shown["alg"], &shown["use"]), (&json!(algorithm), &json!("sig")));
        assert!(shown["x5c"][0].is_string() && shown["x5t"].is_string() && shown["x5t#S256"].is_string(), "{shown}");
        assert!(shown.get("d").is_none());
    }
}

#[tokio::test]
async fn a_mapping_that_fails_is_told_to_administrators_where_somebody_signs_in() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let mut admin = app.admin();
    let body = json!({"name": "broken", "scope_name": "broken", "expression": "return {\"x\": nothing_such}"});
    let broken = admin.post("/api/v3/propertymappings/provider/scope/", body).await.expect(201)["pk"].clone();
    let body = json!({"name": "seen", "scope_name": "seen", "expression": "return {\"via\": provider.application.slug, \"for\": token.scope}"});
    let seen = admin.post("/api/v3/propertymappings/provider/scope/", body).await.expect(201)["pk"].clone();
    let site = Site::new(&app, "wiki", json!({"property_mappings": [broken, seen]})).await;
    let failed = async || {
        let sql = "SELECT count(*) AS n FROM events WHERE action = 'configuration_error'";
        app.number(sql, vec![]).await
    };
    app.anonymous().get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    assert_eq!(failed().await, 0, "nobody has signed in");
    let code = site.code(&mut client, &[("scope", "seen broken")]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    let told = super::claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&told["via"], &told["for"], told.get("x")), (&json!("wiki"), &json!(["broken", "seen"]), None));
    assert!(failed().await > 0);
}

#[tokio::test]
async fn what_is_encrypted_is_signed_within_and_opens_with_its_key_alone() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (key, sealing) = (key_pair(&app, "oidc", "ecdsa").await, key_pair(&app, "sealed", "rsa").await);
    let other = key_pair(&app, "other", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key, "encryption_key": sealing})).await;
    let tokens = site.tokens(&mut client).await;
    let private = async |pair: &serde_json::Value| {
        let path = format!("/api/v3/crypto/certificatekeypairs/{}/view_private_key/", pair.as_str().unwrap());
        let pem = app.admin().get(&path).await.expect(200)["data"].as_str().unwrap().to_owned();
        let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, lines).unwrap()
    };
    let (own, other) = (private(&sealing).await, private(&other).await);
    for name in ["id_token", "access_token"] {
        let token = tokens[name].as_str().unwrap();
        let inside = String::from_utf8(vestibule_jose::decrypt(&own, token).unwrap()).unwrap();
        let told = site.verified(&inside).await;
        assert_eq!((&told["aud"], &told["preferred_username"]), (&json!("wiki"), &json!("alice")), "{name}");
        assert!(vestibule_jose::decrypt(&other, token).is_err(), "{name}");
    }
}

#[tokio::test]
async fn everything_lasts_as_long_as_its_provider_says() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let more = json!({
        "access_code_validity": "minutes=5", "access_token_validity": "minutes=10", "refresh_token_validity": "minutes=20",
    });
    let site = Site::new(&app, "wiki", more).await;
    let code = site.code(&mut client, &[]).await;
    let device = site.post("/application/o/device/", &[("client_id", "wiki")]).await.expect(200);
    assert_eq!(device["expires_in"], 300);
    app.later(290);
    let tokens = site.exchange(&code, &[]).await.expect(200);
    assert_eq!(tokens["expires_in"], 600);
    let told = super::claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 600);
    app.later(590);
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.userinfo(access).await.status, 200);
    app.later(20);
    assert_eq!(site.userinfo(access).await.status, 401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let renewed = site.token(&refresh).await.expect(200);
    app.later(1201);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", renewed["refresh_token"].as_str().unwrap())];
    assert_eq!(site.token(&refresh).await.expect(400)["error"], "invalid_grant");
}
