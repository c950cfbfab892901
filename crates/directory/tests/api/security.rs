//! Advisories of authentik that concern the directory: each row is a test of its name.

use serde_json::{Value, json};

use crate::app::App;
use crate::both;

both!(
    cve_2024_37905,
    cve_2026_40172,
    ghsa_h6c5_mpvq_j4jc,
    cve_2025_29928,
    cve_2025_53942,
    cve_2024_42490,
    cve_2025_64708,
    ghsa_m9h4_7j9c_55x9,
    passwords_never_shown,
);

/// The key of the group of administrators.
async fn admins(app: &App) -> String {
    let answer = app.admin("GET", "core/groups/?name=authentik+Admins", Value::Null).await.expect(200);
    answer["results"][0]["pk"].as_str().unwrap().to_owned()
}

async fn is_superuser(app: &App, pk: i64) -> bool {
    app.admin("GET", &format!("core/users/{pk}/"), Value::Null).await.expect(200)["is_superuser"] == true
}

/// A token is never moved to somebody else, nor made for them, nor made good for something else.
async fn cve_2024_37905(app: App) {
    let permissions = ["authentik_core.add_token", "authentik_core.change_token", "authentik_core.view_token"];
    let (pk, token) = app.clerk("clerk", &permissions).await;
    let admin = app.admin("GET", "core/users/me/", Value::Null).await.expect(200)["user"]["pk"].as_i64().unwrap();
    let call = async |method: &str, path: &str, body: Value| app.call(&token, method, path, body).await;
    let own = call("POST", "core/tokens/", json!({"identifier": "own"})).await.expect(201);
    assert_eq!(own["user"], pk);
    call("POST", "core/tokens/", json!({"identifier": "x", "user": admin})).await.expect(400);
    call("PATCH", "core/tokens/own/", json!({"user": admin})).await.expect(400);
    call("PATCH", "core/tokens/own/", json!({"intent": "app_password"})).await.expect(400);
    call("PATCH", "core/tokens/authentik-bootstrap-token/", json!({"user": pk})).await.expect(400);
    call("PATCH", "core/tokens/authentik-bootstrap-token/", json!({"description": "x"})).await.expect(403);
    let own = call("PATCH", "core/tokens/own/", json!({"description": "fine"})).await.expect(200);
    assert_eq!((&own["user"], &own["intent"]), (&json!(pk), &json!("api")));
}

/// No way into a group of superusers without the permission for it.
async fn cve_2026_40172(app: App) {
    let admins = admins(&app).await;
    let permissions = [
        "authentik_core.add_user",
        "authentik_core.change_user",
        "authentik_core.change_group",
        "authentik_core.add_group",
        "authentik_core.add_user_to_group",
        "authentik_core.remove_user_from_group",
        "authentik_core.view_user",
    ];
    let (pk, token) = app.clerk("clerk", &permissions).await;
    let admin = app.admin("GET", "core/users/me/", Value::Null).await.expect(200)["user"]["pk"].clone();
    let group = format!("core/groups/{admins}/");
    for (method, path, body) in [
        ("PATCH", format!("core/users/{pk}/"), json!({"groups": [admins]})),
        ("POST", "core/users/".into(), json!({"username": "n", "name": "n", "groups": [admins]})),
        ("PATCH", format!("core/users/{admin}/"), json!({"groups": []})),
        ("PATCH", group.clone(), json!({"users": [admin, pk]})),
        ("PATCH", group.clone(), json!({"users": []})),
        ("PATCH", group.clone(), json!({"is_superuser": false})),
        ("POST", "core/groups/".into(), json!({"name": "n", "is_superuser": true})),
        ("POST", "core/groups/".into(), json!({"name": "n", "is_superuser": true, "users": [pk]})),
        ("POST", format!("{group}add_user/"), json!({"pk": pk})),
        ("POST", format!("{group}remove_user/"), json!({"pk": admin})),
    ] {
        app.call(&token, method, &path, body.clone()).await.expect(400);
    }
    assert!(!is_superuser(&app, pk).await);
    assert_eq!(app.admin("GET", "core/users/?username=n", Value::Null).await.expect(200)["results"], json!([]));
    app.grant(pk, &["authentik_core.enable_group_superuser"]).await;
    app.call(&token, "POST", &format!("{group}add_user/"), json!({"pk": pk})).await.expect(204);
    assert!(is_superuser(&app, pk).await);
}

