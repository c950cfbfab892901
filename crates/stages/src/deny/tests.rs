//! Tests of the deny stage.

use serde_json::{Value, json};
use vestibule_testkit::TestApp;

use crate::test_support::families;

async fn app(stage: Value, action: &str) -> TestApp {
    let app = TestApp::start(families()).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stage = app.create("authentik_stages_deny.denystage", stage).await;
    let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": 0, "invalid_response_action": action});
    app.create("authentik_flows.flowstagebinding", binding).await;
    app
}

#[tokio::test]
async fn nobody_passes_and_the_message_is_told() {
    let app = app(json!({"name": "d", "deny_message": "Closed today."}), "retry").await;
    let mut walker = app.walker("f");
    for _ in 0..2 {
        let challenge = walker.challenge().await;
        assert_eq!(challenge["component"], "ak-stage-access-denied");
        assert_eq!(challenge["error_message"], "Closed today.");
        for answer in [json!({}), json!({"component": "ak-stage-dummy"})] {
            assert_eq!(walker.answer(answer).await["component"], "ak-stage-access-denied");
        }
    }
}

#[tokio::test]
async fn without_a_message_there_is_one_all_the_same() {
    let app = app(json!({"name": "d"}), "retry").await;
    assert_eq!(app.walker("f").challenge().await["error_message"], "Request has been denied.");
}

#[tokio::test]
async fn restarting_leads_to_the_same_refusal() {
    let app = app(json!({"name": "d"}), "restart").await;
    assert_eq!(app.walker("f").answer(json!({})).await["component"], "ak-stage-access-denied");
}

#[tokio::test]
async fn it_is_filtered_by_its_message() {
    let app = app(json!({"name": "d", "deny_message": "Closed today."}), "retry").await;
    let mut admin = app.admin().await;
    for (query, count) in [("deny_message=Closed%20today.", 1), ("deny_message=x", 0), ("name=d", 1)] {
        let list = admin.get(&format!("/api/v3/stages/deny/?{query}")).await.expect(200);
        assert_eq!(list["pagination"]["count"], count, "{query}");
    }
}
