//! What holds for every kind: who may try one out, what is offered, what is said of the cache.

use serde_json::json;

use crate::app::{App, results};

#[tokio::test]
async fn kinds_are_offered_but_for_the_one_for_tests() {
    let mut app = App::start().await;
    let types = app.admin.get("/api/v3/policies/all/types/").await.expect(200);
    let names: Vec<&str> = types.as_array().unwrap().iter().map(|one| one["model_name"].as_str().unwrap()).collect();
    assert!(names.contains(&"passwordpolicy") && names.contains(&"geoippolicy"), "{names:?}");
    assert!(!names.contains(&"dummypolicy"));
    let mut sorted: Vec<&str> = types.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, types.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn policies_are_found_by_what_they_are_bound_to() {
    let mut app = App::start().await;
    let (_, flow, _) = app.login().await;
    let bound = app.policy("dummy", json!({"name": "bound"})).await;
    app.policy("dummy", json!({"name": "free"})).await;
    app.bind(&flow, json!({"policy": bound["pk"]})).await;
    for (query, expected) in [("false", "bound"), ("true", "free")] {
        let list = app.admin.get(&format!("/api/v3/policies/all/?bindings__isnull={query}")).await.expect(200);
        assert_eq!(results(&list)[0]["name"], expected);
    }
    let shown = app.admin.get(&format!("/api/v3/policies/dummy/{}/", bound["pk"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown["bound_to"], 1);
}

#[tokio::test]
async fn trying_one_out_needs_more_than_looking_at_it() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", "", json!({})).await;
    let policy = app.policy("dummy", json!({"name": "d", "result": true, "wait_min": 0, "wait_max": 0})).await;
    let tried = app.test(&policy, alice, json!({})).await;
    assert_eq!(tried, json!({"passing": true, "messages": ["dummy"], "log_messages": []}));
    let missing = app.try_out(&policy, json!({})).await.expect(400);
    assert_eq!(missing, json!({"user": ["This field is required."]}));
    let unknown = app.try_out(&policy, json!({"user": 999_999})).await.expect(400);
    assert_eq!(unknown, json!({"user": ["Invalid pk \"999999\" - object does not exist."]}));
    let path = format!("/api/v3/policies/all/{}/test/", policy["pk"].as_str().unwrap());
    let bob = app.app.user("bob", "", json!({})).await;
    app.app.grants.grant(bob, &["authentik_policies.view_policy"]).await;
    let mut of_bob = app.app.token_of(bob).await;
    assert_eq!(of_bob.post(&path, json!({"user": bob})).await.status, 403);
    // Nor on somebody whom one may not look at.
    app.app.grants.grant(bob, &["authentik_policies.change_policy"]).await;
    assert_eq!(of_bob.post(&path, json!({"user": bob})).await.status, 200);
    assert_eq!(of_bob.post(&path, json!({"user": alice})).await.status, 400);
    assert_eq!(app.admin.get(&path).await.status, 405);
    let gone = "/api/v3/policies/all/3fa85f64-5717-4562-b3fc-2c963f66afa6/test/";
    let gone = app.admin.post(gone, json!({"user": alice})).await.expect(404);
    assert_eq!(gone, json!({"detail": "No Policy matches the given query."}));
}

#[tokio::test]
async fn the_cache_is_empty_and_its_operations_need_their_permission() {
    let app = App::start().await;
    let clerk = app.app.user("clerk", "", json!({})).await;
    let mut client = app.app.token_of(clerk).await;
    assert_eq!(client.get("/api/v3/policies/all/cache_info/").await.status, 403);
    assert_eq!(client.post("/api/v3/policies/all/cache_clear/", json!({})).await.status, 403);
    app.app
        .grants
        .grant(clerk, &["authentik_policies.view_policy_cache", "authentik_policies.clear_policy_cache"])
        .await;
    assert_eq!(client.get("/api/v3/policies/all/cache_info/").await.expect(200), json!({"count": 0}));
    assert_eq!(client.post("/api/v3/policies/all/cache_clear/", json!({})).await.status, 204);
}
