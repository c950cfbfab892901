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

#[tokio::test]
async fn what_registers_is_made_as_the_administrator_and_the_application_say() {
    let app = App::start().await;
    let mut admin = app.admin();
    let flow = |slug: &str| format!("/api/v3/flows/instances/{slug}/");
    let consent = admin.get(&flow("default-provider-authorization-explicit-consent")).await.expect(200)["pk"].clone();
    let leave = admin.get(&flow("default-invalidation-flow")).await.expect(200)["pk"].clone();
    let scopes = admin.get("/api/v3/propertymappings/provider/scope/?scope_name=openid").await.expect(200);
    let openid = scopes["results"][0]["pk"].clone();
    let key = super::key_pair(&app, "oidc", "ecdsa").await;
    let settings = json!({
        "override_authorization_flow": consent, "override_invalidation_flow": leave,
        "override_property_mappings": [openid], "access_token_validity": "minutes=7", "refresh_token_validity": "days=3",
    });
    set_up(&app, settings).await;
    let template = admin.get("/api/v3/providers/oauth2/?name=template").await.expect(200)["results"][0]["pk"].clone();
    admin.patch(&format!("/api/v3/providers/oauth2/{template}/"), json!({"signing_key": key})).await.expect(200);
    let asked = json!({
        "client_name": "Notes", "redirect_uris": ["https://notes.example/cb"],
        "post_logout_redirect_uris": ["https://notes.example/bye"], "token_endpoint_auth_method": "none",
        "backchannel_logout_uri": "https://notes.example/logout",
    });
    let made = app.anonymous().post(PATH, asked).await.expect(201);
    assert_eq!(made["post_logout_redirect_uris"], json!(["https://notes.example/bye"]));
    let path = format!("/api/v3/providers/oauth2/?client_id={}", made["client_id"].as_str().unwrap());
    let provider = admin.get(&path).await.expect(200)["results"][0].clone();
    for (name, value) in [
        ("client_type", json!("public")),
        ("authorization_flow", consent),
        ("invalidation_flow", leave),
        ("property_mappings", json!([openid])),
        ("access_token_validity", json!("minutes=7")),
        ("refresh_token_validity", json!("days=3")),
        ("signing_key", key),
        ("logout_uri", json!("https://notes.example/logout")),
        ("logout_method", json!("backchannel")),
        ("grant_types", json!(["authorization_code"])),
        (
            "redirect_uris",
            json!([
                {"matching_mode": "strict", "url": "https://notes.example/cb", "redirect_uri_type": "authorization"},
                {"matching_mode": "strict", "url": "https://notes.example/bye", "redirect_uri_type": "logout"},
            ]),
        ),
    ] {
        assert_eq!(provider[name], value, "{name}");
    }
    let many: Vec<String> = (0..21).map(|number| format!("https://notes.example/{number}")).collect();
    let refused = app.anonymous().post(PATH, json!({"redirect_uris": many})).await;
    assert_eq!(refused.expect(400)["error"], "invalid_client_metadata");
}

#[tokio::test]
async fn whoever_registers_again_and_again_is_slowed_down() {
    let app = App::over(vestibule_testkit::TestDatabase::new().await, &[("rate_limit", "on")]).await;
    set_up(&app, json!({})).await;
    let mut last = 0;
    for _ in 0..130 {
        last = app.anonymous().post(PATH, json!({})).await.status.as_u16();
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
}
