//! `/application/o/authorize/`.

use serde_json::{Value, json};

use super::{CALLBACK, Site, alice, claims, key_pair, parameters, query};
use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

#[tokio::test]
async fn who_is_not_signed_in_comes_back_with_a_code_once_they_are() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let mut client = app.anonymous();
    let answer = site.authorize(&mut client, &[]).await;
    assert_eq!(answer.status, 302);
    let to = answer.location().to_owned();
    assert!(to.starts_with("/if/flow/default-authentication-flow/?response_type=code&client_id=wiki&"), "{to}");
    let sessions = app.number("SELECT count(*) AS n FROM sessions", vec![]).await;
    assert_eq!(sessions, 0, "a first visit writes nothing");
    let inner = to.split_once('?').unwrap().1;
    let first: Value = client.get(&executor("default-authentication-flow", inner)).await.expect(200);
    assert_eq!(
        (&first["application_pre"], &first["application_pre_launch"]),
        (&json!("wiki"), &json!("https://wiki.example"))
    );
    let end = login(&mut client, "alice", PASSWORD, inner).await;
    let back = end["to"].as_str().unwrap();
    assert!(back.starts_with("/application/o/authorize/?"), "{back}");
    let answer = client.get(back).await;
    let found = parameters(answer.location());
    assert!(answer.location().starts_with(CALLBACK) && found["state"] == "st" && !found["code"].is_empty());
    assert_eq!(found["iss"], "http://localhost/application/o/wiki/");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_where_it_is_safe() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    for more in [
        [("client_id", "nobody")],
        [("client_id", "")],
        [("redirect_uri", "https://evil.example/")],
        [("redirect_uri", "https://wiki.example/callback/x")],
        [("redirect_uri", "")],
    ] {
        let answer = site.authorize(&mut client, &more).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, ""), "{more:?}");
    }
    for (more, error) in [
        (vec![("response_type", "")], "unsupported_response_type"),
        (vec![("response_type", "code code2")], "unsupported_response_type"),
        (vec![("response_mode", "web_message")], "invalid_request"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "dance")], "invalid_request"),
        (vec![("max_age", "-1")], "invalid_request"),
        (vec![("max_age", "soon")], "invalid_request"),
        (vec![("claims", "[]")], "invalid_request"),
        (vec![("code_challenge", "abc"), ("code_challenge_method", "S512")], "invalid_request"),
        (vec![("request", "a.b.c")], "request_not_supported"),
        (vec![("request_uri", "https://wiki.example/request")], "request_uri_not_supported"),
        (vec![("scope", "email"), ("response_type", "code id_token")], "invalid_scope"),
        (vec![("response_type", "id_token")], "invalid_request"),
        (vec![("response_type", "id_token"), ("nonce", "n"), ("response_mode", "query")], "invalid_request"),
    ] {
        let answer = site.authorize(&mut client, &more).await;
        let found = parameters(answer.location());
        assert_eq!(found.get("error").map(String::as_str), Some(error), "{more:?}: {}", answer.location());
        assert!(answer.location().starts_with(CALLBACK) && found["state"] == "st", "{more:?}");
        assert!(!found["error_description"].is_empty() && found["iss"].ends_with("/application/o/wiki/"));
    }
    let twice = format!(
        "/application/o/authorize/?{}&scope=openid&scope=email",
        query(&[("response_type", "code"), ("client_id", "wiki"), ("redirect_uri", CALLBACK)])
    );
    let answer = client.get(&twice).await;
    assert_eq!(parameters(answer.location())["error"], "invalid_request");
    site.set(json!({"grant_types": ["implicit"]})).await;
    let answer = site.authorize(&mut client, &[]).await;
    assert_eq!(parameters(answer.location())["error"], "unauthorized_client");
}

