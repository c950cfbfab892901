//! What can be bound to what, and how bindings are listed.

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;

const BINDINGS: &str = "/api/v3/policies/bindings/";

async fn pk(admin: &mut Client, path: &str, body: Value) -> Value {
    let made = admin.post(path, body).await.expect(201);
    made.get("pk").or_else(|| made.get("pbm_uuid")).unwrap().clone()
}

#[tokio::test]
async fn to_an_entitlement_users_and_groups_are_bound_and_no_policies() {
    let app = App::start().await;
    let mut admin = app.admin();
    let application = pk(&mut admin, "/api/v3/core/applications/", json!({"name": "a", "slug": "a"})).await;
    let body = json!({"name": "may write", "app": application});
    let entitlement = pk(&mut admin, "/api/v3/core/application_entitlements/", body).await;
    let group = pk(&mut admin, "/api/v3/core/groups/", json!({"name": "g"})).await;
    let user = app.user("u", "").await;

    let none = admin.post(BINDINGS, json!({"target": entitlement, "order": 0})).await.expect(400);
    assert_eq!(none, json!({"non_field_errors": ["One of 'group', 'user' must be set."]}));
    let both = json!({"target": entitlement, "order": 0, "group": group, "user": user});
    let both = admin.post(BINDINGS, both).await.expect(400);
    assert_eq!(both, json!({"non_field_errors": ["Only one of 'group', 'user' can be set."]}));
    admin.post(BINDINGS, json!({"target": entitlement, "order": 0, "group": group})).await.expect(201);
    let none = admin.post(BINDINGS, json!({"target": application, "order": 0})).await.expect(400);
    assert_eq!(none, json!({"non_field_errors": ["One of 'group', 'policy', 'user' must be set."]}));
}

#[tokio::test]
async fn rules_are_bound_to_and_take_their_bindings_with_them() {
    let app = App::start().await;
    let mut admin = app.admin();
    let rule = pk(&mut admin, "/api/v3/events/rules/", json!({"name": "r"})).await;
    let group = pk(&mut admin, "/api/v3/core/groups/", json!({"name": "g"})).await;
    let binding = pk(&mut admin, BINDINGS, json!({"target": rule, "order": 0, "group": group})).await;
    let rule = format!("/api/v3/events/rules/{}/", rule.as_str().unwrap());
    let used = admin.get(&format!("{rule}used_by/")).await.expect(200);
    assert_eq!((&used[0]["model_name"], &used[0]["action"]), (&json!("policybinding"), &json!("cascade")));
    admin.delete(&rule).await.expect(204);
    assert_eq!(admin.get(&format!("{BINDINGS}{}/", binding.as_str().unwrap())).await.status, 404);
}

#[tokio::test]
async fn bindings_come_by_their_order_whatever_they_are_bound_to() {
    let app = App::start().await;
    let mut admin = app.admin();
    let user = app.user("u", "").await;
    let mut wanted = Vec::new();
    for (slug, orders) in [("a", [3, 1]), ("b", [2, 0])] {
        let body = json!({"name": slug, "slug": slug});
        let application = pk(&mut admin, "/api/v3/core/applications/", body).await;
        for order in orders {
            wanted.push(order);
            admin.post(BINDINGS, json!({"target": application, "order": order, "user": user})).await.expect(201);
        }
    }
    wanted.sort_unstable();
    let listed = admin.get(&format!("{BINDINGS}?policy__isnull=true&page_size=100")).await.expect(200);
    let found = listed["results"].as_array().unwrap().iter().filter(|one| one["user"] == user);
    let found: Vec<i64> = found.map(|one| one["order"].as_i64().unwrap()).collect();
    assert_eq!(found, wanted);
}
