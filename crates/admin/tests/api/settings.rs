//! The server's settings, and that they are what it does.

use serde_json::json;

use crate::app::App;

const PATH: &str = "/api/v3/admin/settings/";

#[tokio::test]
async fn settings_are_seen_changed_and_checked() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let usual = admin.get(PATH).await.expect(200);
    assert_eq!((&usual["avatars"], &usual["event_retention"]), (&json!("gravatar,initials"), &json!("days=365")));
    assert_eq!(usual["flags"]["core_default_app_access"], true);
    let put = admin.put(PATH, json!({})).await.expect(400);
    assert_eq!(put, json!({"flags": ["This field is required."]}));
    let wrong = json!({
        "avatars": "", "event_retention": "soon", "reputation_lower_limit": 1, "reputation_upper_limit": -1,
        "default_token_length": 0, "flags": {"flows_refresh_others": "x"}, "base_url": "nowhere",
    });
    let wrong = admin.patch(PATH, wrong).await.expect(400);
    assert_eq!(wrong.as_object().unwrap().len(), 7, "{wrong}");
    let changed = admin.patch(PATH, json!({"impersonation": false, "flags": {"flows_refresh_others": true}})).await;
    let changed = changed.expect(200);
    assert_eq!(changed["impersonation"], false);
    assert_eq!(changed["flags"]["flows_refresh_others"], true);
    assert_eq!(changed["flags"]["core_default_app_access"], true, "what is left out stays");
    assert_eq!(admin.get(PATH).await.expect(200), changed);
    let brand = app.app.anonymous().get("/api/v3/core/brands/current/").await.expect(200);
    assert_eq!(brand["flags"]["flows_refresh_others"], true);
    let event = admin.get("/api/v3/events/events/?context_model_name=tenant").await.expect(200);
    let difference = &event["results"][0]["context"]["diff"]["impersonation"];
    assert_eq!(difference, &json!({"previous_value": true, "new_value": false}));
}

#[tokio::test]
async fn settings_are_what_the_server_does() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let (bob, _) = app.clerk("bob", &[]).await;
    let impersonate = format!("/api/v3/core/users/{bob}/impersonate/");
    admin.post(&impersonate, json!({})).await.expect(400);
    admin.patch(PATH, json!({"impersonation_require_reason": false})).await.expect(200);
    admin.post(&impersonate, json!({})).await.expect(204);
    admin.patch(PATH, json!({"impersonation": false})).await.expect(200);
    admin.post(&impersonate, json!({"reason": "x"})).await.expect(403);

    admin.patch(PATH, json!({"default_token_length": 90, "default_token_duration": "hours=2"})).await.expect(200);
    let token = admin.post("/api/v3/core/tokens/", json!({"identifier": "long"})).await.expect(201);
    assert_eq!(token["expires"], "2026-11-23T14:00:00.000000Z");
    let key = admin.get("/api/v3/core/tokens/long/view_key/").await.expect(200);
    assert_eq!(key["key"].as_str().unwrap().len(), 90);

    for name in ["a", "b", "c"] {
        admin.post("/api/v3/core/groups/", json!({"name": name})).await.expect(201);
    }
    admin.patch(PATH, json!({"pagination_default_page_size": 2, "pagination_max_page_size": 3})).await.expect(200);
    let page = admin.get("/api/v3/core/groups/").await.expect(200);
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    let page = admin.get("/api/v3/core/groups/?page_size=50").await.expect(200);
    assert_eq!(page["results"].as_array().unwrap().len(), 3);
}

/// Cobalt 2024: a link at the foot of the login page ran script.
#[tokio::test]
async fn footer_links_lead_to_pages_alone() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    for href in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "\u{1}http://x",
    ] {
        let answer = admin.patch(PATH, json!({"footer_links": [{"name": "x", "href": href}]})).await;
        assert_eq!(answer.status, 400, "{href}");
    }
    for links in [json!({}), json!("x"), json!([{"href": "https://a.example"}]), json!([1])] {
        admin.patch(PATH, json!({"footer_links": links})).await.expect(400);
    }
    let links = json!([{"name": "Terms", "href": "https://a.example/terms"}, {"name": "Plain", "href": null}]);
    admin.patch(PATH, json!({"footer_links": links})).await.expect(200);
    let brand = app.app.anonymous().get("/api/v3/core/brands/current/").await.expect(200);
    assert_eq!(brand["ui_footer_links"], links);
}

#[tokio::test]
async fn settings_need_their_permissions() {
    let app = App::start().await;
    let (_, mut reader) = app.clerk("reader", &["authentik_rbac.view_system_settings"]).await;
    reader.get(PATH).await.expect(200);
    reader.patch(PATH, json!({"impersonation": false})).await.expect(403);
    let (_, mut nobody) = app.clerk("nobody", &[]).await;
    nobody.get(PATH).await.expect(403);
    app.app.anonymous().get(PATH).await.expect(403);
}
