//! Connections that people make themselves, and what a session remembers on the way.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};

use super::provider::{CLIENT, Provider, SECRET, back, event, follow, leave, read, sign_in, who};
use crate::app::{App, PASSWORD};
use crate::security::login;

async fn forge(more: Value) -> (App, Provider) {
    let app = App::start().await;
    let provider = Provider::start().await;
    provider.source(&app, "openidconnect", more).await;
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    (app, provider)
}

async fn connections(app: &App) -> usize {
    let list = app.admin().get("/api/v3/sources/user_connections/oauth/").await.expect(200);
    list["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn who_is_signed_in_connects_their_account() {
    let (app, provider) = forge(json!({})).await;
    app.user("lovelace", PASSWORD).await;
    app.user("babbage", PASSWORD).await;
    let mut client = app.anonymous();
    login(&mut client, "lovelace", PASSWORD, "").await;
    let answer = sign_in(&mut client).await;
    assert_eq!((answer.location(), connections(&app).await), ("/if/user/", 1));
    assert_eq!(event(&app, "source_linked").await["user"]["username"], "lovelace");
    // Once more changes nothing.
    sign_in(&mut client).await;
    assert_eq!(connections(&app).await, 1);
    // Whoever has the account at the provider is she.
    let mut elsewhere = app.anonymous();
    sign_in(&mut elsewhere).await;
    assert_eq!(who(&mut elsewhere).await, "lovelace");
    // Nobody else connects it, and she connects no second one.
    let mut other = app.anonymous();
    login(&mut other, "babbage", PASSWORD, "").await;
    assert_eq!(sign_in(&mut other).await.status, 409);
    provider.says("/profile", json!({"sub": "s-2"}));
    assert_eq!(sign_in(&mut client).await.status, 409);
    assert_eq!(connections(&app).await, 1);
}

#[tokio::test]
async fn a_page_shows_what_is_connected_connects_and_disconnects() {
    const PAGE: &str = "/if/user/access/";
    let (app, _) = forge(json!({})).await;
    for name in ["lovelace", "babbage"] {
        app.user(name, PASSWORD).await;
    }
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    login(&mut client, "lovelace", PASSWORD, "").await;
    let page = read(&client.get(PAGE).await.text);
    let connect = "/source/oauth/login/forge/?next=%2Fif%2Fuser%2Faccess%2F%3Fdone%3Daccount_connected";
    assert!(page.contains(&format!("href=\"{connect}\"")), "{page}");
    let sent = leave(&mut client, connect.split_once("forge/").unwrap().1).await;
    let answer = back(&mut client, &sent["state"]).await;
    assert_eq!(answer.location(), "/if/user/access/?done=account_connected");
    let page = read(&client.get(answer.location()).await.text);
    assert!(!page.contains(connect) && page.contains("The account is connected."), "{page}");
    let sql = "SELECT id AS n FROM user_source_connections";
    let path = format!("{PAGE}accounts/{}/disconnect/", app.number(sql, vec![]).await);
    assert!(page.contains(&path), "{page}");
    // Nobody else ends it: not by their own page, though they are a superuser, and not from another site.
    for name in ["babbage", "akadmin"] {
        let mut other = app.anonymous().with_header("sec-fetch-site", "same-origin");
        login(&mut other, name, PASSWORD, "").await;
        assert!(!other.get(PAGE).await.text.contains(&path.replace('/', "&#x2f;")));
        assert_eq!(other.form(&path, &[]).await.status, 303);
    }
    let mut elsewhere =
        app.anonymous().with_header("sec-fetch-site", "cross-site").with_header("origin", "https://evil.example");
    elsewhere.cookies.clone_from(&client.cookies);
    assert_eq!(elsewhere.form(&path, &[]).await.status, 403);
    assert_eq!(connections(&app).await, 1);
    for _ in 0..2 {
        assert_eq!(client.form(&path, &[]).await.location(), "/if/user/access/?done=account_disconnected");
    }
    assert_eq!(client.form(&format!("{PAGE}accounts/none/disconnect/"), &[]).await.status, 404);
    assert_eq!(connections(&app).await, 0);
}

/// Whoever has been signed in to somebody else's account over there would connect that one, and its owner would be they.
#[tokio::test]
async fn another_site_has_nobody_connect_an_account() {
    let (app, _) = forge(json!({})).await;
    app.user("lovelace", PASSWORD).await;
    let mut client = app.anonymous();
    login(&mut client, "lovelace", PASSWORD, "").await;
    let path = "/source/oauth/login/forge/";
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 302), ("none", 302)] {
        let mut browser = client.clone().with_header("sec-fetch-site", site);
        assert_eq!(browser.get(path).await.status, status, "{site}");
    }
    // Whoever is not signed in signs in: a link of an application may lead there.
    assert_eq!(app.anonymous().with_header("sec-fetch-site", "cross-site").get(path).await.status, 302);
}

