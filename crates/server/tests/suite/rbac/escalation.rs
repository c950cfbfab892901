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
    let ways: Vec<_> = ways.into_iter().chain(more_ways(clerk, &boss, &root, &mine, &role, &top)).collect();
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

/// Ways by flags, links, service accounts and transactions.
fn more_ways(clerk: i64, boss: &str, root: &Value, mine: &str, role: &str, top: &str) -> Vec<(Method, String, Value)> {
    let application = |user: &Value| {
        json!({
            "app": {"name": "a", "slug": "a"}, "provider_model": "authentik_providers_oauth2.oauth2provider",
            "provider": {"name": "p"}, "policy_bindings": [{"user": user, "order": 0}],
        })
    };
    vec![
        (Method::PATCH, format!("core/groups/{mine}/"), json!({"is_superuser": true})),
        (Method::PUT, format!("core/groups/{mine}/"), json!({"name": "mine", "is_superuser": true})),
        (Method::POST, "core/groups/".into(), json!({"name": "n", "is_superuser": true})),
        (Method::POST, "core/groups/".into(), json!({"name": "n", "is_superuser": true, "users": [clerk]})),
        (Method::PUT, format!("core/groups/{mine}/"), json!({"name": "mine", "parents": [top]})),
        (Method::PUT, format!("core/users/{clerk}/"), json!({"username": "clerk", "name": "c", "roles": [role]})),
        (Method::PATCH, format!("core/users/{boss}/"), json!({"attributes": {"upn": "mallory"}})),
        (Method::POST, format!("core/users/{boss}/recovery/"), json!({})),
        (Method::POST, format!("core/users/{root}/recovery/"), json!({})),
        (Method::POST, format!("core/users/{root}/recovery_email/"), json!({"email_stage": boss})),
        (Method::PUT, format!("core/users/{root}/"), json!({"username": "mallory", "name": "m"})),
        (Method::PUT, "core/transactional/applications/".into(), application(&json!(clerk))),
        (Method::PUT, "core/tokens/boss/".into(), json!({"identifier": "boss", "user": clerk})),
        (Method::POST, "core/tokens/".into(), json!({"identifier": "n", "user": root, "intent": "app_password"})),
    ]
}

/// A blueprint that is uploaded, planned, kept or kept and applied does no more than whoever brings it.
#[tokio::test]
async fn cve_2026_40172_no_blueprint_is_a_way_to_more() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &CLERK).await;
    let blueprints = ["add", "change", "view"].map(|verb| format!("authentik_blueprints.{verb}_blueprintinstance"));
    app.grants.grant(clerk, &blueprints.each_ref().map(String::as_str)).await;
    let role = make(&app, "rbac/roles", json!({"name": "strong"})).await;
    assign(&mut app.admin(), &role, &["authentik_core.delete_user"], None).await;
    make(&app, "rbac/roles", json!({"name": "own"})).await;
    let find = |model: &str, field: &str, value: &str| format!("!Find [{model}, [{field}, {value}]]");
    let admins = find("authentik_core.group", "name", "authentik Admins");
    let (strong, me) =
        (find("authentik_rbac.role", "name", "strong"), find("authentik_core.user", "username", "clerk"));
    let boss = find("authentik_core.user", "username", "akadmin");
    let user = |name: &str, attrs: &str| {
        format!("{{model: authentik_core.user, identifiers: {{username: {name}}}, attrs: {{{attrs}}}}}")
    };
    let ways = [
        user("clerk", &format!("groups: [{admins}]")),
        user("clerk", &format!("roles: [{strong}]")),
        user("clerk", "permissions: [authentik_core.delete_user]"),
        user("new", &format!("name: n, path: users, groups: [{admins}]")),
        user("akadmin", "password: mallory knows it"),
        user("akadmin", "email: mallory@example.com"),
        "{model: authentik_core.group, identifiers: {name: n}, attrs: {is_superuser: true}}".to_owned(),
        format!("{{model: authentik_core.group, identifiers: {{name: n}}, attrs: {{parents: [{admins}], users: [{me}]}}}}"),
        format!("{{model: authentik_core.group, identifiers: {{name: authentik Admins}}, attrs: {{users: [{me}]}}}}"),
        format!("{{model: authentik_core.group, identifiers: {{name: n}}, attrs: {{roles: [{strong}]}}}}"),
        format!("{{model: authentik_core.token, identifiers: {{identifier: n}}, attrs: {{user: {boss}, key: mallory-knows-it}}}}"),
        "{model: authentik_core.token, identifiers: {identifier: authentik-bootstrap-token}, attrs: {key: mallory-knows-it}}".to_owned(),
        "{model: authentik_rbac.role, identifiers: {name: own}, attrs: {permissions: [authentik_core.delete_user]}}".to_owned(),
        format!("{{model: authentik_core.user, identifiers: {{username: akadmin}}, state: created, permissions: [{{permission: delete_user, user: {me}}}]}}"),
        "{model: authentik_core.user, identifiers: {username: akadmin}, state: absent}".to_owned(),
        "{model: authentik_tenants.tenant, identifiers: {name: default}, attrs: {impersonation: true}}".to_owned(),
    ];
    for way in ways {
        let text = format!("entries:\n  - {way}\n");
        let before = app.footprint().await;
        let form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.yaml\"\r\n\r\n{text}\r\n--edge--\r\n"
        );
        let path = "/api/v3/managed/blueprints/import/";
        let answer =
            client.send(Method::POST, path, Some("multipart/form-data; boundary=edge"), form.into_bytes()).await;
        let refused = answer.status == 403 || (answer.status == 200 && answer.json()["success"] == false);
        assert!(refused, "{way}: {} {}", answer.status, answer.text);
        assert_eq!(app.footprint().await, before, "{way}");
        let plan = client.post("/api/vestibule/v1/blueprints/plan/", json!({"content": text})).await;
        assert_eq!(plan.status, 400, "{way}: {}", plan.text);
        let kept = client.post("/api/v3/managed/blueprints/", json!({"name": way, "content": text})).await;
        if kept.status != 201 {
            assert_eq!(kept.status, 400, "{way}: {}", kept.text);
            continue;
        }
        let path = format!("/api/v3/managed/blueprints/{}/", kept.json()["pk"].as_str().unwrap());
        let applied = client.post(&format!("{path}apply/"), json!({})).await.expect(200);
        assert_eq!(applied["status"], "error", "{way}");
        app.admin().delete(&path).await.expect(204);
    }
    client.get("/api/v3/core/users/me/").await.expect(200)["user"]["is_superuser"].as_bool().filter(|is| !is).unwrap();
}

/// A program's account may what nobody gave it: nothing, though its maker may much.
#[tokio::test]
async fn service_accounts_begin_with_nothing() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &CLERK).await;
    app.grants.grant(clerk, &["authentik_core.add_user", "authentik_core.add_group", "authentik_core.add_token"]).await;
    let body = json!({"name": "program", "create_group": true});
    let answer = client.post("/api/v3/core/users/service_account/", body).await;
    if answer.status == 200 {
        let mut program = app.anonymous().with_token(answer.json()["token"].as_str().unwrap());
        program.get("/api/v3/core/users/").await.expect(403);
        let me = program.get("/api/v3/core/users/me/").await;
        assert!(me.status == 403 || me.json()["user"]["is_superuser"] == false, "{}", me.text);
    } else {
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    // It is not named like somebody who is there already.
    let taken = client.post("/api/v3/core/users/service_account/", json!({"name": "akadmin"})).await;
    assert!([400, 403].contains(&taken.status.as_u16()), "{}", taken.text);
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
