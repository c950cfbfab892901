//! Tokens: made, used, renewed, looked at, taken back.

use http::Method;
use serde_json::{Value, json};

use super::{CALLBACK, SECRET, Site, alice, basic, claims, key_pair, query};
use crate::app::App;

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_that_say_who_it_is() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let code = site.code(&mut client, &[("nonce", "n0")]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(tokens["scope"], "openid email offline_access profile");
    let told = site.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(told["iss"], "http://localhost/application/o/wiki/");
    assert_eq!((&told["aud"], &told["nonce"], &told["amr"]), (&json!("wiki"), &json!("n0"), &json!(["pwd"])));
    assert_eq!((&told["preferred_username"], &told["email"]), (&json!("alice"), &json!("")));
    let access = tokens["access_token"].as_str().unwrap();
    let inside = site.verified(access).await;
    assert_eq!((&inside["azp"], &inside["scope"]), (&json!("wiki"), &tokens["scope"]));
    let user: Value = app.admin().get(&format!("/api/v3/core/users/{pk}/")).await.expect(200);
    let known = site.userinfo(access).await.expect(200);
    assert_eq!((&known["sub"], &known["name"], &known["nonce"]), (&user["uid"], &json!("alice"), &json!("n0")));
    let seen = site.introspect(access).await;
    assert_eq!((&seen["active"], &seen["client_id"], &seen["sub"]), (&json!(true), &json!("wiki"), &user["uid"]));
    // The same by HTTP Basic.
    let mut other = app.anonymous().with_header("authorization", &basic("wiki", SECRET));
    let form = query(&[("token", access)]).into_bytes();
    let seen =
        other.send(Method::POST, "/application/o/introspect/", Some("application/x-www-form-urlencoded"), form).await;
    assert_eq!(seen.json()["active"], true);
}

#[tokio::test]
async fn a_code_opens_once_and_what_came_of_it_ends_with_the_second_try() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.userinfo(access).await.status, 200);
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.userinfo(access).await.status, 401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(site.token(&refresh).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn of_many_who_come_with_a_code_at_once_one_has_it() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    let tries = (0..8).map(|_| site.exchange(&code, &[]));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_code_is_of_one_client_one_address_and_for_a_minute() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let uris = json!([
        {"matching_mode": "strict", "url": CALLBACK}, {"matching_mode": "strict", "url": "https://wiki.example/other"},
    ]);
    let site = Site::new(&app, "wiki", json!({"redirect_uris": uris})).await;
    let other = Site::new(&app, "other", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    assert_eq!(other.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    let code = site.code(&mut client, &[]).await;
    let elsewhere = site.exchange(&code, &[("redirect_uri", "https://wiki.example/other")]).await;
    assert_eq!(elsewhere.expect(400)["error"], "invalid_grant");
    let unknown = site.exchange(&code, &[("redirect_uri", "https://evil.example/")]).await;
    assert_eq!(unknown.expect(400)["error"], "invalid_client");
    let code = site.code(&mut client, &[]).await;
    app.later(61);
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    let code = site.code(&mut client, &[]).await;
    assert_eq!(site.exchange(&code, &[("client_secret", "wrong")]).await.expect(400)["error"], "invalid_client");
    assert_eq!(site.token(&[("grant_type", "magic")]).await.expect(400)["error"], "unsupported_grant_type");
    assert_eq!(site.token(&[("client_id", "nobody")]).await.expect(400)["error"], "invalid_client");
}

#[tokio::test]
async fn a_refresh_token_is_renewed_with_every_use_and_its_family_ends_with_a_replay() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let first = site.tokens(&mut client).await;
    let used = |token: &Value| token["refresh_token"].as_str().unwrap().to_owned();
    let renew = |token: String| {
        let site = &site;
        async move { site.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await }
    };
    let second = renew(used(&first)).await.expect(200);
    assert_ne!(used(&first), used(&second));
    assert!(claims(second["id_token"].as_str().unwrap()).get("nonce").is_none());
    let third = renew(used(&second)).await.expect(200);
    assert_eq!(renew(used(&first)).await.expect(400)["error"], "invalid_grant");
    assert_eq!(renew(used(&third)).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.userinfo(third["access_token"].as_str().unwrap()).await.status, 401);
    let told = app.number("SELECT count(*) AS n FROM events WHERE action = 'suspicious_request'", vec![]).await;
    assert_eq!(told, 2);
    // Less may be asked for, not more.
    let tokens = site.tokens(&mut client).await;
    let less = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "openid"),
    ];
    let less = site.token(&less).await.expect(200);
    assert_eq!(less["scope"], "openid");
    let more = [
        ("grant_type", "refresh_token"),
        ("refresh_token", less["refresh_token"].as_str().unwrap()),
        ("scope", "openid entitlements"),
    ];
    assert_eq!(site.token(&more).await.expect(400)["error"], "invalid_scope");
}

