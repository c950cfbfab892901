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

/// An application that answers so; its address, and how often it was asked.
async fn answering(status: u16) -> (String, Arc<std::sync::atomic::AtomicUsize>) {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    let router = axum::Router::new().fallback(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move { http::StatusCode::from_u16(status).unwrap() }
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/bye", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, router).await });
    (address, asked)
}

#[tokio::test]
async fn an_application_that_is_down_is_told_later_and_one_that_refuses_is_not() {
    for (status, again) in [(503, true), (400, false)] {
        let app = App::start().await;
        let (_, mut client) = alice(&app).await;
        let (address, asked) = answering(status).await;
        let site = Site::new(&app, "wiki", json!({"logout_uri": address})).await;
        site.tokens(&mut client).await;
        client.get(&executor("default-invalidation-flow", "")).await;
        work(&app).await;
        let asked = || asked.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(asked(), 1, "{status}");
        for _ in 0..3 {
            app.later(3600);
            work(&app).await;
        }
        assert_eq!(asked() > 1, again, "{status}");
    }
}

#[tokio::test]
async fn an_application_is_told_however_a_session_ends() {
    for how in ["it expires", "an administrator ends it", "the application ends its own"] {
        let app = App::start().await;
        let (pk, mut client) = alice(&app).await;
        let (address, heard) = listener().await;
        let site = Site::new(&app, "wiki", json!({"logout_uri": address})).await;
        let tokens = site.tokens(&mut client).await;
        match how {
            "it expires" => app.later(400 * 86_400),
            "an administrator ends it" => {
                let path = "/api/v3/core/authenticated_sessions/?user__username=alice";
                let list = app.admin().get(path).await.expect(200);
                for one in list["results"].as_array().unwrap() {
                    let path = format!("/api/v3/core/authenticated_sessions/{}/", one["uuid"].as_str().unwrap());
                    app.admin().delete(&path).await.expect(204);
                }
                app.later(60);
            }
            // By the flow that comes with the server the session here goes on.
            _ => {
                client.get("/application/o/wiki/end-session/").await;
                let me = client.get("/api/v3/core/users/me/").await.expect(200);
                assert_eq!(me["user"]["pk"], pk);
            }
        }
        work(&app).await;
        let bodies = heard.lock().unwrap().clone();
        assert_eq!(bodies.len(), 1, "{how}");
        let said = claims(bodies[0].strip_prefix("logout_token=").unwrap());
        assert_eq!(said["sid"], claims(tokens["id_token"].as_str().unwrap())["sid"], "{how}");
    }
}

#[tokio::test]
async fn an_application_ends_its_session_by_a_form_and_in_its_own_name() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let more = json!({"logout_uri": "https://wiki.example/front", "logout_method": "frontchannel"});
    let site = Site::new(&app, "wiki", more).await;
    Site::new(&app, "other", json!({})).await;
    site.tokens(&mut client).await;
    let path = "/application/o/wiki/end-session/";
    assert_eq!(client.get(&format!("{path}?client_id=other")).await.status, 400, "another's name");
    // A session's cookie does not come with a form from elsewhere; with the address that it is sent on to it does.
    let sent = app
        .anonymous()
        .form(path, &[("post_logout_redirect_uri", "https://wiki.example/bye"), ("client_id", "wiki")])
        .await;
    assert_eq!(sent.status, 303);
    let answer = client.get(sent.location()).await;
    assert!(answer.location().starts_with("/if/flow/default-provider-invalidation-flow/"), "{}", answer.location());
    // The browser tells the application before it goes back there.
    let page = client.get(answer.location()).await;
    assert!(page.text.replace("&#x2f;", "/").contains("https://wiki.example/front?"), "{}", page.text);
    // A provider may have people leave by another flow.
    let body = json!({"name": "own", "slug": "own", "title": "own", "designation": "invalidation"});
    let own = app.admin().post("/api/v3/flows/instances/", body).await.expect(201)["pk"].clone();
    let plain = json!({"invalidation_flow": own, "logout_uri": "", "logout_method": "backchannel"});
    site.set(plain).await;
    let answer = client.get(path).await;
    assert!(answer.location().starts_with("/if/flow/own/"), "{}", answer.location());
}