#[tokio::test]
async fn every_response_type_gives_what_it_names() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    for (kind, gives) in [
        ("code", vec!["code"]),
        ("id_token", vec!["id_token"]),
        ("id_token token", vec!["access_token", "id_token"]),
        ("code token", vec!["access_token", "code"]),
        ("code id_token", vec!["code", "id_token"]),
        ("token code id_token", vec!["access_token", "code", "id_token"]),
    ] {
        let answer = site.authorize(&mut client, &[("response_type", kind), ("nonce", "n1")]).await;
        let to = answer.location();
        assert_eq!(to.contains('#'), kind != "code", "{to}");
        let found = parameters(to);
        let mut given: Vec<&str> = found.keys().map(String::as_str).collect();
        given.retain(|name| ["access_token", "code", "id_token"].contains(name));
        given.sort_unstable();
        assert_eq!(given, gives, "{kind}");
        if let Some(token) = found.get("id_token") {
            let told = site.verified(token).await;
            assert_eq!((&told["nonce"], &told["aud"]), (&json!("n1"), &json!("wiki")));
            assert_eq!(told.get("at_hash").is_some(), found.contains_key("access_token"), "{kind}");
            assert_eq!(told.get("c_hash").is_some(), found.contains_key("code"), "{kind}");
        }
        if let Some(token) = found.get("access_token") {
            assert_eq!(site.userinfo(token).await.status, 200);
            assert_eq!((found["token_type"].as_str(), found["expires_in"].as_str()), ("Bearer", "3600"));
        }
    }
}

#[tokio::test]
async fn a_form_or_a_signed_answer_carries_the_same() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let key = key_pair(&app, "oidc", "ecdsa").await;
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let answer = site.authorize(&mut client, &[("response_mode", "form_post")]).await;
    let path = answer.location().to_owned();
    let slug = "default-provider-authorization-implicit-consent";
    assert!(path.starts_with(&format!("/if/flow/{slug}/?")), "{path}");
    let page = client.get(&path).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://wiki.example;"), "{policy}");
    assert!(
        page.text.contains(r#"action="https:&#x2f;&#x2f;wiki.example&#x2f;callback""#)
            && page.text.contains(r#"name="code""#)
    );
    site.authorize(&mut client, &[("response_mode", "form_post"), ("state", "\"><script>")]).await;
    let challenge = client.get(&executor(slug, "")).await.expect(200);
    assert_eq!((&challenge["component"], &challenge["url"]), (&json!("ak-stage-autosubmit"), &json!(CALLBACK)));
    assert_eq!(challenge["attrs"]["state"], "\"><script>");
    for mode in ["jwt", "query.jwt", "fragment.jwt"] {
        let answer = site.authorize(&mut client, &[("response_mode", mode)]).await;
        let found = parameters(answer.location());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["response"], "{mode}");
        let told = site.verified(&found["response"]).await;
        assert_eq!((&told["aud"], &told["state"]), (&json!("wiki"), &json!("st")));
        assert!(site.exchange(told["code"].as_str().unwrap(), &[]).await.status == 200);
    }
}

#[tokio::test]
async fn consent_is_asked_for_where_the_flow_or_the_application_wants_it() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let slug = "default-provider-authorization-explicit-consent";
    let flow = app.admin().get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let site = Site::new(&app, "wiki", json!({"authorization_flow": flow})).await;
    let silent = site.authorize(&mut client, &[("prompt", "none")]).await;
    assert_eq!(parameters(silent.location())["error"], "consent_required");
    let answer = site.authorize(&mut client, &[]).await;
    let inner = answer.location().split_once('?').unwrap().1.to_owned();
    let path = executor(slug, &inner);
    let asked = client.get(&path).await.expect(200);
    assert_eq!(
        (&asked["component"], &asked["header_text"]),
        (&json!("ak-stage-consent"), &json!("You're about to sign into wiki."))
    );
    let ids: Vec<&str> =
        asked["permissions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["email", "offline_access", "openid", "profile"]);
    let agreed = client
        .clone()
        .with_header("sec-fetch-site", "same-origin")
        .post(&path, json!({"component": "ak-stage-consent", "token": asked["token"]}))
        .await;
    assert_eq!(agreed.status, 302);
    let end = client.get(&path).await.expect(200);
    assert!(end["to"].as_str().unwrap().starts_with(CALLBACK), "{end}");
    // What was agreed to is not asked again, not even where nobody may be asked.
    let silent = site.authorize(&mut client, &[("prompt", "none")]).await;
    assert!(parameters(silent.location()).contains_key("code"), "{}", silent.location());
    // Unless the application wants to be sure.
    site.authorize(&mut client, &[("prompt", "consent")]).await;
    assert_eq!(client.get(&path).await.expect(200)["component"], "ak-stage-consent");
    // A flow without a stage for it asks all the same.
    let plain = Site::new(&app, "plain", json!({})).await;
    plain.authorize(&mut client, &[("prompt", "consent")]).await;
    let asked = client.get(&executor("default-provider-authorization-implicit-consent", "")).await.expect(200);
    assert_eq!(asked["component"], "ak-stage-consent");
}