/// Superusers are also made by the groups above a group, however far.
async fn ghsa_h6c5_mpvq_j4jc(app: App) {
    let admins = admins(&app).await;
    let make = async |body: Value| app.admin("POST", "core/groups/", body).await.expect(201)["pk"].clone();
    let middle = make(json!({"name": "middle", "parents": [admins]})).await;
    let lower = make(json!({"name": "lower", "parents": [middle]})).await;
    let free = make(json!({"name": "free"})).await;
    let permissions = [
        "authentik_core.change_user",
        "authentik_core.change_group",
        "authentik_core.add_user_to_group",
        "authentik_core.view_user",
    ];
    let (pk, token) = app.clerk("clerk", &permissions).await;
    let free = format!("core/groups/{}/", free.as_str().unwrap());
    let lower_path = format!("core/groups/{}/", lower.as_str().unwrap());
    app.call(&token, "PATCH", &free, json!({"users": [pk]})).await.expect(200);
    for parent in [json!(admins), middle.clone(), lower.clone()] {
        app.call(&token, "PATCH", &free, json!({"parents": [parent]})).await.expect(400);
    }
    app.call(&token, "PATCH", &lower_path, json!({"users": [pk]})).await.expect(400);
    app.call(&token, "POST", &format!("{lower_path}add_user/"), json!({"pk": pk})).await.expect(400);
    app.call(&token, "PATCH", &format!("core/users/{pk}/"), json!({"groups": [lower]})).await.expect(400);
    assert!(!is_superuser(&app, pk).await);
    app.admin("PATCH", &free, json!({"parents": [lower]})).await.expect(200);
    assert!(is_superuser(&app, pk).await, "what an administrator arranges counts");
    app.call(&token, "GET", "core/tokens/", Value::Null).await.expect(200);
    let cookie = app.login(pk).await;
    assert!(app.sessions.load(&cookie).await.unwrap().unwrap().user.unwrap().is_superuser);
}

/// Deactivating or deleting a user, and a new password, end their sessions at once.
async fn cve_2025_29928(app: App) {
    let pk = app.user("u").await;
    let path = format!("core/users/{pk}/");
    let (one, two) = (app.login(pk).await, app.login(pk).await);
    app.admin("POST", &format!("{path}set_password/"), json!({"password": "new"})).await.expect(204);
    assert!(app.sessions.load(&one).await.unwrap().is_none());
    assert!(app.sessions.load(&two).await.unwrap().is_none());
    let cookie = app.login(pk).await;
    app.admin("PATCH", &path, json!({"is_active": false})).await.expect(200);
    app.admin("PATCH", &path, json!({"is_active": true})).await.expect(200);
    assert!(app.sessions.load(&cookie).await.unwrap().is_none(), "being active again brings no session back");
    let cookie = app.login(pk).await;
    app.admin("DELETE", &path, Value::Null).await.expect(204);
    assert!(app.sessions.load(&cookie).await.unwrap().is_none());
    // Whoever sets their own password stays where they are.
    let own = app.user("own").await;
    app.grant(own, &["authentik_core.reset_user_password"]).await;
    let (here, there) = (app.login(own).await, app.login(own).await);
    let cookie = format!("authentik_session={here}");
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let path = format!("core/users/{own}/set_password/");
    app.send("POST", &path, &headers, &json!({"password": "new"})).await.expect(204);
    assert!(app.sessions.load(&here).await.unwrap().is_some());
    assert!(app.sessions.load(&there).await.unwrap().is_none());
}

/// Neither a session nor a token of an inactive user is worth anything.
async fn cve_2025_53942(app: App) {
    let (pk, token) = app.clerk("u", &[]).await;
    let cookie = app.login(pk).await;
    let sql = "UPDATE users SET is_active = $1 WHERE id = $2";
    let params = vec![false.into(), pk.into()];
    app.api.store.database().execute(vestibule_store::Durability::Process, sql, params).await.unwrap();
    assert!(app.sessions.load(&cookie).await.unwrap().is_none());
    let answer = app.call(&token, "GET", "core/users/me/", Value::Null).await.expect(403);
    assert_eq!(answer["detail"], "Token invalid/expired");
}

