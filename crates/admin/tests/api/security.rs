//! Rows of the security list: what an attacker asks of events, webhooks, files and the server's own pages.

use serde_json::json;

use crate::app::{App, results};

/// SSRF: a webhook does not reach the server's own inside, by whatever address, name or notation.
#[tokio::test]
async fn ssrf_webhooks_do_not_reach_the_inside() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let inside = [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0:1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://user@127.0.0.1/",
    ];
    let body = json!({"name": "hook", "mode": "webhook", "webhook_url": "https://example.com/"});
    let hook = admin.post("/api/v3/events/transports/", body).await.expect(201);
    let path = format!("/api/v3/events/transports/{}/", hook["pk"].as_str().unwrap());
    for address in inside {
        for mode in ["webhook", "webhook_slack"] {
            admin.patch(&path, json!({"webhook_url": address, "mode": mode})).await.expect(200);
            let answer = admin.post(&format!("{path}test/"), json!({})).await.expect(400);
            let said = answer["non_field_errors"][0].as_str().unwrap();
            assert!(said.contains("may not fetch from there"), "{address}: {said}");
        }
    }
    for address in ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)", "//127.0.0.1/"] {
        admin.patch(&path, json!({"webhook_url": address})).await.expect(400);
    }
}

/// The same of what a rule sends: it is given up at once, and its log says why.
#[tokio::test]
async fn ssrf_a_refused_webhook_is_given_up_with_a_reason() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let body = json!({"name": "hook", "mode": "webhook", "webhook_url": "http://127.0.0.1:1/"});
    let hook = admin.post("/api/v3/events/transports/", body).await.expect(201);
    let (alice, mut as_alice) = app.clerk("alice", &["authentik_core.add_group"]).await;
    let rule = json!({"name": "r", "transports": [hook["pk"]], "destination_event_user": true});
    let rule = admin.post("/api/v3/events/rules/", rule).await.expect(201);
    app.app.create("authentik_policies.policybinding", json!({"target": rule["pk"], "user": alice, "order": 0})).await;
    app.work().await;
    as_alice.post("/api/v3/core/groups/", json!({"name": "x"})).await.expect(201);
    app.work().await;
    let tasks = admin.get("/api/v3/tasks/tasks/?state=rejected").await.expect(200);
    let [task] = results(&tasks).as_slice() else { panic!("{tasks}") };
    assert_eq!(
        (&task["rel_obj_app_label"], &task["rel_obj_model"]),
        (&json!("authentik_events"), &json!("notificationtransport"))
    );
    assert!(task["logs"][0]["event"].as_str().unwrap().contains("may not fetch from there"));
}

/// Cure53 ATH-01-004: the environment, and what opens something, are told to nobody.
#[tokio::test]
async fn ath_01_004_the_system_page_tells_no_secret() {
    let app = App::start().await;
    let mut admin =
        app.app.admin().await.with_header("cookie", "authentik_session=hush").with_header("x-api-key", "hush");
    let info = admin.get("/api/v3/admin/system/").await.expect(200);
    let text = info.to_string();
    for secret in ["hush", "token-of-", "VESTIBULE_", "PATH=", "HOME"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(info["http_headers"]["HTTP_AUTHORIZATION"], "********************");
    assert_eq!(admin.post("/api/v3/admin/system/", json!({})).await.expect(200)["runtime"], info["runtime"]);
    let (_, mut nobody) = app.clerk("nobody", &[]).await;
    nobody.get("/api/v3/admin/system/").await.expect(403);
}

/// GHSA-m9h4-7j9c-55x9: what is sealed or secret stays out of events, whatever writes it.
#[tokio::test]
async fn events_hold_no_secret() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let (bob, _) = app.clerk("bob", &[]).await;
    admin.post(&format!("/api/v3/core/users/{bob}/set_password/"), json!({"password": "hush-1"})).await.expect(204);
    let body = json!({"attributes": {"ldap": {"bind_password": "hush-2"}, "apiKey": "plain"}});
    admin.patch(&format!("/api/v3/core/users/{bob}/"), body).await.expect(200);
    admin.post("/api/v3/core/tokens/", json!({"identifier": "t", "intent": "api"})).await.expect(201);
    admin.post("/api/v3/core/tokens/t/set_key/", json!({"key": "hush-3-long-enough"})).await.expect(204);
    let key = admin.get("/api/v3/core/tokens/t/view_key/?key=hush-4").await.expect(200);
    let events = admin.get("/api/v3/events/events/?page_size=100").await.expect(200).to_string();
    for secret in ["hush-", key["key"].as_str().unwrap(), "argon2", "$sealed"] {
        assert!(!events.contains(secret), "{secret}");
    }
    for action in ["password_set", "secret_view", "secret_rotate"] {
        assert!(events.contains(action), "{action}");
    }
}

/// Filters and orders are data: nothing of them becomes SQL.
#[tokio::test]
async fn filters_of_events_are_not_sql() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    for text in ["'%20OR%20'1'='1", "%25", "x')%20OR%20(1=1", "%22%3B%20DROP%20TABLE%20events%3B--"] {
        for filter in ["username", "context_model_pk", "context_device", "brand_name", "client_ip", "context_model_app"]
        {
            let found = admin.get(&format!("/api/v3/events/events/?{filter}={text}")).await.expect(200);
            assert_eq!(results(&found).len(), 0, "{filter}={text}");
        }
        admin.get(&format!("/api/v3/events/events/?ordering={text}&search={text}")).await.expect(200);
        admin.get(&format!("/api/v3/events/events/top_per_user/?action={text}")).await.expect(200);
    }
    for filter in ["username", "context_model_pk", "search"] {
        let status = admin.get(&format!("/api/v3/events/events/?{filter}=%00")).await.status.as_u16();
        assert!(status < 500, "{filter}");
    }
    admin.get("/api/v3/events/events/top_per_user/?action=%00").await.expect(400);
}
