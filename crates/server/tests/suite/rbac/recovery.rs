//! Links by which users get back in: for the one whom they were made for, once, and not for ever.

use serde_json::{Value, json};
use vestibule_testkit::Client;

use super::make;
use crate::app::App;

/// A recovery flow that signs in, as the brand's own; the link for a user.
async fn link(app: &App, user: i64, body: Value) -> String {
    let mut admin = app.admin();
    if admin.get("/api/v3/flows/instances/back/").await.status == 404 {
        let flow = json!({"name": "back", "slug": "back", "title": "Back", "designation": "recovery"});
        let flow = make(app, "flows/instances", flow).await;
        let stage = make(app, "stages/user_login", json!({"name": "back in"})).await;
        make(app, "flows/bindings", json!({"target": flow, "stage": stage, "order": 0})).await;
        let brand = admin.get("/api/v3/core/brands/").await.expect(200)["results"][0]["brand_uuid"].clone();
        let path = format!("/api/v3/core/brands/{}/", brand.as_str().unwrap());
        admin.patch(&path, json!({"flow_recovery": flow})).await.expect(200);
    }
    let path = format!("/api/v3/core/users/{user}/recovery/");
    let link = admin.post(&path, body).await.expect(200)["link"].as_str().unwrap().to_owned();
    let (_, path) = link.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap();
    format!("/{path}")
}

/// Who has followed a link.
async fn follow(app: &App, link: &str) -> (Client, Value) {
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    client.get(link).await;
    let me = client.get("/api/v3/core/users/me/").await;
    let name = me.json()["user"]["username"].clone();
    (client, name)
}

#[tokio::test]
async fn cve_2023_26481_a_link_is_for_its_user_once() {
    let app = App::start().await;
    let alice = app.user("alice", "").await;
    let first = link(&app, alice, json!({})).await;
    assert!(first.starts_with("/if/flow/back/?flow_token="), "{first}");
    let (_, who) = follow(&app, &first).await;
    assert_eq!(who, "alice");
    assert_eq!(follow(&app, &first).await.1, Value::Null, "a second visit");
    // A newer link makes the one before worthless.
    let older = link(&app, alice, json!({})).await;
    let newer = link(&app, alice, json!({})).await;
    assert_eq!(follow(&app, &older).await.1, Value::Null);
    // It opens the flow that it was made for, and no other.
    let elsewhere = newer.replace("/if/flow/back/", "/if/flow/default-authentication-flow/");
    assert_eq!(follow(&app, &elsewhere).await.1, Value::Null);
    assert_eq!(follow(&app, &newer).await.1, "alice");
    // Without a token the flow is about nobody.
    assert_eq!(follow(&app, "/if/flow/back/").await.1, Value::Null);
    assert_eq!(follow(&app, "/if/flow/back/?flow_token=guessed").await.1, Value::Null);
}

#[tokio::test]
async fn cve_2025_64708_a_link_ends_when_it_says() {
    let app = App::start().await;
    let alice = app.user("alice", "").await;
    let short = link(&app, alice, json!({"token_duration": "minutes=5"})).await;
    app.later(301);
    assert_eq!(follow(&app, &short).await.1, Value::Null);
    let usual = link(&app, alice, json!({})).await;
    app.later(29 * 60);
    assert_eq!(follow(&app, &usual).await.1, "alice");
    let inactive = link(&app, alice, json!({})).await;
    app.admin().patch(&format!("/api/v3/core/users/{alice}/"), json!({"is_active": false})).await.expect(200);
    assert_eq!(follow(&app, &inactive).await.1, Value::Null);
    // The key is good for nothing but the flow.
    let key = inactive.rsplit('=').next().unwrap().to_owned();
    app.anonymous().with_token(&key).get("/api/v3/core/users/me/").await.expect(403);
}

/// Whoever may do less than a user makes no way in as they.
#[tokio::test]
async fn links_for_the_mighty_are_made_by_the_mighty() {
    let app = App::start().await;
    let alice = app.user("alice", "").await;
    link(&app, alice, json!({})).await;
    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &["authentik_core.reset_user_password"]).await;
    let root = app.admin().get("/api/v3/core/users/me/").await.expect(200)["user"]["pk"].clone();
    client.post(&format!("/api/v3/core/users/{alice}/recovery/"), json!({})).await.expect(200);
    client.post(&format!("/api/v3/core/users/{root}/recovery/"), json!({})).await.expect(403);
    let body = json!({"email_stage": app.server.api.ctx.uuid()});
    let refused = client.post(&format!("/api/v3/core/users/{alice}/recovery_email/"), body.clone()).await.expect(400);
    assert_eq!(refused["non_field_errors"], "User does not have an email address set.");
    let path = format!("/api/v3/core/users/{alice}/");
    app.admin().patch(&path, json!({"email": "alice@example.com"})).await.expect(200);
    let refused = client.post(&format!("{path}recovery_email/"), body).await.expect(400);
    assert_eq!(refused["non_field_errors"], "Email stage not found.");
}
