//! A page is seen before what makes it is saved, and nothing comes of that.

use serde_json::{Value, json};

use crate::app::App;

const PREVIEW: &str = "/api/vestibule/v1/flows/preview/";
const STAGE: &str = "authentik_stages_identification.identificationstage";
const BRAND: &str = "authentik_brands.brand";
const FLOW: &str = "authentik_flows.flow";

fn html(answer: &Value) -> &str {
    answer["html"].as_str().unwrap()
}

#[tokio::test]
async fn an_identification_stage_is_seen_as_it_would_be_and_nothing_is_written() {
    let app = App::start().await;
    let mut admin = app.admin();
    let password = admin
        .post("/api/v3/stages/password/", json!({"name": "p", "backends": ["authentik.core.auth.InbuiltBackend"]}))
        .await
        .expect(201);
    let before = app.footprint().await;
    let fields = json!({"user_fields": ["email"], "password_stage": password["pk"]});
    let answer = admin.post(PREVIEW, json!({"model": STAGE, "fields": fields})).await.expect(200);
    assert!(html(&answer).contains("type=\"password\"") && html(&answer).contains("Email"), "{}", html(&answer));
    let fields = json!({"user_fields": ["username"]});
    let answer = admin.post(PREVIEW, json!({"model": STAGE, "fields": fields, "theme": "dark"})).await.expect(200);
    assert!(!html(&answer).contains("type=\"password\"") && html(&answer).contains("Username"), "{}", html(&answer));
    assert!(html(&answer).contains("data-theme=\"dark\""), "{}", html(&answer));

    // What is there already is seen with what is changed, in a flow of its own.
    let stages =
        admin.get("/api/v3/stages/identification/?name=default-authentication-identification").await.expect(200);
    let stage = stages["results"][0].clone();
    let body = json!({"model": STAGE, "object": stage["pk"], "fields": {"user_fields": ["username"], "enable_remember_me": true}});
    let answer = admin.post(PREVIEW, body).await.expect(200);
    assert!(html(&answer).contains("Welcome to Vestibule!"), "{}", html(&answer));
    assert!(html(&answer).contains("data-remember-toggle"), "{}", html(&answer));
    assert_eq!(app.footprint().await, before);
    let again =
        admin.get("/api/v3/stages/identification/?name=default-authentication-identification").await.expect(200);
    assert_eq!(again["results"][0], stage);
}

#[tokio::test]
async fn a_brand_and_a_flow_are_seen_as_they_would_be() {
    let app = App::start().await;
    let mut admin = app.admin();
    let brand = admin.get("/api/v3/core/brands/").await.expect(200)["results"][0].clone();
    let before = app.footprint().await;
    let fields = json!({"branding_title": "<b>Acme</b>", "branding_custom_css": "body { color: red }"});
    let body = json!({"model": BRAND, "object": brand["brand_uuid"], "fields": fields});
    let answer = admin.post(PREVIEW, body).await.expect(200);
    assert!(html(&answer).contains("&lt;b&gt;Acme&lt;"), "{}", html(&answer));
    assert!(!html(&answer).contains("<b>Acme"), "{}", html(&answer));
    assert_eq!(answer["css"], "body { color: red }");
    let fields = json!({"title": "Come in", "designation": "authentication", "layout": "sidebar_left"});
    let answer = admin.post(PREVIEW, json!({"model": FLOW, "fields": fields})).await.expect(200);
    assert!(html(&answer).contains("Come in") && html(&answer).contains("sidebar_left"), "{}", html(&answer));
    assert_eq!(app.footprint().await, before);
}

#[tokio::test]
async fn whoever_may_not_save_it_does_not_see_it_and_bad_fields_are_named() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (pk, mut somebody) = app.clerk("somebody").await;
    let body = json!({"model": STAGE, "fields": {"user_fields": ["email"]}});
    for (permissions, status) in [
        (vec![], 403),
        (vec!["authentik_flows.view_flow"], 403),
        (vec!["authentik_flows.view_flow", "authentik_stages_identification.add_identificationstage"], 200),
    ] {
        app.grants.grant(pk, &permissions).await;
        assert_eq!(somebody.post(PREVIEW, body.clone()).await.status, status, "{permissions:?}");
    }
    let none = "00000000-0000-4000-8000-000000000000";
    for (body, field) in [
        (json!({"model": "authentik_core.user"}), "model"),
        (json!({"model": STAGE, "fields": {"user_fields": ["shoe size"]}}), "user_fields"),
        (json!({"model": STAGE, "fields": {"user_fields": ["email"], "password_stage": none}}), "password_stage"),
        (json!({"model": STAGE, "object": none}), "object"),
        (json!({"model": STAGE, "fields": []}), "fields"),
        (json!({"model": FLOW, "fields": {"title": "t"}}), "designation"),
    ] {
        let answer = admin.post(PREVIEW, body.clone()).await.expect(400);
        assert!(answer.get(field).is_some(), "{body}: {answer}");
    }
}
