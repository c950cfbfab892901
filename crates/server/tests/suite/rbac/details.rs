//! What the lists and the members of roles answer to the unusual.

use serde_json::{Value, json};

use super::{assign, make};
use crate::app::App;

#[tokio::test]
async fn unknown_values_of_managed_are_refused() {
    let app = App::start().await;
    let mut admin = app.admin();
    let wrong = admin.get("/api/v3/rbac/roles/?managed=nothing").await.expect(400);
    let message = "Select a valid choice. nothing is not one of the available choices.";
    assert_eq!(wrong, json!({"managed": [message]}));
    let all = admin.get("/api/v3/rbac/roles/?managed=").await.expect(200);
    assert!(all["pagination"]["count"].as_i64() > Some(0), "{all}");
}

#[tokio::test]
async fn nobody_is_added_to_a_role() {
    let app = App::start().await;
    let mut admin = app.admin();
    let role = make(&app, "rbac/roles", json!({"name": "r"})).await;
    let anna = make(&app, "core/users", json!({"username": "anna", "name": "Anna"})).await;
    for operation in ["add_user", "remove_user"] {
        let path = format!("/api/v3/rbac/roles/{role}/{operation}/");
        for (body, status) in
            [(json!({}), 404), (json!({"pk": null}), 404), (json!({"pk": 99_999}), 404), (json!({"pk": "x"}), 400)]
        {
            assert_eq!(admin.post(&path, body.clone()).await.status, status, "{operation} {body}");
        }
        admin.post(&path, json!({"pk": anna})).await.expect(204);
    }
}

/// A group's flag is for those who may decide it for every group, or for this one.
#[tokio::test]
async fn one_groups_flag_by_a_permission_over_it() {
    let app = App::start().await;
    let (role, _, mut clerk) = super::clerk_with_role(&app, "clerk").await;
    let mine = make(&app, "core/groups", json!({"name": "mine"})).await;
    let other = make(&app, "core/groups", json!({"name": "other"})).await;
    let permissions = ["view_group", "change_group"];
    for group in [&mine, &other] {
        assign(&mut app.admin(), &role, &permissions, Some(("authentik_core.group", group))).await;
    }
    let flag = |group: &str| format!("/api/v3/core/groups/{group}/");
    clerk.patch(&flag(&mine), json!({"is_superuser": true})).await.expect(400);
    let flags = ["enable_group_superuser"];
    assert_eq!(assign(&mut app.admin(), &role, &flags, Some(("authentik_core.group", &mine))).await.0, 200);
    clerk.patch(&flag(&mine), json!({"is_superuser": true})).await.expect(200);
    clerk.patch(&flag(&mine), json!({"is_superuser": false})).await.expect(400);
    clerk.patch(&flag(&other), json!({"is_superuser": true})).await.expect(400);
}

#[tokio::test]
async fn permissions_over_objects_come_in_any_order() {
    let app = App::start().await;
    let mut admin = app.admin();
    let group = make(&app, "core/groups", json!({"name": "g"})).await;
    let user = make(&app, "core/users", json!({"username": "anna", "name": "Anna"})).await;
    for (name, permission, model, object) in [
        ("b", "view_group", "authentik_core.group", &group),
        ("a", "change_user", "authentik_core.user", &user),
        ("c", "delete_group", "authentik_core.group", &group),
    ] {
        let role = make(&app, "rbac/roles", json!({"name": name})).await;
        assert_eq!(assign(&mut admin, &role, &[permission], Some((model, object))).await.0, 200);
    }
    for (ordering, expected) in [
        ("", ["change_user", "view_group", "delete_group"]),
        ("id", ["view_group", "change_user", "delete_group"]),
        ("-id", ["delete_group", "change_user", "view_group"]),
        ("permission__codename", ["change_user", "delete_group", "view_group"]),
        ("-permission__codename", ["view_group", "delete_group", "change_user"]),
        ("permission__name", ["change_user", "delete_group", "view_group"]),
        ("-content_type__model,permission__codename", ["change_user", "delete_group", "view_group"]),
        ("content_type__model,id", ["view_group", "delete_group", "change_user"]),
        ("content_type__app_label,-id", ["delete_group", "change_user", "view_group"]),
        ("object_pk,-id", ["change_user", "delete_group", "view_group"]),
        ("-object_pk,id", ["view_group", "delete_group", "change_user"]),
        ("nothing", ["change_user", "view_group", "delete_group"]),
    ] {
        let page = admin.get(&format!("/api/v3/rbac/permissions/roles/?ordering={ordering}")).await.expect(200);
        let found: Vec<&Value> = page["results"].as_array().unwrap().iter().map(|one| &one["codename"]).collect();
        assert_eq!(found, expected, "{ordering}");
    }
}
