//! Applications that register themselves (RFC 7591).

use serde_json::{Value, json};

use super::{Site, parameters, query, signed_in};
use crate::app::App;

const PATH: &str = "/application/o/template/register/";

async fn set_up(app: &App, more: Value) -> Value {
    let site = Site::new(app, "template", json!({})).await;
    let mut body = json!({"provider": site.provider, "default_application_group": "Registered"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.admin().post("/api/v3/providers/oauth2-dcr/", body).await.expect(201)
}

#[tokio::test]
async fn an_application_registers_and_signs_people_in() {
    let app = App::start().await;
    let asked = json!({"client_name": "Notes", "redirect_uris": ["https://notes.example/cb"], "grant_types": ["authorization_code", "refresh_token"]});
    assert_eq!(app.anonymous().post(PATH, asked.clone()).await.status, 404, "nobody has set it up");
    set_up(&app, json!({})).await;
    let urls = app.anonymous().get("/application/o/template/.well-known/openid-configuration").await.expect(200);
    assert_eq!(urls["registration_endpoint"], format!("http://localhost{PATH}"));
    let made = app.anonymous().post(PATH, asked).await.expect(201);
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    assert_eq!(
        (&made["client_secret_expires_at"], &made["token_endpoint_auth_method"]),
        (&json!(0), &json!("client_secret_basic"))
    );
    let (_, mut client) = signed_in(&app, "alice").await;
    let pairs = [
        ("client_id", id),
        ("response_type", "code"),
        ("redirect_uri", "https://notes.example/cb"),
        ("scope", "openid"),
    ];
    let back = client.get(&format!("/application/o/authorize/?{}", query(&pairs))).await;
    let code = parameters(back.location())["code"].clone();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", "https://notes.example/cb"),
        ("client_id", id),
        ("client_secret", secret),
    ];
    let form = query(&pairs).into_bytes();
    let path = "/application/o/token/";
    let answer = app.anonymous().send(http::Method::POST, path, Some("application/x-www-form-urlencoded"), form).await;
    assert!(answer.expect(200)["id_token"].is_string());
    let list = app.admin().get("/api/v3/core/applications/?group=Registered").await.expect(200);
    assert_eq!(list["pagination"]["count"], 1);
}

#[tokio::test]
async fn what_is_not_allowed_is_not_registered() {
    let app = App::start().await;
    let dcr = set_up(&app, json!({})).await;
    let address = ["https://a.example/cb"];
    for (asked, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://a.example/cb"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": "https://a.example/cb"}), "invalid_client_metadata"),
        (json!({"redirect_uris": [1]}), "invalid_client_metadata"),
        (json!({"redirect_uris": address, "grant_types": ["client_credentials"]}), "invalid_client_metadata"),
        (json!({"redirect_uris": address, "response_types": ["id_token"]}), "invalid_client_metadata"),
        (json!({"redirect_uris": address, "token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata"),
        (json!({"redirect_uris": address, "backchannel_logout_uri": "file:///etc/passwd"}), "invalid_client_metadata"),
    ] {
        let answer = app.anonymous().post(PATH, asked.clone()).await;
        assert_eq!(answer.expect(400)["error"], error, "{asked}");
    }
    assert_eq!(app.anonymous().post(PATH, json!([1])).await.expect(400)["error"], "invalid_client_metadata");
    assert_eq!(
        app.number("SELECT count(*) AS n FROM configuration WHERE kind = 'authentik_core.application'", vec![]).await,
        1
    );
    // Whom an administrator lets in, and nobody else.
    let (pk, mut bob) = app.clerk("bob").await;
    let body = json!({"target": dcr["pbm_uuid"], "user": pk, "order": 0});
    app.admin().post("/api/v3/policies/bindings/", body).await.expect(201);
    let good = json!({"redirect_uris": address, "token_endpoint_auth_method": "none"});
    assert_eq!(app.anonymous().post(PATH, good.clone()).await.expect(403)["error"], "access_denied");
    let made = bob.post(PATH, good).await.expect(201);
    assert!(made.get("client_secret").is_none());
}
