//! Permissions over single objects, in every operation of the engine.

use serde_json::json;

use super::{assign, clerk_with_role, make};
use crate::app::App;

/// Documents: what one may not view is not there, what one may view and not change is refused.
#[tokio::test]
async fn documents_are_seen_by_whoever_may() {
    let app = App::start().await;
    let (role, _, mut clerk) = clerk_with_role(&app, "clerk").await;
    let seen = make(&app, "stages/dummy", json!({"name": "seen"})).await;
    let hidden = make(&app, "stages/dummy", json!({"name": "hidden"})).await;
    let list = "/api/v3/stages/dummy/";
    let at = |pk: &str| format!("{list}{pk}/");
    clerk.get(list).await.expect(403);
    clerk.get(&at(&seen)).await.expect(403);
    let model = "authentik_stages_dummy.dummystage";
    let (status, ids) = assign(&mut app.admin(), &role, &["view_dummystage"], Some((model, &seen))).await;
    assert_eq!((status, ids.as_array().map(Vec::len)), (200, Some(1)), "{ids}");
    let found = clerk.get(list).await.expect(200);
    assert_eq!((&found["pagination"]["count"], &found["results"][0]["name"]), (&json!(1), &json!("seen")));
    assert_eq!(clerk.get(&format!("{list}?name=hidden")).await.expect(200)["results"], json!([]));
    clerk.get(&at(&seen)).await.expect(200);
    clerk.get(&at(&hidden)).await.expect(404);
    for (pk, status) in [(&seen, 403), (&hidden, 404)] {
        clerk.patch(&at(pk), json!({"name": "x"})).await.expect(status);
        clerk.put(&at(pk), json!({"name": "x"})).await.expect(status);
        clerk.delete(&at(pk)).await.expect(status);
        clerk.get(&format!("{}used_by/", at(pk))).await.expect(if status == 403 { 200 } else { 404 });
    }
    assign(&mut app.admin(), &role, &["authentik_stages_dummy.change_dummystage"], Some((model, &seen))).await;
    clerk.patch(&at(&seen), json!({"name": "changed"})).await.expect(200);
    clerk.delete(&at(&seen)).await.expect(403);
    clerk.post(list, json!({"name": "new"})).await.expect(403);
    // The family's list asks for the family's permission.
    clerk.get("/api/v3/stages/all/").await.expect(403);
    assign(&mut app.admin(), &role, &["authentik_flows.view_stage"], Some((model, &seen))).await;
    assert_eq!(clerk.get("/api/v3/stages/all/").await.expect(200)["pagination"]["count"], 1);
    clerk.get(&format!("/api/v3/stages/all/{hidden}/")).await.expect(404);
    clerk.delete(&format!("/api/v3/stages/all/{seen}/")).await.expect(403);
    // What is gone leaves no permission behind.
    app.admin().delete(&at(&seen)).await.expect(204);
    assert_eq!(app.number("SELECT COUNT(*) AS n FROM role_object_permissions", vec![]).await, 0);
    clerk.get(list).await.expect(403);
}

/// Tables: the same, in SQL; operations on an object take its permission over that object.
#[tokio::test]
async fn rows_are_seen_by_whoever_may() {
    let app = App::start().await;
    let (role, _, mut clerk) = clerk_with_role(&app, "clerk").await;
    let seen = make(&app, "core/users", json!({"username": "seen", "name": "s"})).await;
    let hidden = make(&app, "core/users", json!({"username": "hidden", "name": "h"})).await;
    let list = "/api/v3/core/users/";
    clerk.get(list).await.expect(403);
    let model = "authentik_core.user";
    assign(&mut app.admin(), &role, &["view_user", "reset_user_password"], Some((model, &seen))).await;
    let found = clerk.get(list).await.expect(200);
    assert_eq!((&found["pagination"]["count"], &found["results"][0]["username"]), (&json!(1), &json!("seen")));
    assert_eq!(clerk.get(&format!("{list}?search=hidden")).await.expect(200)["results"], json!([]));
    clerk.get(&format!("{list}{hidden}/")).await.expect(404);
    clerk.patch(&format!("{list}{seen}/"), json!({"name": "x"})).await.expect(403);
    let body = json!({"password": "a new password"});
    clerk.post(&format!("{list}{seen}/set_password/"), body.clone()).await.expect(204);
    clerk.post(&format!("{list}{hidden}/set_password/"), body).await.expect(404);
    clerk.post(&format!("{list}{seen}/impersonate/"), json!({"reason": "x"})).await.expect(403);
    app.admin().delete(&format!("{list}{seen}/")).await.expect(204);
    assert_eq!(app.number("SELECT COUNT(*) AS n FROM role_object_permissions", vec![]).await, 0);
}

