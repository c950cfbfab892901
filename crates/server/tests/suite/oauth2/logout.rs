//! Sessions end, and applications hear of it.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};

use super::{Site, alice, claims, key_pair, query};
use crate::app::App;
use crate::security::executor;

type Heard = Arc<Mutex<Vec<String>>>;

/// An application that listens; its address, and what it has heard.
async fn listener() -> (String, Heard) {
    let heard = Heard::default();
    let router = axum::Router::new()
        .route("/bye", post(|State(heard): State<Heard>, body: String| async move { heard.lock().unwrap().push(body) }))
        .with_state(heard.clone());
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/bye", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (address, heard)
}

async fn work(app: &App) {
    for _ in 0..4 {
        app.server.runner.run_due().await.unwrap();
    }
}

#[tokio::test]
async fn an_application_is_told_behind_the_browsers_back() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (address, heard) = listener().await;
    let key = key_pair(&app, "oidc", "rsa").await;
    let site = Site::new(&app, "wiki", json!({"logout_uri": address, "signing_key": key})).await;
    let tokens = site.tokens(&mut client).await;
    let told = claims(tokens["id_token"].as_str().unwrap());
    client.get(&executor("default-invalidation-flow", "")).await;
    work(&app).await;
    let bodies = heard.lock().unwrap().clone();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let token = bodies[0].strip_prefix("logout_token=").unwrap();
    let said = site.verified(token).await;
    assert_eq!((&said["sub"], &said["sid"], &said["aud"]), (&told["sub"], &told["sid"], &json!("wiki")));
    assert!(
        said["events"].get("http://schemas.openid.net/event/backchannel-logout").is_some()
            && said.get("nonce").is_none()
    );
    assert_eq!(vestibule_jose::Jws::parse(token).unwrap().header["typ"], "logout+jwt");
    // Once, even where it goes on to renew its tokens.
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    site.token(&refresh).await.expect(200);
    app.later(60);
    work(&app).await;
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_application_ends_its_own_session_and_not_the_others() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let other = Site::new(&app, "other", json!({})).await;
    let (tokens, others) = (site.tokens(&mut client).await, other.tokens(&mut client).await);
    let hint = tokens["id_token"].as_str().unwrap();
    let end = |pairs: &[(&str, &str)]| format!("/application/o/wiki/end-session/?{}", query(pairs));
    let pairs = [("post_logout_redirect_uri", "https://wiki.example/bye"), ("state", "a b"), ("id_token_hint", hint)];
    let answer = client.get(&end(&pairs)).await;
    assert_eq!(answer.location(), "https://wiki.example/bye?state=a%20b");
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(other.userinfo(others["access_token"].as_str().unwrap()).await.status, 200);
    // An address that is not registered leads nowhere, and a hint of another application's is none.
    let answer = client.get(&end(&[("post_logout_redirect_uri", "https://evil.example/")])).await;
    assert!(answer.location().starts_with("/if/flow/default-provider-invalidation-flow/"), "{}", answer.location());
    let page = client.get(answer.location()).await;
    assert!(page.text.contains("You are signed out of wiki."), "{}", page.text);
    let hint = others["id_token"].as_str().unwrap();
    assert_eq!(client.get(&end(&[("id_token_hint", hint)])).await.status, 400);
    assert_eq!(client.get("/application/o/nobody/end-session/").await.status, 404);
    let answer = app.anonymous().get(&end(&[("post_logout_redirect_uri", "https://wiki.example/bye")])).await;
    assert_eq!(answer.location(), "https://wiki.example/bye");
}

#[tokio::test]
async fn an_application_may_be_told_in_the_browser() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let more = json!({"logout_uri": "https://wiki.example/front?x=1", "logout_method": "frontchannel"});
    let site = Site::new(&app, "wiki", more).await;
    let tokens = site.tokens(&mut client).await;
    let path = executor("default-invalidation-flow", "");
    let asked: Value = client.get(&path).await.expect(200);
    assert_eq!(asked["component"], "ak-provider-iframe-logout");
    let url = asked["logout_urls"][0]["url"].as_str().unwrap();
    let sid = claims(tokens["id_token"].as_str().unwrap())["sid"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("https://wiki.example/front?x=1&iss=http") && url.ends_with(&format!("&sid={sid}")),
        "{url}"
    );
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
    let page = client.get("/if/flow/default-invalidation-flow/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-src 'self' https://wiki.example"), "{policy}");
    let mut browser = client.clone().with_header("sec-fetch-site", "same-origin");
    browser.post(&path, json!({"component": "ak-provider-iframe-logout"})).await;
    browser.get(&path).await;
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}
