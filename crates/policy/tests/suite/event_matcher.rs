//! Events of some sort.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn all_that_is_set_must_fit() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    let event = json!({
        "action": "model_created", "app": "authentik.policies.process", "client_ip": "192.0.2.1",
        "context": {"model": {"app": "authentik_core", "model_name": "group"}},
    });
    for (number, (body, fits)) in [
        (json!({}), true),
        (json!({"action": "model_created"}), true),
        (json!({"action": "model_deleted"}), false),
        (json!({"client_ip": "192.0.2.1"}), true),
        (json!({"client_ip": "192.0.2.10"}), false),
        (json!({"app": "authentik.policies"}), true),
        (json!({"app": "authentik.policies.password"}), false),
        (json!({"model": "authentik_core.group"}), true),
        (json!({"model": "authentik_core.user"}), false),
        (json!({"model": "authentik_core.group", "action": "login"}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut named = body.clone();
        named["name"] = format!("m{number}").into();
        let policy = app.policy("event_matcher", named).await;
        assert_eq!(app.test(&policy, alice, json!({"event": event})).await["passing"], fits, "{body}");
        assert_eq!(app.test(&policy, alice, json!({})).await["passing"], false, "without an event");
    }
    let refused = app.admin.post("/api/v3/policies/event_matcher/", json!({"name": "x", "action": "no"})).await;
    assert_eq!(refused.expect(400), json!({"action": ["\"no\" is not a valid choice."]}));
}
