//! Devices without a browser.

use serde_json::{Value, json};

use super::{Site, alice, signed_in};
use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

/// The flow in which codes are typed, set for the default brand.
pub(super) async fn device_flow(app: &App) {
    let mut admin = app.admin();
    let body = json!({"name": "Devices", "slug": "devices", "title": "Devices", "designation": "stage_configuration"});
    let flow = admin.post("/api/v3/flows/instances/", body).await.expect(201)["pk"].clone();
    let brand = admin.get("/api/v3/core/brands/").await.expect(200)["results"][0]["brand_uuid"].clone();
    let path = format!("/api/v3/core/brands/{}/", brand.as_str().unwrap());
    admin.patch(&path, json!({"flow_device_code": flow})).await.expect(200);
}

pub(super) async fn begin(site: &Site<'_>) -> Value {
    site.post("/application/o/device/", &[("client_id", site.id), ("scope", "openid offline_access admin")])
        .await
        .expect(200)
}

pub(super) async fn poll(site: &Site<'_>, begun: &Value) -> vestibule_testkit::Answer {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let code = begun["device_code"].as_str().unwrap();
    site.post("/application/o/token/", &[("client_id", site.id), ("grant_type", grant), ("device_code", code)]).await
}

#[tokio::test]
async fn a_device_gets_tokens_once_somebody_has_typed_its_code() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    device_flow(&app).await;
    let site = Site::new(&app, "tv", json!({"client_type": "public"})).await;
    let begun = begin(&site).await;
    assert_eq!((&begun["interval"], &begun["expires_in"]), (&json!(5), &json!(60)));
    let user_code = begun["user_code"].as_str().unwrap();
    assert_eq!(begun["verification_uri_complete"], format!("http://localhost/device?code={user_code}"));
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "authorization_pending");
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "slow_down");
    assert!(app.anonymous().get("/device").await.location().starts_with("/if/flow/default-authentication-flow/?next="));
    let to = client.get("/device").await.location().to_owned();
    assert_eq!(to, "/if/flow/devices/");
    let path = executor("devices", "");
    assert_eq!(client.get(&path).await.expect(200)["component"], "ak-provider-oauth2-device-code");
    let mut typing = client.clone().with_header("sec-fetch-site", "same-origin");
    let wrong = typing.post(&path, json!({"code": "000"})).await.expect(200);
    assert_eq!(wrong["response_errors"]["code"][0]["string"], "Invalid code");
    let right =
        typing.post(&path, json!({"component": "ak-provider-oauth2-device-code", "code": user_code})).await.expect(200);
    let to = right["to"].as_str().unwrap();
    let flow = client.get(to).await.location().to_owned();
    assert!(flow.starts_with("/if/flow/default-provider-authorization-implicit-consent/"), "{flow}");
    let page = client.get(&flow).await;
    assert!(page.text.contains("Your device is connected"), "{}", page.text);
    app.later(5);
    let tokens = poll(&site, &begun).await.expect(200);
    assert_eq!((&tokens["scope"], tokens["refresh_token"].is_string()), (&json!("openid offline_access"), true));
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "invalid_grant");
    // What was allowed is nobody else's to allow.
    assert_eq!(client.get(&format!("/device?code={user_code}")).await.location(), "/if/flow/devices/");
}

#[tokio::test]
async fn a_code_ends_and_is_for_those_who_may_open_the_application() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let other = app.user("bob", "").await;
    assert_eq!(client.get("/device").await.status, 404, "no flow for devices");
    device_flow(&app).await;
    let site = Site::new(&app, "tv", json!({"client_type": "public"})).await;
    let begun = begin(&site).await;
    app.later(61);
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "expired_token");
    // CVE-2024-38371.
    let begun = begin(&site).await;
    site.only_for(other).await;
    let path = format!("/device?code={}", begun["user_code"].as_str().unwrap());
    assert_eq!(client.get(&path).await.location(), "/if/flow/devices/");
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "authorization_pending");
    let unknown = site.post("/application/o/device/", &[("client_id", "nobody")]).await;
    assert_eq!(unknown.expect(400)["error"], "invalid_client");
    site.set(json!({"grant_types": ["authorization_code"]})).await;
    let refused = site.post("/application/o/device/", &[("client_id", "tv")]).await;
    assert_eq!(refused.expect(400)["error"], "unauthorized_client");
}