#[tokio::test]
async fn a_token_of_the_source_is_kept_sealed_and_shown_to_nobody() {
    let (app, _) = forge(json!({})).await;
    sign_in(&mut app.anonymous()).await;
    let sql = "SELECT access_token_sealed FROM user_source_connections";
    let row = app.store().database().query_one(sql, vec![]).await.unwrap().unwrap();
    let sealed = row.text("access_token_sealed").unwrap();
    assert!(!sealed.is_empty() && !sealed.contains("at-1"), "{sealed}");
    let shown = app.admin().get("/api/v3/sources/user_connections/oauth/").await;
    assert!(!shown.text.contains("at-1") && !shown.text.contains("access_token"), "{}", shown.text);
    let sessions = app.store().database().query("SELECT data FROM sessions", vec![]).await.unwrap();
    assert!(sessions.iter().all(|row| !row.text("data").unwrap().contains("at-1")));
}

#[tokio::test]
async fn a_login_is_begun_here_by_this_browser_and_ends_once() {
    let (app, _) = forge(json!({})).await;
    let mut client = app.anonymous();
    // Login CSRF (RFC 6749, section 10.12): another browser's state, none, one that was used.
    let sent = leave(&mut client, "").await;
    for (browser, state) in
        [(app.anonymous(), sent["state"].as_str()), (client.clone(), "guessed"), (client.clone(), "")]
    {
        let mut browser = browser;
        let page = back(&mut browser, state).await;
        assert_eq!((page.status.as_u16(), who(&mut browser).await), (400, Value::Null));
    }
    let answer = back(&mut client, &sent["state"]).await;
    follow(&mut client, answer).await;
    assert_eq!(who(&mut client).await, "ada");
    assert_eq!(back(&mut client, &sent["state"]).await.status, 400);
    // Too late, too.
    let mut slow = app.anonymous();
    let sent = leave(&mut slow, "").await;
    app.later(3700);
    assert_eq!(back(&mut slow, &sent["state"]).await.status, 400);
}

#[tokio::test]
async fn tabs_do_not_disturb_one_another() {
    let (app, _) = forge(json!({})).await;
    let mut client = app.anonymous();
    let first = leave(&mut client, "?next=/if/user/first").await;
    let second = leave(&mut client, "?next=/if/user/second").await;
    assert_ne!(first["state"], second["state"]);
    let answer = back(&mut client, &first["state"]).await;
    assert_eq!(follow(&mut client, answer).await.location(), "/if/user/first");
    assert_eq!(who(&mut client).await, "ada");
}

#[tokio::test]
async fn where_they_wanted_to_go_is_on_this_host() {
    let (app, _) = forge(json!({})).await;
    for (next, expected) in
        [("/if/user/x", "/if/user/x"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("", "/")]
    {
        let mut client = app.anonymous();
        let query = url::form_urlencoded::Serializer::new("?".to_owned()).append_pair("next", next).finish();
        let sent = leave(&mut client, &query).await;
        let answer = back(&mut client, &sent["state"]).await;
        assert_eq!(follow(&mut client, answer).await.location(), expected, "{next}");
        // And for who is signed in already.
        let sent = leave(&mut client, &query).await;
        let expected = if next.is_empty() { "/" } else { expected };
        assert_eq!(back(&mut client, &sent["state"]).await.location(), expected, "{next}");
    }
}

#[tokio::test]
async fn a_source_that_is_off_or_not_there_is_no_way_in() {
    let (app, _) = forge(json!({})).await;
    let mut client = app.anonymous();
    let sent = leave(&mut client, "").await;
    app.admin().patch("/api/v3/sources/oauth/forge/", json!({"enabled": false})).await.expect(200);
    assert_eq!(client.get("/source/oauth/login/forge/").await.status, 404);
    assert_eq!(back(&mut client, &sent["state"]).await.status, 404);
    assert_eq!(client.get("/source/oauth/login/no-such/").await.status, 404);
    assert_eq!(client.send(Method::PUT, "/source/oauth/login/forge/", None, Vec::new()).await.status, 405);
}

#[tokio::test]
async fn this_server_proves_itself_as_the_source_says() {
    let (app, provider) = forge(json!({"pkce": "S256", "additional_scopes": "groups"})).await;
    let mut client = app.anonymous();
    let sent = leave(&mut client, "?login_hint=ada%40example.com").await;
    assert_eq!(
        (sent["client_id"].as_str(), sent["response_type"].as_str(), sent["scope"].as_str()),
        (CLIENT, "code", "openid email profile groups")
    );
    assert_eq!(
        (sent["redirect_uri"].as_str(), sent["code_challenge_method"].as_str(), sent["login_hint"].as_str()),
        ("http://localhost/source/oauth/callback/forge/", "S256", "ada@example.com")
    );
    back(&mut client, &sent["state"]).await;
    let seen = provider.seen("/token");
    assert_eq!((seen.method, seen.form["grant_type"].as_str()), (Method::POST, "authorization_code"));
    assert_eq!((seen.form["code"].as_str(), &seen.form["redirect_uri"]), ("c-1", &sent["redirect_uri"]));
    // RFC 6749, section 2.3.1: both parts are written as in a form.
    let basic = STANDARD.decode(seen.authorization.strip_prefix("Basic ").unwrap());
    assert_eq!(String::from_utf8(basic.unwrap()).unwrap(), format!("{CLIENT}:a+secret+%2F+with+%2B+signs%3A+and+more"));
    assert!(!seen.form.contains_key("client_secret"));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seen.form["code_verifier"].as_bytes());
    let challenge = URL_SAFE_NO_PAD.decode(&sent["code_challenge"]).unwrap();
    assert_eq!(digest.as_ref(), challenge);
    assert_eq!(provider.seen("/profile").authorization, "Bearer at-1");

    let body =
        json!({"authorization_code_auth_method": "post_body", "pkce": "none", "additional_scopes": "*only these"});
    app.admin().patch("/api/v3/sources/oauth/forge/", body).await.expect(200);
    let mut other = app.anonymous();
    let sent = leave(&mut other, "").await;
    assert_eq!((sent["scope"].as_str(), sent.get("code_challenge"), sent.get("nonce")), ("only these", None, None));
    back(&mut other, &sent["state"]).await;
    let seen = provider.seen("/token");
    assert_eq!((seen.authorization.as_str(), seen.form["client_secret"].as_str()), ("", SECRET));
    assert!(!seen.form.contains_key("code_verifier"));
}

