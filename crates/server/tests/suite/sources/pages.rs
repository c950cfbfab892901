//! What login pages show of sources, and where an e-mail address leads.

use serde_json::{Value, json};

use super::provider::{Provider, read};
use crate::app::App;

const EXECUTOR: &str = "/api/v3/flows/executor/default-authentication-flow/?query=";
const PAGE: &str = "/if/flow/default-authentication-flow/";
const DOMAINS: &str = "/api/vestibule/v1/source_domains/";

/// The identification stage of the login that comes with the server shows these sources; with these settings besides.
async fn shows(app: &App, sources: &[&Value], more: Value) {
    let mut admin = app.admin();
    let found =
        admin.get("/api/v3/stages/identification/?name=default-authentication-identification").await.expect(200);
    let keys: Vec<&Value> = sources.iter().map(|source| &source["pk"]).collect();
    let mut body = json!({"sources": keys, "user_fields": ["username", "email"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/v3/stages/identification/{}/", found["results"][0]["pk"].as_str().unwrap());
    admin.patch(&path, body).await.expect(200);
}

async fn two_sources() -> (App, Provider, Value, Value) {
    let app = App::start().await;
    let provider = Provider::start().await;
    let forge = provider.source(&app, "openidconnect", json!({})).await;
    let hub = json!({"name": "A hub", "slug": "hub", "promoted": true, "icon": "/media/public/hub.png"});
    let hub = provider.source(&app, "github", hub).await;
    (app, provider, forge, hub)
}

#[tokio::test]
async fn buttons_stand_in_the_order_that_the_stage_names() {
    let (app, _, forge, hub) = two_sources().await;
    shows(&app, &[&forge, &hub], json!({"show_source_labels": true})).await;
    let asked = app.anonymous().get(EXECUTOR).await.expect(200);
    let expected = json!([
        {"name": "Forge", "icon_url": "/static/authentik/sources/openidconnect.svg", "promoted": false,
         "challenge": {"component": "xak-flow-redirect", "to": "/source/oauth/login/forge/"}},
        {"name": "A hub", "icon_url": "/media/public/hub.png", "promoted": true,
         "challenge": {"component": "xak-flow-redirect", "to": "/source/oauth/login/hub/"}},
    ]);
    assert_eq!((&asked["sources"], &asked["show_source_labels"]), (&expected, &json!(true)));
    shows(&app, &[&hub, &forge], json!({})).await;
    let asked = app.anonymous().get(EXECUTOR).await.expect(200);
    assert_eq!((&asked["sources"][0]["name"], &asked["sources"][1]["name"]), (&json!("A hub"), &json!("Forge")));
    let icon = app.anonymous().get("/static/authentik/sources/openidconnect.svg").await;
    assert_eq!((icon.status.as_u16(), icon.headers["content-type"].to_str().unwrap()), (200, "image/svg+xml"));
    // One that is off is not there.
    app.admin().patch("/api/v3/sources/oauth/hub/", json!({"enabled": false})).await.expect(200);
    let asked = app.anonymous().get(EXECUTOR).await.expect(200);
    assert_eq!(asked["sources"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn where_they_wanted_to_go_comes_along() {
    let (app, _, forge, _) = two_sources().await;
    shows(&app, &[&forge], json!({})).await;
    let page = read(&app.anonymous().get(&format!("{PAGE}?next=%2Fif%2Fuser%2F")).await.text);
    assert!(page.contains("/source/oauth/login/forge/?next=%2Fif%2Fuser%2F"), "{page}");
}

#[tokio::test]
async fn one_source_and_no_field_leads_there_at_once_and_lets_them_back() {
    let (app, _, forge, hub) = two_sources().await;
    let leads = |page: &str| page.contains("http-equiv=\"refresh\"");
    shows(&app, &[&forge], json!({"user_fields": []})).await;
    let mut client = app.anonymous();
    let page = read(&client.get(PAGE).await.text);
    assert!(leads(&page) && page.contains("content=\"0;url=/source/oauth/login/forge/\""), "{page}");
    client.get("/source/oauth/login/forge/").await;
    // The source was no help: they are back, and choose.
    let page = read(&client.get(PAGE).await.text);
    assert!(!leads(&page) && page.contains("href=\"/source/oauth/login/forge/\""), "{page}");
    app.later(601);
    assert!(leads(&client.get(PAGE).await.text));
    // Where there is something to choose, nobody is led anywhere.
    shows(&app, &[&forge, &hub], json!({"user_fields": []})).await;
    assert!(!leads(&app.anonymous().get(PAGE).await.text));
    shows(&app, &[&forge], json!({})).await;
    assert!(!leads(&app.anonymous().get(PAGE).await.text));
}

#[tokio::test]
async fn an_address_leads_to_its_source() {
    let (app, _, forge, hub) = two_sources().await;
    shows(&app, &[&forge], json!({})).await;
    let mut admin = app.admin();
    for (domain, source) in [("example.com", &forge), ("hub.example", &hub)] {
        admin.post(DOMAINS, json!({"domain": domain, "source": source["pk"]})).await.expect(201);
    }
    let mut client = app.anonymous();
    let mut typed = async |name: &str| {
        client.cookies.clear();
        client.get(EXECUTOR).await;
        let body = json!({"component": "ak-stage-identification", "uid_field": name});
        client.post(EXECUTOR, body).await
    };
    for name in ["ada@example.com", "ada@EXAMPLE.com", "a@b@example.com"] {
        let answer = typed(name).await.expect(200);
        let hint = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        let to = format!("/source/oauth/login/forge/?login_hint={hint}");
        assert_eq!(answer, json!({"component": "xak-flow-redirect", "to": to}), "{name}");
    }
    // A source that the stage does not show, other domains, and no address: as ever.
    for name in ["ada@hub.example", "ada@sub.example.com", "example.com", "ada"] {
        assert_ne!(typed(name).await.json()["component"], "xak-flow-redirect", "{name}");
    }
    // As a page: a form may not lead to another host, a page of its own does.
    let mut browser = app.anonymous();
    browser.get(PAGE).await;
    let form = [("component", "ak-stage-identification"), ("uid_field", "ada@example.com")];
    let page = read(&browser.form(PAGE, &form).await.text);
    assert!(page.contains("/source/oauth/login/forge/?login_hint=ada%40example.com"), "{page}");
}

#[tokio::test]
async fn a_domain_belongs_to_one_source_and_goes_with_it() {
    let (app, _, forge, hub) = two_sources().await;
    let mut admin = app.admin();
    let made = admin.post(DOMAINS, json!({"domain": "example.com", "source": forge["pk"]})).await.expect(201);
    let taken = admin.post(DOMAINS, json!({"domain": "example.com", "source": hub["pk"]})).await.expect(400);
    assert_eq!(taken, json!({"domain": ["This domain belongs to a source already."]}));
    for wrong in ["Example.com", "@example.com", "a b", ""] {
        let refused = admin.post(DOMAINS, json!({"domain": wrong, "source": forge["pk"]})).await.expect(400);
        assert!(refused["domain"].is_array(), "{wrong}: {refused}");
    }
    app.anonymous().get(DOMAINS).await.expect(403);
    admin.delete("/api/v3/sources/oauth/forge/").await.expect(204);
    admin.get(&format!("{DOMAINS}{}/", made["pk"].as_str().unwrap())).await.expect(404);
}