/// Every operation wants to know who asks, but for those that are for anyone.
async fn cve_2024_42490(app: App) {
    let (pk, token) = app.clerk("clerk", &[]).await;
    let group = admins(&app).await;
    let brand = app.admin("POST", "core/brands/", json!({"domain": "x"})).await.expect(201)["brand_uuid"].clone();
    let brand = brand.as_str().unwrap();
    let user = format!("core/users/{pk}");
    for (method, path) in [
        ("GET", "core/users/".to_owned()),
        ("POST", "core/users/".into()),
        ("GET", "core/users/paths/".into()),
        ("POST", "core/users/service_account/".into()),
        ("GET", format!("{user}/")),
        ("PUT", format!("{user}/")),
        ("PATCH", format!("{user}/")),
        ("DELETE", format!("{user}/")),
        ("GET", format!("{user}/used_by/")),
        ("POST", format!("{user}/set_password/")),
        ("POST", format!("{user}/set_password_hash/")),
        ("POST", format!("{user}/recovery/")),
        ("POST", format!("{user}/recovery_email/")),
        ("POST", format!("{user}/impersonate/")),
        ("GET", format!("core/groups/{group}/")),
        ("GET", format!("core/groups/{group}/used_by/")),
        ("POST", format!("core/groups/{group}/add_user/")),
        ("POST", format!("core/groups/{group}/remove_user/")),
        ("GET", "core/tokens/authentik-bootstrap-token/".into()),
        ("GET", "core/tokens/authentik-bootstrap-token/used_by/".into()),
        ("GET", "core/tokens/authentik-bootstrap-token/view_key/".into()),
        ("POST", "core/tokens/authentik-bootstrap-token/set_key/".into()),
        ("GET", format!("core/brands/{brand}/")),
        ("GET", format!("core/brands/{brand}/used_by/")),
        ("GET", "admin/version/history/".into()),
        ("GET", "admin/version/history/1/".into()),
    ] {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        assert_eq!(app.send(method, &path, &[], &body).await.status, 403, "{method} {path} by nobody");
        // One sees one's own tokens, so that those of others are not there.
        let refused = if path.starts_with("core/tokens/") { 404 } else { 403 };
        assert_eq!(app.call(&token, method, &path, body).await.status, refused, "{method} {path} by somebody");
    }
}

/// What expires is checked when it is used.
async fn cve_2025_64708(app: App) {
    app.admin("POST", "core/tokens/", json!({"identifier": "t"})).await.expect(201);
    app.admin("POST", "core/tokens/t/set_key/", json!({"key": "key-1234567890"})).await.expect(204);
    app.later(31 * 60);
    app.call("key-1234567890", "GET", "core/users/me/", Value::Null).await.expect(403);
}

/// To see an object is not to see its secrets.
async fn ghsa_m9h4_7j9c_55x9(app: App) {
    let (_, token) = app.clerk("clerk", &["authentik_core.view_token", "authentik_core.change_token"]).await;
    let shown = app.call(&token, "GET", "core/tokens/authentik-bootstrap-token/", Value::Null).await.expect(200);
    assert!(shown.get("key").is_none() && shown.get("key_sealed").is_none() && shown.get("key_hash").is_none());
    app.call(&token, "GET", "core/tokens/authentik-bootstrap-token/view_key/", Value::Null).await.expect(403);
    let body = json!({"key": "x"});
    app.call(&token, "POST", "core/tokens/authentik-bootstrap-token/set_key/", body).await.expect(403);
}

/// No answer and no event carries a password, or its hash.
async fn passwords_never_shown(app: App) {
    let pk = app.user("u").await;
    let path = format!("core/users/{pk}/");
    app.admin("POST", &format!("{path}set_password/"), json!({"password": "Needle-1!"})).await.expect(204);
    let shown = app.admin("GET", &path, Value::Null).await.expect(200).to_string();
    let rows = app.api.store.database().query("SELECT context FROM events", vec![]).await.unwrap();
    let events: String = rows.iter().map(|row| row.text("context").unwrap()).collect();
    assert!(!format!("{shown}{events}").contains("argon2") && !format!("{shown}{events}").contains("Needle"));
}