#[tokio::test]
async fn a_refresh_token_may_be_kept_until_it_is_nearly_over() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let more = json!({"refresh_token_validity": "days=10", "refresh_token_threshold": "days=1"});
    let site = Site::new(&app, "wiki", more).await;
    let tokens = site.tokens(&mut client).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert!(site.token(&refresh).await.expect(200).get("refresh_token").is_none());
    assert!(site.token(&refresh).await.expect(200).get("refresh_token").is_none());
    app.later(9 * 86_400 + 60);
    assert!(site.token(&refresh).await.expect(200)["refresh_token"].is_string());
    assert_eq!(site.token(&refresh).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn tokens_end_with_the_session_the_account_and_their_time() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.userinfo(access).await.status, 200);
    app.later(3601);
    assert_eq!(
        (site.userinfo(access).await.status.as_u16(), &site.introspect(access).await),
        (401, &json!({"active": false}))
    );
    let tokens = site.tokens(&mut client).await;
    let access = tokens["access_token"].as_str().unwrap();
    client.get(&crate::security::executor("default-invalidation-flow", "")).await;
    assert_eq!(site.userinfo(access).await.status, 401);
    // A refresh token outlasts the session, and not the account.
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let renewed = site.token(&refresh).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    // What comes of it by then is good, and bound to no session.
    let token = renewed.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!((site.userinfo(&token).await.status.as_u16(), claims(&token).get("sid")), (200, None));
    let path = format!("/api/v3/core/users/{pk}/");
    app.admin().patch(&path, json!({"is_active": false})).await.expect(200);
    let refresh = renewed.json()["refresh_token"].as_str().unwrap().to_owned();
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(site.token(&pairs).await.expect(400)["error"], "invalid_grant");
    app.admin().patch(&path, json!({"is_active": true})).await.expect(200);
    assert_eq!(site.token(&pairs).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn a_token_is_taken_back_by_its_client_alone() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let other = Site::new(&app, "other", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let revoke = |id: &'static str, secret: &'static str, token: String| {
        let site = &site;
        async move {
            site.post("/application/o/revoke/", &[("client_id", id), ("client_secret", secret), ("token", &token)])
                .await
        }
    };
    assert_eq!(revoke("wiki", "wrong", access.into()).await.expect(401)["error"], "invalid_client");
    revoke(other.id, SECRET, access.into()).await.expect(200);
    assert_eq!(site.userinfo(access).await.status, 200);
    // Whoever gives up the refresh token gives up all that came of it.
    revoke("wiki", SECRET, refresh.into()).await.expect(200);
    assert_eq!(site.userinfo(access).await.status, 401);
    let tokens = site.tokens(&mut client).await;
    let access = tokens["access_token"].as_str().unwrap();
    revoke("wiki", SECRET, access.into()).await.expect(200);
    revoke("wiki", SECRET, "nonsense".into()).await.expect(200);
    assert_eq!(
        (site.userinfo(access).await.status.as_u16(), &site.introspect(access).await),
        (401, &json!({"active": false}))
    );
    let renewed = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(site.token(&renewed).await.status, 200);
}

#[tokio::test]
async fn every_key_signs_its_own_way_and_a_token_may_be_encrypted() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    for (algorithm, named) in [("rsa", "RS256"), ("ecdsa", "ES256")] {
        let key = key_pair(&app, algorithm, algorithm).await;
        site.set(json!({"signing_key": key})).await;
        let tokens = site.tokens(&mut client).await;
        site.verified(tokens["id_token"].as_str().unwrap()).await;
        let told = app.anonymous().get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
        assert_eq!(told["id_token_signing_alg_values_supported"], json!([named]));
        site.verified(tokens["access_token"].as_str().unwrap()).await;
    }
    site.set(json!({"signing_key": null})).await;
    let tokens = site.tokens(&mut client).await;
    let token = vestibule_jose::Jws::parse(tokens["id_token"].as_str().unwrap()).unwrap();
    assert!(token.verify_own(&vestibule_jose::SigningKey::shared(SECRET.as_bytes())).is_ok());
    let plain = Site::new(&app, "plain", json!({})).await;
    let path = format!("/application/o/{}/jwks/", plain.id);
    assert_eq!(app.anonymous().get(&path).await.expect(200), json!({"keys": []}));
    let key = key_pair(&app, "sealed", "rsa").await;
    site.set(json!({"encryption_key": key})).await;
    let tokens = site.tokens(&mut client).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!((access.split('.').count(), site.userinfo(access).await.status.as_u16()), (5, 200));
    let keys = app.anonymous().get("/application/o/wiki/jwks/").await.expect(200);
    assert_eq!((&keys["keys"][0]["use"], &keys["keys"][0]["alg"]), (&json!("enc"), &json!("RSA-OAEP-256")));
}

