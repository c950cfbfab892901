//! `core/brands`, and what clients ask about the server.

use serde_json::{Value, json};

use crate::app::App;
use crate::both;

both!(life, current, system);

const P: &str = "core/brands/";

async fn life(app: App) {
    let made = app.admin("POST", P, json!({"domain": "one.example"})).await.expect(201);
    let first: Vec<&String> = made.as_object().unwrap().keys().take(3).collect();
    assert_eq!(first, ["brand_uuid", "domain", "default"]);
    assert_eq!(made["branding_default_flow_background"], "/static/dist/assets/images/flow_background.jpg");
    assert!(made.get("pk").is_none());
    let path = format!("{P}{}/", made["brand_uuid"].as_str().unwrap());
    assert_eq!(app.admin("GET", &path, Value::Null).await.expect(200), made);
    assert_eq!(app.admin("POST", P, json!({})).await.expect(400), json!({"domain": ["This field is required."]}));
    let again = app.admin("POST", P, json!({"domain": "one.example"})).await.expect(400);
    assert_eq!(again, json!({"domain": ["This field must be unique."]}));
    app.admin("POST", P, json!({"domain": "two.example", "default": true})).await.expect(201);
    let second = app.admin("POST", P, json!({"domain": "three.example", "default": true})).await.expect(400);
    assert_eq!(second, json!({"default": ["Only a single brand can be set as default."]}));
    let key = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let missing = format!("Invalid pk \"{key}\" - object does not exist.");
    for (field, value) in [
        ("web_certificate", json!(key)),
        ("default_application", json!(key)),
        ("client_certificates", json!([key])),
        ("flow_recovery", json!(key)),
    ] {
        let answer = app.admin("PATCH", &path, json!({field: value})).await.expect(400);
        assert_eq!(answer, json!({field: [missing]}));
    }
    let found =
        app.admin("GET", &format!("{P}?brand_uuid={}", made["brand_uuid"].as_str().unwrap()), Value::Null).await;
    assert_eq!(found.expect(200)["results"][0]["domain"], "one.example");
    app.admin("DELETE", &path, Value::Null).await.expect(204);
}

async fn current(app: App) {
    let at =
        async |host: &str| app.send("GET", "core/brands/current/", &[("host", host)], &Value::Null).await.expect(200);
    assert_eq!(at("one.example").await["matched_domain"], "fallback");
    let flow =
        app.admin("POST", "flows/instances/", json!({"name": "f", "slug": "login"})).await.expect(201)["pk"].clone();
    let attributes = json!({"settings": {"theme": {"base": "dark"}, "locale": "de"}});
    let one =
        json!({"domain": "one.example", "flow_authentication": flow, "attributes": attributes, "branding_title": "X"});
    app.admin("POST", P, one).await.expect(201);
    app.admin("POST", P, json!({"domain": "authentik-default", "default": true})).await.expect(201);
    app.admin("POST", P, json!({"domain": "deep.one.example"})).await.expect(201);
    let answer = at("one.example:9000").await;
    assert_eq!((&answer["branding_title"], &answer["ui_theme"]), (&json!("X"), &json!("dark")));
    assert_eq!((&answer["flow_authentication"], &answer["default_locale"]), (&json!("login"), &json!("de")));
    assert!(answer.get("flow_recovery").is_none());
    assert_eq!(at("a.ONE.example").await["matched_domain"], "one.example");
    assert_eq!(at("a.deep.one.example").await["matched_domain"], "deep.one.example");
    assert_eq!(at("notone.example").await["matched_domain"], "authentik-default");
    // Deleting the flow leaves the brand without it.
    let path = format!("flows/instances/{}/", flow.as_str().unwrap());
    app.admin("DELETE", &path, Value::Null).await.expect(204);
    assert!(at("one.example").await.get("flow_authentication").is_none());
}

async fn system(app: App) {
    let config = app.send("GET", "root/config/", &[], &Value::Null).await.expect(200);
    assert_eq!(config["capabilities"], json!(["can_impersonate"]));
    app.send("GET", "admin/version/", &[], &Value::Null).await.expect(403);
    let version = app.admin("GET", "admin/version/", Value::Null).await.expect(200)["version_current"].clone();
    let history = app.admin("GET", "admin/version/history/?search=2026", Value::Null).await.expect(200);
    assert_eq!((&history[0]["version"], &history[0]["id"]), (&version, &json!(1)));
    assert_eq!(app.admin("GET", "admin/version/history/1/", Value::Null).await.expect(200), history[0]);
    app.admin("GET", "admin/version/history/2/", Value::Null).await.expect(404);
    assert_eq!(app.admin("GET", "admin/version/history/?build=x", Value::Null).await.expect(200), json!([]));
    let (_, token) = app.clerk("clerk", &[]).await;
    app.call(&token, "GET", "admin/version/", Value::Null).await.expect(200);
    app.call(&token, "GET", "admin/version/history/", Value::Null).await.expect(403);
}