#[tokio::test]
async fn what_goes_wrong_elsewhere_is_said_and_written_down() {
    let (app, provider) = forge(json!({})).await;
    let token = json!({"access_token": "at-1"}).to_string();
    let cases: [(&str, u16, &'static str, &str, &str); 7] = [
        (
            "/token",
            400,
            "application/json",
            r#"{"error": "invalid_grant", "error_description": "too late"}"#,
            "too late",
        ),
        ("/token", 200, "application/json", r#"{"error": "bad_verification_code"}"#, "bad_verification_code"),
        ("/token", 500, "text/html", "<h1>Oops</h1>", "500"),
        ("/token", 200, "application/json", r#"{"token_type": "Bearer"}"#, "no token"),
        ("/profile", 401, "application/json", "{}", "401"),
        ("/profile", 200, "text/html", "<html>", "not JSON"),
        ("/profile", 200, "application/json", r#"{"name": "no key"}"#, "who they are"),
    ];
    for (path, status, media_type, text, said) in cases {
        provider.answers("/token", 200, "application/json", token.clone());
        provider.says("/profile", json!({"sub": "s-1"}));
        provider.answers(path, status, media_type, text);
        let mut client = app.anonymous();
        let page = sign_in(&mut client).await;
        assert_eq!((page.status.as_u16(), who(&mut client).await), (502, Value::Null), "{text}");
        assert!(!page.text.contains(said) || said == "500" || said == "401", "people are told: {said}");
        let event = event(&app, "configuration_error").await;
        assert!(event["context"]["message"].as_str().unwrap().contains(said), "{event}");
        assert_eq!(event["context"]["source"]["slug"], "forge");
    }
    // Who thinks better of it is no error of the configuration.
    let mut client = app.anonymous();
    let sent = leave(&mut client, "?next=/if/user/x").await;
    let before = app.number("SELECT COUNT(*) AS n FROM events", vec![]).await;
    let path = format!("/source/oauth/callback/forge/?error=access_denied&state={}", sent["state"]);
    let page = client.get(&path).await.text;
    assert!(page.contains("changed your mind") && page.contains("next=%2Fif%2Fuser%2Fx"), "{page}");
    assert_eq!(app.number("SELECT COUNT(*) AS n FROM events", vec![]).await, before);
    // An answer that a form brings is asked for once more: then the session's cookie comes with it.
    let sent = leave(&mut client, "").await;
    let path = "/source/oauth/callback/forge/";
    provider.says("/token", json!({"access_token": "at-1"}));
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let answer = app.anonymous().form(path, &[("code", "c-1"), ("state", &sent["state"])]).await;
    assert_eq!(answer.status, 303);
    let answer = client.get(answer.location()).await;
    follow(&mut client, answer).await;
    assert_eq!(who(&mut client).await, "ada");
}
