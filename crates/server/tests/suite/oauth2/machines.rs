//! Clients that ask for themselves, and tokens that stand for others.

use base64::Engine as _;
use serde_json::{Value, json};
use vestibule_jose::{SigningKey, sign};

use super::{SECRET, Site, alice, claims};
use crate::app::App;
use crate::security::{executor, login};

#[tokio::test]
async fn a_client_has_an_account_of_its_own() {
    let app = App::start().await;
    let site = Site::new(&app, "robot", json!({})).await;
    let asked = [("grant_type", "client_credentials"), ("scope", "profile goauthentik.io/nothing")];
    let tokens = site.token(&asked).await.expect(200);
    assert_eq!((&tokens["scope"], tokens.get("refresh_token")), (&json!("profile"), None));
    let told = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(told["preferred_username"], "ak-robot-client_credentials");
    site.token(&asked).await.expect(200);
    let sql =
        "SELECT count(*) AS n FROM users WHERE username = 'ak-robot-client_credentials' AND type = 'service_account'";
    assert_eq!(app.number(sql, vec![]).await, 1);
    assert_eq!(
        site.token(&[("grant_type", "client_credentials"), ("client_secret", "x")]).await.expect(400)["error"],
        "invalid_grant"
    );
    // CVE-2025-64521.
    let user = app.admin().get("/api/v3/core/users/?username=ak-robot-client_credentials").await.expect(200);
    let path = format!("/api/v3/core/users/{}/", user["results"][0]["pk"]);
    app.admin().patch(&path, json!({"is_active": false})).await.expect(200);
    assert_eq!(site.token(&asked).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn somebody_of_that_name_is_not_taken_for_it() {
    let app = App::start().await;
    let site = Site::new(&app, "robot", json!({})).await;
    app.user("ak-robot-client_credentials", "").await;
    assert_eq!(site.token(&[("grant_type", "client_credentials")]).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn an_application_password_stands_for_its_user() {
    let app = App::start().await;
    let pk = app.user("alice", crate::app::PASSWORD).await;
    let site = Site::new(&app, "robot", json!({})).await;
    let body = json!({"identifier": "app", "intent": "app_password", "user": pk});
    app.admin().post("/api/v3/core/tokens/", body).await.expect(201);
    let key =
        app.admin().get("/api/v3/core/tokens/app/view_key/").await.expect(200)["key"].as_str().unwrap().to_owned();
    for grant in ["client_credentials", "password"] {
        let pairs = [("grant_type", grant), ("username", "alice"), ("password", key.as_str()), ("scope", "profile")];
        let tokens = site.token(&pairs).await.expect(200);
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["preferred_username"], "alice");
        let pairs = [("grant_type", grant), ("username", "alice"), ("password", crate::app::PASSWORD)];
        assert_eq!(
            site.token(&pairs).await.expect(400)["error"],
            "invalid_grant",
            "a password is none for applications"
        );
    }
    let packed = base64::engine::general_purpose::STANDARD.encode(format!("alice:{key}"));
    let pairs = [("grant_type", "client_credentials"), ("client_secret", packed.as_str()), ("scope", "profile")];
    let tokens = site.token(&pairs).await.expect(200);
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["preferred_username"], "alice");
    // Who may not open the application gets none.
    let other = app.user("bob", "").await;
    site.only_for(other).await;
    assert_eq!(site.token(&pairs).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn a_token_of_a_trusted_provider_stands_for_its_user() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "front", json!({})).await;
    let back = Site::new(
        &app,
        "back",
        json!({"grant_types": [
            "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
        ]}),
    )
    .await;
    let token = site.tokens(&mut client).await["access_token"].as_str().unwrap().to_owned();
    let federated = [
        ("grant_type", "client_credentials"),
        ("scope", "profile"),
        ("client_assertion", token.as_str()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    let exchanged = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    for pairs in [&federated[..], &exchanged[..]] {
        assert_eq!(back.token(pairs).await.expect(400)["error"], "invalid_grant", "nobody is trusted yet");
    }
    // CVE-2024-47077.
    assert_eq!(back.introspect(&token).await, json!({"active": false}));
    back.set(json!({"jwt_federation_providers": [site.provider]})).await;
    let tokens = back.token(&federated).await.expect(200);
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["preferred_username"], "alice");
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    let named_wrong = [federated[0], federated[1], federated[2], saml];
    assert_eq!(back.token(&named_wrong).await.expect(400)["error"], "invalid_grant");
    let tokens = back.token(&exchanged).await.expect(200);
    let told = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&told["preferred_username"], &told["aud"]), (&json!("alice"), &json!("back")));
    assert_eq!(tokens["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    // The other way round is another trust.
    assert_eq!(back.introspect(&token).await, json!({"active": false}));
    site.set(json!({"jwt_federation_providers": [back.provider]})).await;
    assert_eq!(back.introspect(&token).await["active"], true);
    let actor = [exchanged[0], exchanged[1], exchanged[2], ("actor_token", token.as_str())];
    assert_eq!(back.token(&actor).await.expect(400)["error"], "invalid_request");
    // What came of a session ends with it.
    let exchanged_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(back.introspect(exchanged_token).await["active"], true);
    client.get(&executor("default-invalidation-flow", "")).await;
    assert_eq!(back.introspect(exchanged_token).await, json!({"active": false}));
    for pairs in [&federated[..], &exchanged[..]] {
        assert_eq!(back.token(pairs).await.expect(400)["error"], "invalid_grant", "the session has ended");
    }
    login(&mut client, "alice", crate::app::PASSWORD, "").await;
    let token = site.tokens(&mut client).await["access_token"].as_str().unwrap().to_owned();
    let with = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        let new = |name: &&str, old: &str| {
            if ["client_assertion", "subject_token"].contains(name) { token.clone() } else { old.to_owned() }
        };
        pairs.iter().map(|(name, old)| (*name, new(name, old))).collect()
    };
    app.later(3601);
    for pairs in [with(&federated), with(&exchanged)] {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pairs = &pairs[..];
        assert_eq!(back.token(pairs).await.expect(400)["error"], "invalid_grant", "it has ended");
    }
}

#[tokio::test]
async fn a_token_of_a_trusted_source_stands_for_an_account() {
    let app = App::start().await;
    let pair = vestibule_crypto::generate(
        &vestibule_kernel::Ctx::system(),
        &vestibule_crypto::Request {
            common_name: "workloads".into(),
            alternative_names: Vec::new(),
            algorithm: vestibule_crypto::Algorithm::Ecdsa,
            rsa_bits: 0,
            until: vestibule_testkit::noon(),
        },
    )
    .unwrap();
    let key = SigningKey::of_pem(&pair.key).unwrap();
    let mut jwk = key.public().unwrap().to_jwk();
    jwk.insert("kid".into(), "k1".into());
    let mut admin = app.admin();
    let body = json!({
        "name": "cluster", "slug": "cluster", "provider_type": "openidconnect", "consumer_key": "x",
        "consumer_secret": "x", "authorization_url": "https://c.example/a", "access_token_url": "https://c.example/t",
        "profile_url": "https://c.example/p", "oidc_jwks": {"keys": [jwk]},
    });
    let source = admin.post("/api/v3/sources/oauth/", body).await.expect(201)["pk"].clone();
    let site = Site::new(&app, "robot", json!({"jwt_federation_sources": [source]})).await;
    let now = vestibule_testkit::noon().timestamp();
    let ask = |claims: Value, kid: &'static str| {
        let token = sign(&key, &[("kid", kid)], &claims).unwrap();
        let site = &site;
        async move {
            site.token(&[
                ("grant_type", "client_credentials"),
                ("scope", "profile"),
                ("client_assertion", &token),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ])
            .await
        }
    };
    let tokens = ask(json!({"sub": "pod", "exp": now + 60}), "k1").await.expect(200);
    let told = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(told["preferred_username"], "robot-pod");
    for (bad, kid) in [
        (json!({"sub": "pod", "exp": now - 1}), "k1"),
        (json!({"sub": "pod"}), "k1"),
        (json!({"sub": "pod", "exp": now + 60, "nbf": now + 600}), "k1"),
        (json!({"exp": now + 60}), "k1"),
        (json!({"sub": "pod", "exp": now + 60}), "k2"),
    ] {
        assert_eq!(ask(bad.clone(), kid).await.expect(400)["error"], "invalid_grant", "{bad} {kid}");
    }
    let forged =
        sign(&SigningKey::shared(SECRET.as_bytes()), &[("kid", "k1")], &json!({"sub": "pod", "exp": now + 60}))
            .unwrap();
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_assertion", forged.as_str()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    assert_eq!(site.token(&pairs).await.expect(400)["error"], "invalid_grant");
}