/// `used_by` names what its reader may view, and nothing else.
#[tokio::test]
async fn referrers_are_named_to_whoever_may_view_them() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    let flow = make(
        &app,
        "flows/instances",
        json!({
            "name": "f", "slug": "f", "title": "f", "designation": "authentication",
        }),
    )
    .await;
    let stage = make(&app, "stages/dummy", json!({"name": "s"})).await;
    make(&app, "flows/bindings", json!({"target": flow, "stage": stage, "order": 0})).await;
    let path = "/api/v3/flows/instances/f/used_by/";
    assert_ne!(app.admin().get(path).await.expect(200), json!([]));
    app.grants.grant(clerk, &["authentik_flows.view_flow"]).await;
    assert_eq!(client.get(path).await.expect(200), json!([]));
    app.grants.grant(clerk, &["authentik_flows.view_flowstagebinding"]).await;
    let found = client.get(path).await.expect(200);
    assert_eq!((found.as_array().map(Vec::len), &found[0]["model_name"]), (Some(1), &json!("flowstagebinding")));
}

/// Roles come from groups, and from every group above.
#[tokio::test]
async fn roles_are_inherited_from_groups_above() {
    let app = App::start().await;
    let (pk, mut clerk) = app.clerk("clerk").await;
    let role = make(&app, "rbac/roles", json!({"name": "viewer"})).await;
    assert_eq!(assign(&mut app.admin(), &role, &["authentik_core.view_group"], None).await.0, 200);
    let top = make(&app, "core/groups", json!({"name": "top", "roles": [role]})).await;
    let middle = make(&app, "core/groups", json!({"name": "middle", "parents": [top]})).await;
    let low = make(&app, "core/groups", json!({"name": "low", "parents": [middle], "users": [pk]})).await;
    let list = "/api/v3/core/groups/";
    clerk.get(list).await.expect(200);
    let shown = app.admin().get(&format!("{list}{low}/?include_inherited_roles=true")).await.expect(200);
    assert_eq!((&shown["roles"], &shown["inherited_roles_obj"][0]["name"]), (&json!([]), &json!("viewer")));
    let shown = app.admin().get(&format!("{list}{top}/?include_inherited_roles=true")).await.expect(200);
    assert_eq!((&shown["roles"], &shown["inherited_roles_obj"]), (&json!([role]), &json!([])));
    for (query, count) in [
        (format!("users={pk}"), 0),
        (format!("users={pk}&inherited=true"), 1),
        (format!("groups={low}"), 0),
        (format!("groups={low}&inherited=true"), 1),
        (format!("groups={top}"), 1),
        ("users=999999".into(), 0),
    ] {
        let found = app.admin().get(&format!("/api/v3/rbac/roles/?{query}")).await.expect(200);
        assert_eq!(found["pagination"]["count"], count, "{query}");
    }
    app.admin().patch(&format!("{list}{middle}/"), json!({"parents": []})).await.expect(200);
    clerk.get(list).await.expect(403);
}

/// One's own need no permission, and nobody else's are shown for it.
#[tokio::test]
async fn owners_see_their_own() {
    let app = App::start().await;
    let (_, mut clerk) = app.clerk("clerk").await;
    let (_, mut other) = app.clerk("other").await;
    let list = "/api/v3/core/tokens/";
    let found = clerk.get(list).await.expect(200);
    assert_eq!((&found["pagination"]["count"], &found["results"][0]["identifier"]), (&json!(1), &json!("clerk-token")));
    clerk.post(list, json!({"identifier": "mine"})).await.expect(201);
    clerk.patch(&format!("{list}mine/"), json!({"description": "x"})).await.expect(200);
    other.get(&format!("{list}mine/")).await.expect(404);
    other.patch(&format!("{list}mine/"), json!({"description": "x"})).await.expect(404);
    other.delete(&format!("{list}mine/")).await.expect(404);
    other.get(&format!("{list}mine/view_key/")).await.expect(404);
    clerk.delete(&format!("{list}mine/")).await.expect(204);
    assert_eq!(clerk.get("/api/v3/core/authenticated_sessions/").await.expect(200)["results"], json!([]));
}

/// Who creates an object has over it what the initial permissions of their roles say.
#[tokio::test]
async fn creators_are_given_initial_permissions() {
    let app = App::start().await;
    let (role, _, mut clerk) = clerk_with_role(&app, "clerk").await;
    let id = |name: &str| app.registry().permission(name).unwrap().id;
    let ids = [
        id("authentik_stages_dummy.view_dummystage"),
        id("authentik_stages_dummy.delete_dummystage"),
        id("authentik_core.view_group"),
    ];
    make(&app, "rbac/initial_permissions", json!({"name": "i", "role": role, "permissions": ids})).await;
    assign(&mut app.admin(), &role, &["authentik_stages_dummy.add_dummystage"], None).await;
    make(&app, "stages/dummy", json!({"name": "another's"})).await;
    let list = "/api/v3/stages/dummy/";
    let own = clerk.post(list, json!({"name": "own"})).await.expect(201)["pk"].clone();
    assert_eq!(clerk.get(list).await.expect(200)["pagination"]["count"], 1);
    let path = format!("{list}{}/", own.as_str().unwrap());
    clerk.patch(&path, json!({"name": "x"})).await.expect(403);
    let shown = app.admin().get(&format!("/api/v3/rbac/permissions/roles/?uuid={role}")).await.expect(200);
    assert_eq!(shown["pagination"]["count"], 2, "{shown}");
    assert_eq!(shown["results"][0]["object_description"], "own");
    clerk.delete(&path).await.expect(204);
}