#[tokio::test]
async fn a_user_is_named_as_the_provider_says() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let body = json!({"email": "alice@example.com", "attributes": {"upn": "alice@corp"}});
    let user = app.admin().patch(&format!("/api/v3/core/users/{pk}/"), body).await.expect(200);
    let site = Site::new(&app, "wiki", json!({})).await;
    for (mode, expected) in [
        ("hashed_user_id", user["uid"].clone()),
        ("user_id", json!(pk.to_string())),
        ("user_uuid", user["uuid"].clone()),
        ("user_username", json!("alice")),
        ("user_email", json!("alice@example.com")),
        ("user_upn", json!("alice@corp")),
    ] {
        site.set(json!({"sub_mode": mode, "issuer_mode": "global"})).await;
        let tokens = site.tokens(&mut client).await;
        let told = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&told["sub"], &told["iss"]), (&expected, &json!("http://localhost/")), "{mode}");
    }
}

#[tokio::test]
async fn pages_of_the_clients_own_sites_may_read_and_no_others() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    let bearer = app.anonymous().with_token(tokens["access_token"].as_str().unwrap());
    for (origin, may) in [
        ("https://wiki.example", true),
        ("https://evil.example", false),
        ("http://wiki.example", false),
        ("null", false),
    ] {
        let answer = bearer.clone().with_header("origin", origin).get("/application/o/userinfo/").await;
        let allowed = answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(allowed, may.then_some(origin), "{origin}");
    }
}

#[tokio::test]
async fn administrators_and_owners_see_grants_and_never_their_secrets() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    site.code(&mut client, &[]).await;
    let mut stranger = app.clerk("bob").await.1;
    for path in ["access_tokens", "refresh_tokens", "authorization_codes"] {
        let list = app.admin().get(&format!("/api/v3/oauth2/{path}/?user={pk}&provider={}", site.provider)).await;
        for token in [&tokens["access_token"], &tokens["refresh_token"]] {
            assert!(!list.text.contains(token.as_str().unwrap()), "{path}");
        }
        let list = list.expect(200);
        let one = &list["results"][0];
        assert_eq!((&one["user"]["username"], &one["provider"]["name"]), (&json!("alice"), &json!("wiki")), "{path}");
        assert!(one["provider"].get("client_secret").is_none());
        assert_eq!(one["scope"], json!(["openid", "email", "offline_access", "profile"]), "{path}");
        let own = client.get(&format!("/api/v3/oauth2/{path}/")).await.expect(200);
        assert_eq!(own["results"][0]["pk"], one["pk"], "{path}");
        assert_eq!(stranger.get(&format!("/api/v3/oauth2/{path}/")).await.expect(200)["results"], json!([]), "{path}");
        stranger.delete(&format!("/api/v3/oauth2/{path}/{}/", one["pk"])).await.expect(404);
        app.admin().delete(&format!("/api/v3/oauth2/{path}/{}/", one["pk"])).await.expect(204);
    }
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn an_access_token_reaches_the_api_where_its_scope_says_so() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let me = |token: String| {
        let app = &app;
        async move { app.anonymous().with_token(&token).get("/api/v3/core/users/me/").await }
    };
    let access = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
    let tokens = site.tokens(&mut client).await;
    assert_eq!(me(access(&tokens)).await.expect(403)["detail"], "Token invalid/expired");
    let code = site.code(&mut client, &[("scope", "openid goauthentik.io/api")]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    assert_eq!(me(access(&tokens)).await.expect(200)["user"]["username"], "alice");
    // No more than its user may.
    let list = app.anonymous().with_token(&access(&tokens)).get("/api/v3/flows/instances/").await;
    assert_eq!(list.status, 403);
    app.later(3601);
    assert_eq!(me(access(&tokens)).await.status, 403);
}
