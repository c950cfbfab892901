//! Tests of the redirect stage.

use serde_json::{Value, json};
use vestibule_testkit::TestApp;

use crate::test_support::{PASSWORD, families, two_steps};

async fn flow(app: &TestApp, slug: &str, stages: &[&Value]) -> Value {
    let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    for (order, stage) in stages.iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    flow
}

#[tokio::test]
async fn it_leads_to_an_address() {
    let app = TestApp::start(families()).await;
    for (number, target) in ["/if/user/", "https://other.example/x?y=z#w"].iter().enumerate() {
        let body = json!({"name": format!("r{number}"), "mode": "static", "target_static": target});
        let stage = app.create("authentik_stages_redirect.redirectstage", body).await;
        let slug = format!("f{number}");
        flow(&app, &slug, &[&stage]).await;
        let mut walker = app.walker(&slug);
        for _ in 0..2 {
            assert_eq!(walker.challenge().await, json!({"component": "xak-flow-redirect", "to": target}));
        }
        let page = app.anonymous().get(&format!("/if/flow/{slug}/")).await;
        // A form's answer may not lead to another host by itself.
        match target.starts_with('/') {
            true => assert_eq!(page.location(), *target),
            false => assert!(page.text.contains("other.example"), "{}", page.text),
        }
    }
}

#[tokio::test]
async fn it_leads_into_another_flow_with_what_is_known() {
    for keep in [true, false] {
        let login = two_steps(json!({}), json!({})).await;
        let app = login.app;
        // The second flow asks for a password, which only makes sense for somebody who is known.
        let end = app.create("authentik_stages_user_login.userloginstage", json!({"name": "end"})).await;
        let second = flow(&app, "second", &[&login.password, &end]).await;
        let body = json!({"name": "r", "mode": "flow", "target_flow": second["pk"], "keep_context": keep});
        let redirect = app.create("authentik_stages_redirect.redirectstage", body).await;
        flow(&app, "first", &[&login.identification, &redirect]).await;
        let mut walker = app.walker("first").with_query("next=%2Fthere");
        let led = walker.answer(json!({"uid_field": "alice"})).await;
        assert_eq!(led["component"], "xak-flow-redirect", "{led}");
        assert_eq!(led["to"], "/if/flow/second/?next=%2Fthere");
        let mut walker = app.walker_with(walker.client, "second").with_query("next=%2Fthere");
        let question = walker.challenge().await;
        assert_eq!(question["pending_user"] == "alice", keep, "{question}");
        let end = walker.answer(json!({"password": PASSWORD})).await;
        assert_eq!(end["to"] == "/there", keep, "{end}");
        if keep {
            let session = app.state.sessions.load(&walker.client.cookies["authentik_session"]).await.unwrap().unwrap();
            assert_eq!(session.user.unwrap().username, "alice");
        }
    }
}

/// What one flow knows goes to the flow that it leads to, and to no other.
#[tokio::test]
async fn another_flow_learns_nothing() {
    let login = two_steps(json!({}), json!({})).await;
    let app = login.app;
    let second = flow(&app, "second", &[&login.password]).await;
    flow(&app, "third", &[&login.password]).await;
    let body = json!({"name": "r", "mode": "flow", "target_flow": second["pk"]});
    let redirect = app.create("authentik_stages_redirect.redirectstage", body).await;
    flow(&app, "first", &[&login.identification, &redirect]).await;
    let mut walker = app.walker("first");
    walker.answer(json!({"uid_field": "alice"})).await;
    let question = app.walker_with(walker.client, "third").challenge().await;
    assert_ne!(question["pending_user"], "alice", "{question}");
}

#[tokio::test]
async fn each_mode_needs_a_target_that_leads_somewhere() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    for (body, field) in [
        (json!({"name": "r"}), "mode"),
        (json!({"name": "r", "mode": "static"}), "target_static"),
        (json!({"name": "r", "mode": "static", "target_static": "javascript:alert(1)"}), "target_static"),
        (json!({"name": "r", "mode": "static", "target_static": "//other.example/"}), "target_static"),
        (json!({"name": "r", "mode": "static", "target_static": "/\\other.example/"}), "target_static"),
        (json!({"name": "r", "mode": "flow"}), "target_flow"),
        (json!({"name": "r", "mode": "flow", "target_flow": "00000000-0000-4000-8000-000000000000"}), "target_flow"),
    ] {
        let refused = admin.post("/api/v3/stages/redirect/", body.clone()).await.expect(400);
        assert!(refused[field].is_array(), "{body}: {refused}");
    }
    // The flow that it leads to may go: then there is nowhere to go.
    let other = flow(&app, "other", &[]).await;
    let body = json!({"name": "r", "mode": "flow", "target_flow": other["pk"]});
    let stage = admin.post("/api/v3/stages/redirect/", body).await.expect(201);
    flow(&app, "f", &[&stage]).await;
    admin.delete("/api/v3/flows/instances/other/").await.expect(204);
    let challenge = app.walker("f").challenge().await;
    assert_eq!(challenge["component"], "ak-stage-access-denied", "{challenge}");
}
