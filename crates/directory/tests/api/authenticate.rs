//! Who asks: tokens, cookies, and the proof of origin.

use serde_json::{Value, json};

use crate::app::{ADMIN, App};
use crate::both;

both!(bearer_tokens, cookies, same_origin, me, impersonation);

const NOBODY: &str = "Authentication credentials were not provided.";

async fn bearer_tokens(app: App) {
    let detail = async |value: String| {
        let answer = app.send("GET", "core/users/", &[("authorization", &value)], &Value::Null).await;
        (answer.status.as_u16(), answer.json["detail"].as_str().unwrap_or_default().to_owned())
    };
    for (value, expected) in [
        ("Bearer".to_owned(), (403, NOBODY)),
        ("Bearer ".into(), (403, NOBODY)),
        ("Basic YTpi".into(), (403, NOBODY)),
        (ADMIN.into(), (403, NOBODY)),
        ("Bearer bad".into(), (403, "Token invalid/expired")),
        (format!("Bearer {ADMIN} x"), (403, "Token invalid/expired")),
        (format!("bearer {ADMIN}"), (200, "")),
        (format!("BEARER {ADMIN}"), (200, "")),
    ] {
        assert_eq!(detail(value.clone()).await, (expected.0, expected.1.to_owned()), "{value}");
    }
    let before = app.api.store.database().statements();
    app.admin("GET", "admin/version/", Value::Null).await.expect(200);
    let statements = app.api.store.database().statements() - before;
    let refresh = u64::from(!app.api.store.database().is_sqlite());
    // Whom the token stands for, and what they may do.
    assert_eq!(statements, 2 + refresh);
}

async fn cookies(app: App) {
    let pk = app.user("u").await;
    let key = app.login(pk).await;
    let me = async |cookie: &str| app.send("GET", "core/users/me/", &[("cookie", cookie)], &Value::Null).await;
    let answer = me(&format!("a=b; authentik_session={key}; c=d")).await.expect(200);
    assert_eq!(answer["user"]["username"], "u");
    assert_eq!(me("authentik_session=nonsense").await.expect(403)["detail"], NOBODY);
    assert_eq!(me("authentik_session=").await.expect(403)["detail"], NOBODY);
    app.later(14 * 86_400 + 1);
    assert_eq!(me(&format!("authentik_session={key}")).await.expect(403)["detail"], NOBODY);
}

async fn same_origin(app: App) {
    let pk = app.user("u").await;
    let cookie = format!("authentik_session={}; authentik_csrf=abc", app.login(pk).await);
    let path = format!("core/users/{pk}/");
    let refusal = async |headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend_from_slice(headers);
        app.send("PATCH", &path, &all, &json!({"name": "x"})).await.expect(403)["detail"].as_str().unwrap().to_owned()
    };
    let refused: [&[(&str, &str)]; 6] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "https://id.example")],
        &[("x-authentik-csrf", "abd")],
    ];
    for headers in refused {
        assert_eq!(refusal(headers).await, "CSRF Failed: CSRF token missing.", "{headers:?}");
    }
    let known: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://id.example")],
        &[("x-authentik-csrf", "abc")],
    ];
    for headers in known {
        assert_eq!(refusal(headers).await, "You do not have permission to perform this action.", "{headers:?}");
    }
}

async fn me(app: App) {
    let answer = app.admin("GET", "core/users/me/", Value::Null).await.expect(200);
    let user = &answer["user"];
    assert_eq!((&user["username"], &user["is_superuser"]), (&json!("akadmin"), &json!(true)));
    assert_eq!(user["groups"][0]["name"], "authentik Admins");
    assert_eq!(user["system_permissions"].as_array().unwrap().len(), 16);
    assert!(answer.get("original").is_none());
    assert_eq!(answer["users"].as_array().unwrap().len(), 1);
    let (pk, token) = app.clerk("clerk", &["authentik_rbac.view_system_info"]).await;
    let path = format!("core/users/{pk}/");
    app.admin("PATCH", &path, json!({"attributes": {"settings": {"locale": "de"}}})).await.expect(200);
    let answer = app.call(&token, "GET", "core/users/me/", Value::Null).await.expect(200);
    assert_eq!(answer["user"]["system_permissions"], json!(["view_system_info"]));
    assert_eq!(answer["user"]["settings"], json!({"locale": "de"}));
    app.call(&token, "GET", "core/users/", Value::Null).await.expect(403);
    assert_eq!(
        app.admin("POST", "core/users/me/", json!({})).await.expect(405)["detail"],
        "Method \"POST\" not allowed."
    );
    app.admin("GET", "core/users/impersonate_end/", Value::Null).await.expect(204);
}

async fn impersonation(app: App) {
    let target = app.user("target").await;
    let helper = app.user("helper").await;
    app.grant(helper, &["authentik_core.impersonate"]).await;
    let cookie = format!("authentik_session={}", app.login(helper).await);
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let reason = json!({"reason": "help"});
    let admin = app.admin("GET", "core/users/me/", Value::Null).await.expect(200)["user"]["pk"].clone();
    app.send("POST", &format!("core/users/{admin}/impersonate/"), &headers, &reason).await.expect(403);
    app.send("POST", &format!("core/users/{helper}/impersonate/"), &headers, &reason).await.expect(400);
    app.send("POST", &format!("core/users/{target}/impersonate/"), &headers, &json!({})).await.expect(400);
    let begun = app.send("POST", &format!("core/users/{target}/impersonate/"), &headers, &reason).await;
    assert_eq!(begun.status, 204);
    let impersonating = begun.cookie.unwrap().split(';').next().unwrap().to_owned();
    app.send("GET", "core/users/me/", &headers, &Value::Null).await.expect(403);
    let answer = app.send("GET", "core/users/me/", &[("cookie", &impersonating)], &Value::Null).await.expect(200);
    assert_eq!((&answer["user"]["username"], &answer["original"]["username"]), (&json!("target"), &json!("helper")));
    let ended = app.send("GET", "core/users/impersonate_end/", &[("cookie", &impersonating)], &Value::Null).await;
    let cookie = ended.cookie.unwrap().split(';').next().unwrap().to_owned();
    let answer = app.send("GET", "core/users/me/", &[("cookie", &cookie)], &Value::Null).await.expect(200);
    assert_eq!(answer["user"]["username"], "helper");
    assert!(answer.get("original").is_none());
    assert_eq!(app.events("impersonation_started").await[0]["context"]["reason"], "help");
    assert_eq!(app.events("impersonation_ended").await.len(), 1);
}
