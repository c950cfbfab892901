//! Nobody gives themselves, or anybody, more than they have: GHSA-h6c5-mpvq-j4jc and its kin.

use http::Method;
use serde_json::{Value, json};

use super::{assign, clerk_with_role, make};
use crate::app::App;

/// Everything that one needs to write users, groups, roles and tokens, and nothing else.
const CLERK: [&str; 20] = [
    "authentik_core.add_user",
    "authentik_core.view_user",
    "authentik_core.change_user",
    "authentik_core.reset_user_password",
    "authentik_core.impersonate",
    "authentik_core.add_group",
    "authentik_core.view_group",
    "authentik_core.change_group",
    "authentik_core.add_user_to_group",
    "authentik_core.view_token",
    "authentik_core.add_token",
    "authentik_core.change_token",
    "authentik_core.view_token_key",
    "authentik_core.set_token_key",
    "authentik_rbac.add_role",
    "authentik_rbac.view_role",
    "authentik_rbac.change_role",
    "authentik_rbac.assign_role_permissions",
    "authentik_rbac.add_initialpermissions",
    "authentik_rbac.change_initialpermissions",
];

/// Every way to a role, a permission, or somebody's place. Each is refused to a clerk who lacks what it would give, and
/// none leaves anything behind.
#[tokio::test]
async fn ghsa_h6c5_mpvq_j4jc_every_way_to_more_is_closed() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &CLERK).await;
    let mut admin = app.admin();
    // A role that permits more than the clerk may do, and who has it.
    let role = make(&app, "rbac/roles", json!({"name": "strong"})).await;
    assert_eq!(assign(&mut admin, &role, &["authentik_core.delete_user"], None).await.0, 200);
    let top = make(&app, "core/groups", json!({"name": "top", "roles": [role]})).await;
    let below = make(&app, "core/groups", json!({"name": "below", "parents": [top]})).await;
    let mine = make(&app, "core/groups", json!({"name": "mine", "users": [clerk]})).await;
    let boss = make(&app, "core/users", json!({"username": "boss", "name": "b", "roles": [role]})).await;
    let (boss_number, root) = (boss.parse::<i64>().unwrap(), admin.get("/api/v3/core/users/me/").await.expect(200));
    let root = root["user"]["pk"].clone();
    admin.post("/api/v3/core/tokens/", json!({"identifier": "boss", "user": boss_number})).await.expect(201);
    let own_role = make(&app, "rbac/roles", json!({"name": "own"})).await;
    admin.post(&format!("/api/v3/rbac/roles/{own_role}/add_user/"), json!({"pk": clerk})).await.expect(204);
    let strong = app.registry().permission("authentik_core.delete_user").unwrap().id;
    let initial =
        make(&app, "rbac/initial_permissions", json!({"name": "i", "role": role, "permissions": [strong]})).await;
    let before = app.footprint().await;
    let assignment = format!("rbac/permissions/assigned_by_roles/{own_role}/assign/");
    let ways: Vec<(Method, String, Value)> = vec![
        (Method::PATCH, format!("core/users/{clerk}/"), json!({"roles": [role]})),
        (Method::PATCH, format!("core/users/{clerk}/"), json!({"groups": [mine, top]})),
        (Method::PATCH, format!("core/users/{clerk}/"), json!({"groups": [mine, below]})),
        (Method::POST, "core/users/".into(), json!({"username": "n", "name": "n", "roles": [role]})),
        (Method::POST, "core/users/".into(), json!({"username": "n", "name": "n", "groups": [below]})),
        (Method::PATCH, format!("core/groups/{mine}/"), json!({"roles": [role]})),
        (Method::PATCH, format!("core/groups/{mine}/"), json!({"parents": [top]})),
        (Method::PATCH, format!("core/groups/{mine}/"), json!({"parents": [below]})),
        (Method::PATCH, format!("core/groups/{top}/"), json!({"users": [clerk]})),
        (Method::PATCH, format!("core/groups/{below}/"), json!({"users": [clerk]})),
        (Method::POST, "core/groups/".into(), json!({"name": "n", "roles": [role], "users": [clerk]})),
        (Method::POST, "core/groups/".into(), json!({"name": "n", "parents": [below], "users": [clerk]})),
        (Method::POST, format!("core/groups/{below}/add_user/"), json!({"pk": clerk})),
        (Method::POST, format!("rbac/roles/{role}/add_user/"), json!({"pk": clerk})),
        (Method::POST, assignment.clone(), json!({"permissions": ["authentik_core.delete_user"]})),
        (
            Method::POST,
            assignment.clone(),
            json!({
                "permissions": ["authentik_core.enable_group_superuser"],
            }),
        ),
        (
            Method::POST,
            assignment,
            json!({
                "permissions": ["delete_user"], "model": "authentik_core.user", "object_pk": boss,
            }),
        ),
        (
            Method::POST,
            "rbac/initial_permissions/".into(),
            json!({
                "name": "n", "role": own_role, "permissions": [strong],
            }),
        ),
        (Method::PATCH, format!("rbac/initial_permissions/{initial}/"), json!({"role": own_role})),
        (Method::PATCH, format!("core/users/{boss}/"), json!({"email": "mallory@example.com"})),
        (Method::PATCH, format!("core/users/{boss}/"), json!({"username": "mallory"})),
        (Method::PATCH, format!("core/users/{root}/"), json!({"email": "mallory@example.com"})),
        (Method::POST, format!("core/users/{boss}/set_password/"), json!({"password": "mallory knows it"})),
        (Method::POST, format!("core/users/{root}/set_password/"), json!({"password": "mallory knows it"})),
        (
            Method::POST,
            format!("core/users/{root}/set_password_hash/"),
            json!({
                "password": "pbkdf2_sha256$1000$salt$dCX+EsuQTcd1JLRwdyVQOLMqn8EY3X5AsWpgYRa4A6Y=",
            }),
        ),
        (Method::POST, format!("core/users/{boss}/impersonate/"), json!({"reason": "x"})),
        (Method::POST, format!("core/users/{root}/impersonate/"), json!({"reason": "x"})),
        (Method::POST, "core/tokens/".into(), json!({"identifier": "n", "user": boss_number})),
        (Method::PATCH, "core/tokens/clerk-token/".into(), json!({"user": boss_number})),
        (Method::PATCH, "core/tokens/boss/".into(), json!({"user": clerk})),
        (Method::PATCH, "core/tokens/boss/".into(), json!({"identifier": "x"})),
        (Method::GET, "core/tokens/boss/view_key/".into(), Value::Null),
        (Method::GET, "core/tokens/authentik-bootstrap-token/view_key/".into(), Value::Null),
        (Method::POST, "core/tokens/boss/set_key/".into(), json!({"key": "mallory knows it"})),
        (Method::POST, "core/tokens/authentik-bootstrap-token/set_key/".into(), json!({"key": "mallory knows it"})),
    ];
    for (method, path, body) in ways {
        let answer = if method == Method::GET {
            client.get(&format!("/api/v3/{path}")).await
        } else {
            client.json(method.clone(), &format!("/api/v3/{path}"), body.clone()).await
        };
        let status = answer.status.as_u16();
        assert!(status == 400 || status == 403, "{method} {path} {body}: {status} {}", answer.text);
        assert_eq!(app.footprint().await, before, "{method} {path} {body} was refused and wrote something");
    }
    client.delete(&format!("/api/v3/core/users/{boss}/")).await.expect(403);
    // What the clerk has, the clerk may give.
    app.grants.grant(clerk, &["authentik_core.delete_user"]).await;
    client.post(&format!("/api/v3/core/groups/{below}/add_user/"), json!({"pk": clerk})).await.expect(204);
    client.post(&format!("/api/v3/rbac/roles/{role}/add_user/"), json!({"pk": clerk})).await.expect(204);
    client.patch(&format!("/api/v3/core/users/{boss}/"), json!({"email": "boss@example.com"})).await.expect(200);
}

