//! Roles, the permissions there are, and which role has which.

use std::collections::BTreeSet;

use serde_json::json;
use vestibule_resource::Verb;

use super::{assign, make};
use crate::app::App;

/// Every permission has a number of its own, a name, and is found by its filters.
#[tokio::test]
async fn permissions_are_listed_once_each() {
    let app = App::start().await;
    let all = app.registry().permissions();
    let ids: BTreeSet<i64> = all.iter().map(|one| one.id).collect();
    let names: BTreeSet<String> = all.iter().map(vestibule_resource::Permission::full).collect();
    assert_eq!((ids.len(), names.len()), (all.len(), all.len()), "two permissions are alike");
    assert!(ids.iter().all(|id| i32::try_from(*id).is_ok()));
    let mut admin = app.admin();
    let list = "/api/v3/rbac/permissions/";
    let page = admin.get(&format!("{list}?page_size=2&ordering=name")).await.expect(200);
    assert_eq!(page["pagination"]["count"], all.len());
    let found = admin.get(&format!("{list}?codename=add_user_to_group")).await.expect(200);
    let one = &found["results"][0];
    assert_eq!(
        (&one["name"], &one["model"], &one["app_label"], &one["app_label_verbose"], &one["model_verbose"]),
        (
            &json!("Add user to group"),
            &json!("group"),
            &json!("authentik_core"),
            &json!("authentik Core"),
            &json!("Group")
        )
    );
    assert_eq!(admin.get(&format!("{list}{}/", one["id"])).await.expect(200), *one);
    admin.get(&format!("{list}0/")).await.expect(404);
    let found = admin.get(&format!("{list}?content_type__app_label=authentik_core&content_type__model=token")).await;
    let found = found.expect(200);
    let names: Vec<&str> =
        found["results"].as_array().unwrap().iter().filter_map(|one| one["codename"].as_str()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    let (_, mut clerk) = app.clerk("clerk").await;
    clerk.get(list).await.expect(200);
    app.anonymous().get(list).await.expect(403);
}

/// Assigned, listed, taken back; what makes no sense is refused and assigns nothing.
#[tokio::test]
async fn permissions_are_assigned_and_taken_back() {
    let app = App::start().await;
    let mut admin = app.admin();
    let role = make(&app, "rbac/roles", json!({"name": "r"})).await;
    let stage = make(&app, "stages/dummy", json!({"name": "s"})).await;
    let group = make(&app, "core/groups", json!({"name": "g"})).await;
    let model = "authentik_stages_dummy.dummystage";
    for (permissions, object) in [
        (vec!["view_user"], None),
        (vec!["authentik_core.fly_user"], None),
        (vec!["authentik_core.view_group"], Some((model, stage.as_str()))),
        (vec!["view_dummystage"], Some((model, group.as_str()))),
        (vec!["view_dummystage"], Some((model, "nonsense"))),
        (vec!["view_dummystage"], Some(("authentik_core.nothing", stage.as_str()))),
        (vec!["authentik_core.view_group", "authentik_core.fly_group"], None),
    ] {
        let (status, answer) = assign(&mut admin, &role, &permissions, object).await;
        assert_eq!(status, 400, "{permissions:?} {object:?}: {answer}");
    }
    let path = format!("/api/v3/rbac/permissions/assigned_by_roles/{role}");
    let body = json!({"permissions": ["authentik_core.view_group"], "model": model});
    let alone = admin.post(&format!("{path}/assign/"), body).await.expect(400);
    assert_eq!(alone["non_field_errors"], json!(["The fields model, object_pk must be used together."]));
    let held = async || {
        app.number(
            "SELECT (SELECT COUNT(*) FROM role_permissions) + (SELECT COUNT(*) FROM role_object_permissions) AS n",
            vec![],
        )
        .await
    };
    // (The role of the readers has its own.)
    let before = held().await;
    for _ in 0..2 {
        assert_eq!(
            assign(&mut admin, &role, &["authentik_core.view_group", "authentik_core.add_group"], None).await.0,
            200
        );
        assert_eq!(assign(&mut admin, &role, &["view_dummystage"], Some((model, &stage))).await.0, 200);
    }
    assert_eq!(held().await, before + 3);
    let by = "/api/v3/rbac/permissions/assigned_by_roles/";
    let found = admin.get(&format!("{by}?model=authentik_core.group&ordering=-name")).await.expect(200);
    assert_eq!(found["results"][0]["role_pk"], json!(role));
    assert_eq!(found["results"][0]["model_permissions"].as_array().map(Vec::len), Some(2));
    let readers = admin.get(&format!("{by}?model={model}")).await.expect(200);
    assert_eq!(
        (&readers["pagination"]["count"], &readers["results"][0]["name"]),
        (&json!(1), &json!("authentik Read-only"))
    );
    let found = admin.get(&format!("{by}?model={model}&object_pk={stage}&search=r&ordering=-name")).await.expect(200);
    assert_eq!(found["results"][0]["object_permissions"][0]["object_pk"], json!(stage));
    admin.get(by).await.expect(400);
    admin.get(&format!("{by}?model=nonsense")).await.expect(400);
    let body = json!({"permissions": ["authentik_core.view_group"]});
    admin.patch(&format!("{path}/unassign/"), body).await.expect(204);
    let body = json!({"permissions": ["view_dummystage"], "model": model, "object_pk": stage});
    admin.patch(&format!("{path}/unassign/"), body).await.expect(204);
    assert_eq!(held().await, before + 1);
    admin.delete(&format!("/api/v3/rbac/roles/{role}/")).await.expect(204);
    assert_eq!(held().await, before);
}

/// Only who may view a role is told what it permits.
#[tokio::test]
async fn assignments_are_shown_to_whoever_may_view_the_role() {
    let app = App::start().await;
    let (own, _, mut clerk) = super::clerk_with_role(&app, "clerk").await;
    let other = make(&app, "rbac/roles", json!({"name": "other"})).await;
    for role in [&own, &other] {
        assign(&mut app.admin(), role, &["authentik_core.view_brand"], None).await;
        assign(&mut app.admin(), role, &["authentik_core.view_group"], None).await;
    }
    let path = "/api/v3/rbac/permissions/assigned_by_roles/?model=authentik_core.group";
    clerk.get(path).await.expect(403);
    clerk.get("/api/v3/rbac/permissions/roles/").await.expect(403);
    assign(&mut app.admin(), &own, &["view_role"], Some(("authentik_rbac.role", &own))).await;
    assert_eq!(clerk.get(path).await.expect(200)["pagination"]["count"], 1);
    assert_eq!(clerk.get("/api/v3/rbac/permissions/roles/").await.expect(200)["pagination"]["count"], 1);
    // (Those of the readers are there from the start.)
    assert_eq!(app.admin().get(path).await.expect(200)["pagination"]["count"], 3);
}

/// Whoever is in the group of readers sees everything and changes nothing.
#[tokio::test]
async fn readers_see_everything_and_change_nothing() {
    let app = App::start().await;
    let (reader, mut client) = app.clerk("reader").await;
    let mut admin = app.admin();
    let group = admin.get("/api/v3/core/groups/?name=authentik%20Read-only").await.expect(200)["results"][0].clone();
    assert_eq!(
        (&group["is_superuser"], &group["roles_obj"][0]["name"]),
        (&json!(false), &json!("authentik Read-only"))
    );
    client.get("/api/v3/core/users/").await.expect(403);
    let path = format!("/api/v3/core/groups/{}/add_user/", group["pk"].as_str().unwrap());
    admin.post(&path, json!({"pk": reader})).await.expect(204);
    for kind in app.registry().kinds() {
        let verbs = kind.spec.verbs_served();
        if kind.spec.path_served().is_empty() || !(verbs.contains(&Verb::Add) || verbs.contains(&Verb::Change)) {
            continue;
        }
        let path = kind.wire_path();
        client.get(&path).await.expect(200);
        if verbs.contains(&Verb::Add) && kind.model() != "authentik_core.token" {
            client.post(&path, json!({})).await.expect(403);
        }
    }
    client.patch("/api/v3/flows/instances/default-authentication-flow/", json!({"title": "x"})).await.expect(403);
    client.post("/api/v3/managed/blueprints/import/", json!({})).await.expect(403);
    client.get("/api/v3/core/tokens/authentik-bootstrap-token/view_key/").await.expect(403);
}

/// What roles permit over single objects comes in short pages, by the names of the roles.
#[tokio::test]
async fn permissions_over_objects_come_in_short_pages() {
    let app = App::start().await;
    let mut admin = app.admin();
    let role = make(&app, "rbac/roles", json!({"name": "r"})).await;
    for number in 0..12 {
        let stage = make(&app, "stages/dummy", json!({"name": format!("s{number}")})).await;
        let model = "authentik_stages_dummy.dummystage";
        assert_eq!(assign(&mut admin, &role, &["view_dummystage"], Some((model, &stage))).await.0, 200);
    }
    let list = "/api/v3/rbac/permissions/roles/";
    for (size, shown) in
        [("", 12), ("?page_size=50", 10), ("?page_size=5", 5), ("?page_size=x", 12), ("?search=nothing", 12)]
    {
        let found = admin.get(&format!("{list}{size}")).await.expect(200);
        assert_eq!(found["results"].as_array().map(Vec::len), Some(shown), "{size}");
        assert_eq!(found["pagination"]["count"], 12);
    }
    let one = admin.get(&format!("{list}?uuid={role}")).await.expect(200)["results"][0].clone();
    assert_eq!(
        (&one["app_label_verbose"], &one["model_verbose"]),
        (&json!("authentik Stages.Dummy"), &json!("Dummy Stage"))
    );
    assert_eq!(admin.get(&format!("{list}?uuid=x")).await.expect(400), json!({"uuid": ["Enter a valid UUID."]}));
    let body = json!({"name": "twice", "role": role});
    admin.post("/api/v3/rbac/initial_permissions/", body.clone()).await.expect(201);
    let taken = json!({"name": ["Initial Permissions with this name already exists."]});
    assert_eq!(admin.post("/api/v3/rbac/initial_permissions/", body).await.expect(400), taken);
}
