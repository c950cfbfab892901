//! `core/tokens`.

use serde_json::{Value, json};

use crate::app::App;
use crate::both;

both!(life, keys, expiry);

const P: &str = "core/tokens/";

async fn life(app: App) {
    let made = app.admin("POST", P, json!({"identifier": "t1", "key": "ignored"})).await.expect(201);
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["pk", "managed", "identifier", "intent", "user", "user_obj", "description", "expires", "expiring"]
    );
    assert_eq!((&made["intent"], &made["user_obj"]["username"]), (&json!("api"), &json!("akadmin")));
    assert_eq!(made["user_obj"]["is_superuser"], true);
    let cases = [
        (json!({}), json!({"identifier": ["This field is required."]})),
        (json!({"identifier": "t1"}), json!({"identifier": ["Token with this identifier already exists."]})),
        (json!({"identifier": "t2", "intent": "bogus"}), json!({"intent": ["\"bogus\" is not a valid choice."]})),
        (json!({"identifier": "t2", "intent": "verification"}), json!({"intent": ["Invalid intent verification"]})),
    ];
    for (body, expected) in cases {
        assert_eq!(app.admin("POST", P, body).await.expect(400), expected);
    }
    let wrong = app.admin("POST", P, json!({"identifier": "a b"})).await.expect(400);
    let message = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    assert_eq!(wrong, json!({"identifier": [message]}));
    let late = json!({"identifier": "t3", "intent": "app_password", "expires": "2090-01-01T00:00:00Z"});
    let late = app.admin("POST", P, late).await.expect(400);
    assert!(late["expires"][0].as_str().unwrap().starts_with("Token expires exceeds maximum lifetime (20"));
    let patched = app.admin("PATCH", "core/tokens/t1/", json!({"intent": "app_password"})).await.expect(200);
    assert_eq!(patched["intent"], "app_password");
    let kept = app.admin("PATCH", "core/tokens/t1/", json!({"description": "new"})).await.expect(200);
    assert_eq!(kept["intent"], "app_password", "a description does not turn a password into an API token");
    let renamed = app.admin("PUT", "core/tokens/t1/", json!({"identifier": "t1b"})).await.expect(200);
    assert_eq!((&renamed["intent"], &renamed["description"]), (&json!("api"), &json!("new")));
    let found = app.admin("GET", "core/tokens/?intent=api&user__username=akadmin", Value::Null).await.expect(200);
    assert_eq!(found["pagination"]["count"], 2);
    assert_eq!(app.admin("GET", "core/tokens/?managed=zz", Value::Null).await.expect(200)["results"], json!([]));
    app.admin("DELETE", "core/tokens/t1b/", Value::Null).await.expect(204);
}

async fn keys(app: App) {
    app.admin("POST", P, json!({"identifier": "t"})).await.expect(201);
    let key = app.admin("GET", "core/tokens/t/view_key/", Value::Null).await.expect(200)["key"].clone();
    assert_eq!(key.as_str().unwrap().len(), 60);
    app.call(key.as_str().unwrap(), "GET", "core/users/me/", Value::Null).await.expect(200);
    app.admin("POST", "core/tokens/t/set_key/", json!({"key": "another-key-12345"})).await.expect(204);
    let key = app.admin("GET", "core/tokens/t/view_key/", Value::Null).await.expect(200);
    assert_eq!(key, json!({"key": "another-key-12345"}));
    app.call("another-key-12345", "GET", "core/users/me/", Value::Null).await.expect(200);
    let none = app.admin("POST", "core/tokens/t/set_key/", json!({})).await.expect(400);
    assert_eq!(none, json!({"key": ["This field is required."]}));
    let blank = app.admin("POST", "core/tokens/t/set_key/", json!({"key": ""})).await.expect(400);
    assert_eq!(blank, json!({"key": ["This field may not be blank."]}));
    app.admin("POST", "core/tokens/t/set_key/", json!({"key": crate::app::ADMIN})).await.expect(400);
    let missing = app.admin("GET", "core/tokens/nope/view_key/", Value::Null).await.expect(404);
    assert_eq!(missing["detail"], "No Token matches the given query.");
    assert_eq!(app.events("secret_view").await.len(), 2);
    assert_eq!(app.events("secret_rotate").await.len(), 1);
    let all = app.api.store.database().query("SELECT key_sealed, key_hash FROM tokens", vec![]).await.unwrap();
    for row in all {
        assert!(!row.text("key_sealed").unwrap().contains("another-key"));
        assert_ne!(row.text("key_hash").unwrap(), "another-key-12345");
    }
}

async fn expiry(app: App) {
    app.admin("POST", P, json!({"identifier": "t"})).await.expect(201);
    app.admin("POST", "core/tokens/t/set_key/", json!({"key": "soon-over-12345"})).await.expect(204);
    app.later(29 * 60);
    app.call("soon-over-12345", "GET", "core/users/me/", Value::Null).await.expect(200);
    app.later(2 * 60);
    let over = app.call("soon-over-12345", "GET", "core/users/me/", Value::Null).await.expect(403);
    assert_eq!(over["detail"], "Token invalid/expired");
    app.admin("GET", "core/tokens/t/view_key/", Value::Null).await.expect(404);
}