/// What one may do to single objects is not given away over others.
#[tokio::test]
async fn permissions_over_objects_are_given_over_those_objects() {
    let app = App::start().await;
    let (own, clerk, mut client) = clerk_with_role(&app, "clerk").await;
    app.grants.grant(clerk, &["authentik_rbac.assign_role_permissions", "authentik_core.view_user"]).await;
    app.grants.grant(clerk, &["authentik_rbac.view_role", "authentik_rbac.change_role"]).await;
    let [one, two] = [
        make(&app, "stages/dummy", json!({"name": "1"})).await,
        make(&app, "stages/dummy", json!({"name": "2"})).await,
    ];
    let model = "authentik_stages_dummy.dummystage";
    assign(&mut app.admin(), &own, &["change_dummystage"], Some((model, &one))).await;
    let other = make(&app, "rbac/roles", json!({"name": "other"})).await;
    let change = ["authentik_stages_dummy.change_dummystage"];
    assert_eq!(assign(&mut client, &other, &change, Some((model, &one))).await.0, 200);
    assert_eq!(assign(&mut client, &other, &change, Some((model, &two))).await.0, 400);
    assert_eq!(assign(&mut client, &other, &change, None).await.0, 400);
    // A role that permits more over another object is not handed on either.
    let path = format!("/api/v3/rbac/roles/{other}/add_user/");
    client.post(&path, json!({"pk": clerk})).await.expect(204);
    assign(&mut app.admin(), &other, &["delete_dummystage"], Some((model, &two))).await;
    let (friend, _) = app.clerk("friend").await;
    // (Whose role it is by now has what it permits.)
    client.post(&path, json!({"pk": friend})).await.expect(204);
    let remove = format!("/api/v3/rbac/roles/{other}/remove_user/");
    client.post(&remove, json!({"pk": clerk})).await.expect(204);
    client.post(&path, json!({"pk": clerk})).await.expect(400);
}

