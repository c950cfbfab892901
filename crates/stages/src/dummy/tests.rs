//! Tests of the dummy stage.

use serde_json::{Value, json};
use vestibule_testkit::TestApp;

use crate::test_support::families;

async fn app(stage: Value) -> TestApp {
    let app = TestApp::start(families()).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stage = app.create("authentik_stages_dummy.dummystage", stage).await;
    app.create("authentik_flows.flowstagebinding", json!({"target": flow["pk"], "stage": stage["pk"], "order": 0}))
        .await;
    app
}

#[tokio::test]
async fn it_shows_itself_and_goes_on_when_answered() {
    let app = app(json!({"name": "a dummy"})).await;
    let mut walker = app.walker("f");
    for _ in 0..2 {
        let challenge = walker.challenge().await;
        assert_eq!((&challenge["component"], &challenge["name"]), (&json!("ak-stage-dummy"), &json!("a dummy")));
    }
    let wrong = walker.answer(json!({"component": "ak-stage-password"})).await;
    assert_eq!(wrong["component"], "ak-stage-dummy");
    let empty = walker.answer(json!({})).await;
    assert_eq!(empty["response_errors"]["component"][0]["code"], "required");
    let end = walker.answer(json!({"component": "ak-stage-dummy"})).await;
    assert_eq!(end["component"], "xak-flow-redirect");
}

#[tokio::test]
async fn it_fails_when_told_to() {
    let app = app(json!({"name": "a dummy", "throw_error": true})).await;
    let mut walker = app.walker("f");
    assert_eq!(walker.challenge().await["component"], "ak-stage-flow-error");
    assert_eq!(walker.answer(json!({})).await["component"], "ak-stage-flow-error");
}

#[tokio::test]
async fn it_is_filtered_by_what_it_does() {
    let app = app(json!({"name": "a dummy", "throw_error": true})).await;
    let mut admin = app.admin().await;
    for (query, count) in [("throw_error=true", 1), ("throw_error=false", 0), ("throw_error=x", 1)] {
        let list = admin.get(&format!("/api/v3/stages/dummy/?{query}")).await.expect(200);
        assert_eq!(list["pagination"]["count"], count, "{query}");
    }
}
