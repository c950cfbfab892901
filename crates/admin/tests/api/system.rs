//! What is installed, and what is not there.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn applications_and_models_are_named() {
    let app = App::start().await;
    let (_, mut anyone) = app.clerk("anyone", &[]).await;
    let apps = anyone.get("/api/v3/admin/apps/").await.expect(200);
    let apps = apps.as_array().unwrap();
    assert!(apps.contains(&json!({"name": "authentik.providers.oauth2", "label": "authentik Providers.OAuth2"})));
    assert!(apps.is_sorted_by_key(|app| app["name"].as_str().unwrap().to_owned()));
    let models = anyone.get("/api/v3/admin/models/").await.expect(200);
    assert!(models.as_array().unwrap().contains(&json!({"name": "authentik_core.user", "label": "User"})));
    assert!(!models.to_string().contains("authenticatedsession"));
    let attributed = anyone.get("/api/v3/admin/models/?filter_has_attributes=true").await.expect(200);
    let names: Vec<_> = attributed.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"authentik_core.group") && !names.contains(&"authentik_events.event"), "{names:?}");
    app.app.anonymous().get("/api/v3/admin/apps/").await.expect(403);
}

#[tokio::test]
async fn there_are_no_tenants_whoever_asks() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    for client in [&mut admin, &mut app.app.anonymous()] {
        for path in ["domains/", "domains/1/", "tenants/", "tenants/3fa85f64-5717-4562-b3fc-2c963f66afa6/"] {
            let answer = client.get(&format!("/api/v3/tenants/{path}")).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (404, ""), "{path}");
        }
        let path = "/api/v3/tenants/tenants/3fa85f64-5717-4562-b3fc-2c963f66afa6/create_recovery_key/";
        assert_eq!(client.post(path, json!({})).await.status, 404);
    }
}