/// Deleting a session, deactivating or deleting its user ends it at once; so does the list of many.
#[tokio::test]
async fn cve_2025_29928_ended_sessions_are_over() {
    let app = App::start().await;
    let mut admin = app.admin();
    let list = "/api/v3/core/authenticated_sessions/";
    let sign_in = async |name: &str| {
        let user = app.user(name, "a password of some length").await;
        let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
        assert_eq!(crate::security::login(&mut client, name, "a password of some length", "").await["to"], "/");
        client.get("/api/v3/core/users/me/").await.expect(200);
        (user, client)
    };
    let (first, mut one) = sign_in("first").await;
    let own = one.get(list).await.expect(200);
    assert_eq!((&own["pagination"]["count"], &own["results"][0]["current"]), (&json!(1), &json!(true)));
    let session = format!("{list}{}/", own["results"][0]["uuid"].as_str().unwrap());
    let found = admin.get(&format!("{list}?user__username=first")).await.expect(200);
    assert_eq!((&found["pagination"]["count"], &found["results"][0]["user"]), (&json!(1), &json!(first)));
    assert_eq!(found["results"][0]["current"], false);
    let (second, mut two) = sign_in("second").await;
    two.get(&session).await.expect(404);
    two.delete(&session).await.expect(404);
    two.delete(&format!("{list}bulk_delete/?user_pks={first}")).await.expect(403);
    one.delete(&session).await.expect(204);
    one.get("/api/v3/core/users/me/").await.expect(403);
    let (third, mut three) = sign_in("third").await;
    let ended = admin.delete(&format!("{list}bulk_delete/?user_pks={second}&user_pks={third}")).await.expect(200);
    assert_eq!(ended, json!({"deleted": 2}));
    for client in [&mut two, &mut three] {
        client.get("/api/v3/core/users/me/").await.expect(403);
    }
    admin.delete(&format!("{list}bulk_delete/")).await.expect(400);
    admin.delete(&format!("{list}bulk_delete/?user_pks=x")).await.expect(400);
}