#[tokio::test]
async fn an_application_may_demand_that_they_sign_in_again() {
    let app = App::start().await;
    let (_, client) = alice(&app).await;
    let mut client = client.with_header("sec-fetch-site", "same-origin");
    let site = Site::new(&app, "wiki", json!({})).await;
    for more in [("prompt", "login"), ("max_age", "0"), ("prompt", "select_account")] {
        let answer = site.authorize(&mut client, &[more]).await;
        assert!(answer.location().starts_with("/if/flow/default-authentication-flow/?"), "{more:?}");
        // Coming back without having signed in changes nothing.
        let again = site.authorize(&mut client, &[more]).await;
        assert!(again.location().starts_with("/if/flow/default-authentication-flow/?"), "{more:?}");
        app.later(5);
        login(&mut client, "alice", PASSWORD, "").await;
        let answer = site.authorize(&mut client, &[more]).await;
        assert!(answer.location().starts_with(CALLBACK), "{more:?}: {}", answer.location());
    }
    app.later(100);
    let answer = site.authorize(&mut client, &[("max_age", "60")]).await;
    assert!(answer.location().starts_with("/if/flow/"), "{}", answer.location());
    let answer = site.authorize(&mut client, &[("max_age", "60"), ("prompt", "none")]).await;
    assert_eq!(parameters(answer.location())["error"], "login_required");
    let answer = site.authorize(&mut app.anonymous(), &[("prompt", "none")]).await;
    assert_eq!(parameters(answer.location())["error"], "login_required");
    login(&mut client, "alice", PASSWORD, "").await;
    let code = site.code(&mut client, &[("max_age", "60")]).await;
    let told = claims(site.exchange(&code, &[]).await.expect(200)["id_token"].as_str().unwrap());
    assert_eq!((&told["auth_time"], &told["amr"]), (&told["iat"], &json!(["pwd"])));
}

#[tokio::test]
async fn who_may_not_open_the_application_gets_nothing() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let other = app.user("bob", "").await;
    let site = Site::new(&app, "wiki", json!({})).await;
    site.only_for(other).await;
    let answer = site.authorize(&mut client, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (403, ""));
}

#[tokio::test]
async fn a_request_may_be_sent_beforehand() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let pairs = [
        ("client_id", "wiki"),
        ("client_secret", super::SECRET),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("state", "pushed"),
    ];
    let answer = site.post("/application/o/par/", &pairs).await.expect(201);
    let name = answer["request_uri"].as_str().unwrap();
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:") && answer["expires_in"] == 90);
    let path = format!("/application/o/authorize/?{}", query(&[("client_id", "wiki"), ("request_uri", name)]));
    let found = parameters(client.get(&path).await.location());
    assert_eq!((found["state"].as_str(), found.contains_key("code")), ("pushed", true));
    let wrong = site.post("/application/o/par/", &[("client_id", "wiki"), ("client_secret", "x")]).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["error"]), (401, &json!("invalid_client")));
    let bad = [("client_id", "wiki"), ("client_secret", super::SECRET), ("redirect_uri", "https://evil.example/")];
    assert_eq!(site.post("/application/o/par/", &bad).await.expect(400)["error"], "invalid_request");
    // Whoever has to sign in first finds what it says to people, and nothing else of it.
    let pairs = [&pairs[..], &[("login_hint", "alice@example.com"), ("ui_locales", "de")]].concat();
    let hinted = site.post("/application/o/par/", &pairs).await.expect(201);
    let hinted = query(&[("client_id", "wiki"), ("request_uri", hinted["request_uri"].as_str().unwrap())]);
    let to = app.anonymous().get(&format!("/application/o/authorize/?{hinted}")).await.location().to_owned();
    let told = parameters(&to);
    assert_eq!((told["login_hint"].as_str(), told["ui_locales"].as_str()), ("alice@example.com", "de"), "{to}");
    assert_eq!((told.get("scope"), told["next"].as_str()), (None, &*format!("/application/o/authorize/?{hinted}")));
    assert!(app.anonymous().get(&to).await.text.contains("<html lang=\"de\""));
    // It is of one client, and ends.
    let other = Site::new(&app, "other", json!({})).await;
    let path_of_other =
        format!("/application/o/authorize/?{}", query(&[("client_id", other.id), ("request_uri", name)]));
    assert_eq!(client.get(&path_of_other).await.status, 400);
    app.later(3600);
    assert_eq!(client.get(&path).await.status, 400);
}