#[tokio::test]
async fn a_code_is_of_one_device_and_of_one_time() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    device_flow(&app).await;
    let site = Site::new(&app, "tv", json!({})).await;
    let other = Site::new(&app, "radio", json!({})).await;
    let begun = begin(&site).await;
    // Another client does not get what was meant for this one, and whoever brings a wrong secret is another.
    assert_eq!(poll(&other, &begun).await.expect(400)["error"], "invalid_grant");
    let wrong = [("client_id", "tv"), ("client_secret", "wrong")];
    assert_eq!(site.post("/application/o/device/", &wrong).await.expect(400)["error"], "invalid_client");
    let wrong = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", begun["device_code"].as_str().unwrap()),
        ("client_id", "tv"),
        ("client_secret", "wrong"),
    ];
    assert_eq!(site.post("/application/o/token/", &wrong).await.expect(400)["error"], "invalid_client");
    let path = format!("/device?code={}", begun["user_code"].as_str().unwrap());
    let flow = client.get(&path).await.location().to_owned();
    assert!(client.get(&flow).await.text.contains("Your device is connected"));
    // What was allowed is nobody else's to allow, though the device has not asked yet.
    let (_, mut bob) = signed_in(&app, "bob").await;
    assert_eq!(bob.get(&path).await.location(), "/if/flow/devices/");
    let list = app.admin().get("/api/v3/events/events/?action=authorize_application").await.expect(200);
    let event = &list["results"][0];
    assert_eq!(
        (&event["user"]["username"], &event["context"]["authorized_application"]["name"]),
        (&json!("alice"), &json!("tv"))
    );
    // A code that has ended is none; the address with it in it leads to where one is typed.
    let late = begin(&site).await;
    app.later(61);
    let path = format!("/device?code={}", late["user_code"].as_str().unwrap());
    assert_eq!(client.get(&path).await.location(), "/if/flow/devices/");
}

#[tokio::test]
async fn whoever_guesses_codes_is_slowed_down() {
    let app = App::over(vestibule_testkit::TestDatabase::new().await, &[("rate_limit", "on")]).await;
    let (_, mut client) = alice(&app).await;
    device_flow(&app).await;
    let mut last = 0;
    for _ in 0..130 {
        last = client.get("/device?code=123456789").await.status.as_u16();
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
}

/// Whoever signs in while somebody else is asked whether a device may connects it to nobody's account.
#[tokio::test]
async fn a_device_is_allowed_by_whoever_was_asked() {
    let app = App::start().await;
    let (_, client) = alice(&app).await;
    app.user("bob", PASSWORD).await;
    device_flow(&app).await;
    let slug = "default-provider-authorization-explicit-consent";
    let flow = app.admin().get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let site = Site::new(&app, "tv", json!({"authorization_flow": flow})).await;
    let begun = begin(&site).await;
    let mut browser = client.with_header("sec-fetch-site", "same-origin");
    browser.get(&format!("/device?code={}", begun["user_code"].as_str().unwrap())).await;
    let path = executor(slug, "");
    let asked = browser.get(&path).await.expect(200);
    assert_eq!(asked["component"], "ak-stage-consent");
    login(&mut browser, "bob", PASSWORD, "").await;
    browser.post(&path, json!({"component": "ak-stage-consent", "token": asked["token"]})).await;
    browser.get(&path).await;
    assert_eq!(poll(&site, &begun).await.expect(400)["error"], "authorization_pending");
}
