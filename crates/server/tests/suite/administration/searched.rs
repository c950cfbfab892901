//! Lists that are narrowed by more than their own objects' texts, and what they call what they show.

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;

const SCOPES: &str = "/api/v3/propertymappings/provider/scope/";
const PROVIDERS: &str = "/api/v3/providers/oauth2/";

/// Names of a list's results.
async fn names(admin: &mut Client, path: &str) -> Vec<String> {
    let listed = admin.get(path).await.expect(200);
    listed["results"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// A new provider; its key.
async fn provider(admin: &mut Client, name: &str, more: Value) -> i64 {
    let mut flow =
        async |slug: &str| admin.get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let mut body = json!({
        "name": name, "redirect_uris": [],
        "authorization_flow": flow("default-provider-authorization-implicit-consent").await,
        "invalidation_flow": flow("default-provider-invalidation-flow").await,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.post(PROVIDERS, body).await.expect(201)["pk"].as_i64().unwrap()
}

#[tokio::test]
async fn providers_are_found_by_their_application() {
    let app = App::start().await;
    let mut admin = app.admin();
    let one = provider(&mut admin, "first", json!({})).await;
    provider(&mut admin, "second", json!({})).await;
    let body = json!({"name": "Payroll", "slug": "pay", "provider": one});
    admin.post("/api/v3/core/applications/", body).await.expect(201);
    assert_eq!(names(&mut admin, "/api/v3/providers/all/?search=payROLL").await, ["first"]);
    assert_eq!(names(&mut admin, "/api/v3/providers/all/?search=second").await, ["second"]);
}

#[tokio::test]
async fn a_list_of_keys_asks_for_any_of_them() {
    let app = App::start().await;
    let mut admin = app.admin();
    let mut scopes = Vec::new();
    for name in ["x", "y", "z"] {
        let body = json!({"name": name, "scope_name": name, "expression": "return {}"});
        scopes.push(admin.post(SCOPES, body).await.expect(201)["pk"].as_str().unwrap().to_owned());
    }
    provider(&mut admin, "one", json!({"property_mappings": [scopes[0]]})).await;
    provider(&mut admin, "two", json!({"property_mappings": [scopes[1]]})).await;
    let path = |keys: &[&String]| {
        let keys: Vec<_> = keys.iter().map(|key| format!("property_mappings={key}")).collect();
        format!("{PROVIDERS}?{}", keys.join("&"))
    };
    assert_eq!(names(&mut admin, &path(&[&scopes[0], &scopes[1]])).await, ["one", "two"]);
    assert_eq!(names(&mut admin, &path(&[&scopes[0], &scopes[2]])).await, ["one"]);
    assert_eq!(names(&mut admin, &path(&[&scopes[2]])).await, [""; 0]);
}

#[tokio::test]
async fn scopes_have_names_without_blanks_and_come_by_them() {
    let app = App::start().await;
    let mut admin = app.admin();
    let body = |name: &str, scope: &str| json!({"name": name, "scope_name": scope, "expression": "return {}"});
    let wrong = admin.post(SCOPES, body("wrong", "two words")).await.expect(400);
    assert_eq!(wrong, json!({"scope_name": ["Value must not contain spaces."]}));
    let last = admin.post(SCOPES, body("a last", "zz_second")).await.expect(201);
    let path = format!("{SCOPES}{}/", last["pk"].as_str().unwrap());
    let open = admin.patch(&path, json!({"expression": "return ("})).await.expect(400);
    let message = "Expression Syntax Error: '(' was never closed (a last, line 2)";
    assert_eq!(open, json!({"expression": [message]}));
    let policy = json!({"name": "p", "expression": "(("});
    let open = admin.post("/api/v3/policies/expression/", policy).await.expect(400);
    let message = "Expression Syntax Error: '(' was never closed (temp-policy, line 2)";
    assert_eq!(open, json!({"expression": [message]}));
    admin.post(SCOPES, body("b first", "zz_first")).await.expect(201);
    assert_eq!(names(&mut admin, &format!("{SCOPES}?search=zz_")).await, ["b first", "a last"]);
    assert_eq!(names(&mut admin, &format!("{SCOPES}?managed__isnull=true")).await, ["b first", "a last"]);
    let managed = "goauthentik.io%2Fproviders%2Foauth2%2Fscope-openid";
    assert_eq!(names(&mut admin, &format!("{SCOPES}?managed={managed}")).await.len(), 1);
    for path in [SCOPES, "/api/v3/propertymappings/all/"] {
        let unknown = admin.get(&format!("{path}?managed={managed}&managed=nobody")).await.expect(400);
        let message = "Select a valid choice. nobody is not one of the available choices.";
        assert_eq!(unknown, json!({"managed": [message]}), "{path}");
    }
}

#[tokio::test]
async fn an_outpost_serves_providers_of_its_type() {
    let app = App::start().await;
    let mut admin = app.admin();
    let pk = provider(&mut admin, "speaks OAuth", json!({})).await;
    let body = json!({"name": "o", "type": "proxy", "providers": [pk], "config": {}});
    let wrong = admin.post("/api/v3/outposts/instances/", body).await.expect(400);
    let message = "Outpost type proxy can't be used with OAuth2Provider providers.";
    assert_eq!(wrong, json!({"providers": [message]}));
}

/// `used_by` and lists of permissions call things what authentik calls them.
#[tokio::test]
async fn what_uses_something_has_its_full_name() {
    let app = App::start().await;
    let mut admin = app.admin();
    let made = json!({"common_name": "pair", "validity_days": 5, "alg": "ecdsa"});
    let pair = admin.post("/api/v3/crypto/certificatekeypairs/generate/", made).await.expect(200)["pk"].clone();
    provider(&mut admin, "p", json!({"signing_key": pair})).await;
    let hook = json!({"name": "t", "mode": "webhook", "webhook_url": "https://x.example", "webhook_ca": pair});
    admin.post("/api/v3/events/transports/", hook).await.expect(201);
    let docker = json!({"name": "d", "url": "unix:///x", "tls_verification": pair});
    admin.post("/api/v3/outposts/service_connections/docker/", docker).await.expect(201);
    let path = format!("/api/v3/crypto/certificatekeypairs/{}/used_by/", pair.as_str().unwrap());
    let used = admin.get(&path).await.expect(200);
    let told: Vec<_> = used.as_array().unwrap().iter().map(|one| (&one["name"], &one["action"])).collect();
    let expected = [
        (&json!("Notification Transport t"), &json!("set_default")),
        (&json!("Docker Service-Connection d"), &json!("set_default")),
        (&json!("OAuth2 Provider p"), &json!("set_null")),
    ];
    assert_eq!(told, expected);
}

/// Rules are found by the group that they tell, brands by their certificates.
#[tokio::test]
async fn objects_are_found_by_what_they_refer_to() {
    let app = App::start().await;
    let mut admin = app.admin();
    let group = admin.post("/api/v3/core/groups/", json!({"name": "Night_watch"})).await.expect(201)["pk"].clone();
    for (name, group) in [("one", group), ("two", Value::Null)] {
        admin.post("/api/v3/events/rules/", json!({"name": name, "destination_group": group})).await.expect(201);
    }
    for (search, expected) in [
        ("nIGHT_", vec!["one"]),
        ("night one", vec!["one"]),
        ("night two", vec![]),
        ("nightXwatch", vec![]),
        ("two", vec!["two"]),
    ] {
        let path = format!("/api/v3/events/rules/?search={}", search.replace(' ', "%20"));
        assert_eq!(names(&mut admin, &path).await, expected, "{search}");
    }
    let body = json!({"common_name": "Clients of the night", "validity_days": 30});
    let pair = admin.post("/api/v3/crypto/certificatekeypairs/generate/", body).await.expect(200)["pk"].clone();
    let body = json!({"domain": "night.example", "client_certificates": [pair]});
    admin.post("/api/v3/core/brands/", body).await.expect(201);
    let found = admin.get("/api/v3/core/brands/?search=CLIENTS").await.expect(200);
    assert_eq!((&found["pagination"]["count"], &found["results"][0]["domain"]), (&json!(1), &json!("night.example")));
}
