//! Groups that a source tells of.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::provider::{Provider, event, sign_in, who};
use crate::app::App;

async fn forge(mode: &str) -> (App, Provider) {
    let app = App::start().await;
    let provider = Provider::start().await;
    provider.source(&app, "openidconnect", json!({"group_matching_mode": mode})).await;
    (app, provider)
}

/// Signs in as Ada, who is in these groups there; the groups that she is in here.
async fn with_groups(app: &App, provider: &Provider, groups: Value) -> Result<BTreeSet<String>, String> {
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada", "groups": groups}));
    let mut client = app.anonymous();
    let page = sign_in(&mut client).await;
    if page.status != 302 && page.status != 303 {
        return Err(page.text);
    }
    assert_eq!(who(&mut client).await, "ada");
    let found = app.admin().get("/api/v3/core/users/?username=ada").await.expect(200);
    let groups = found["results"][0]["groups_obj"].as_array().unwrap().clone();
    Ok(groups.iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect())
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn they_come_and_go_and_others_stay() {
    let (app, provider) = forge("identifier").await;
    assert_eq!(with_groups(&app, &provider, json!(["smiths", "miners"])).await, Ok(set(&["smiths", "miners"])));
    let mut admin = app.admin();
    let own = admin.post("/api/v3/core/groups/", json!({"name": "own"})).await.expect(201);
    let user = admin.get("/api/v3/core/users/?username=ada").await.expect(200)["results"][0]["pk"].clone();
    let path = format!("/api/v3/core/groups/{}/add_user/", own["pk"].as_str().unwrap());
    admin.post(&path, json!({"pk": user})).await.expect(204);
    assert_eq!(with_groups(&app, &provider, json!(["smiths", "elders"])).await, Ok(set(&["smiths", "elders", "own"])));
    assert_eq!(with_groups(&app, &provider, json!([])).await, Ok(set(&["own"])));
    assert_eq!(with_groups(&app, &provider, json!("no list")).await, Ok(set(&["own"])));
    let connected = admin.get("/api/v3/sources/group_connections/oauth/").await.expect(200);
    assert_eq!(connected["results"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_name_links_or_is_refused() {
    let (app, provider) = forge("name_link").await;
    let group = app.admin().post("/api/v3/core/groups/", json!({"name": "smiths"})).await.expect(201);
    assert_eq!(with_groups(&app, &provider, json!(["smiths"])).await, Ok(set(&["smiths"])));
    let path = format!("/api/v3/core/groups/{}/", group["pk"].as_str().unwrap());
    assert_eq!(app.admin().get(&path).await.expect(200)["users"].as_array().unwrap().len(), 1);

    for mode in ["name_deny", "identifier"] {
        let (app, provider) = forge(mode).await;
        app.admin().post("/api/v3/core/groups/", json!({"name": "smiths"})).await.expect(201);
        let said = with_groups(&app, &provider, json!(["smiths"])).await.unwrap_err();
        assert!(said.contains("Failed to update groups"), "{said}");
    }
}

#[tokio::test]
async fn mappings_name_them() {
    let (app, provider) = forge("identifier").await;
    let mut admin = app.admin();
    let body = json!({
        "name": "group", "expression": "return {\"name\": \"forge: \" + group_id, \"attributes\": {\"from\": source.slug}}",
    });
    let mapping = admin.post("/api/v3/propertymappings/source/oauth/", body).await.expect(201);
    let body = json!({"group_property_mappings": [mapping["pk"]]});
    admin.patch("/api/v3/sources/oauth/forge/", body).await.expect(200);
    assert_eq!(with_groups(&app, &provider, json!(["smiths"])).await, Ok(set(&["forge: smiths"])));
    let found = admin.get("/api/v3/core/groups/?search=smiths").await.expect(200);
    assert_eq!(found["results"][0]["attributes"], json!({"from": "forge"}));
}

/// CVE-2026-40172, and the like: every path to a membership is checked. No source makes superusers, or gives roles.
#[tokio::test]
async fn cve_2026_40172_no_source_gives_what_is_more_than_membership() {
    let (app, provider) = forge("name_link").await;
    let mut admin = app.admin();
    let role = admin.post("/api/v3/rbac/roles/", json!({"name": "clerks"})).await.expect(201);
    let above = admin.post("/api/v3/core/groups/", json!({"name": "above", "is_superuser": true})).await.expect(201);
    for body in [
        json!({"name": "admins", "is_superuser": true}),
        json!({"name": "below", "parents": [above["pk"]]}),
        json!({"name": "clerks", "roles": [role["pk"]]}),
    ] {
        admin.post("/api/v3/core/groups/", body).await.expect(201);
    }
    let said = json!(["admins", "below", "clerks", "authentik Admins", "smiths"]);
    assert_eq!(with_groups(&app, &provider, said).await, Ok(set(&["smiths"])));
    let event = event(&app, "configuration_error").await;
    assert!(event["context"]["message"].as_str().unwrap().contains("no source gives it"), "{event}");
    // A mapping makes none either.
    let body = json!({"name": "all", "expression": "return {\"is_superuser\": True, \"parents\": [], \"users\": []}"});
    let mapping = admin.post("/api/v3/propertymappings/source/oauth/", body).await.expect(201);
    let body = json!({"group_property_mappings": [mapping["pk"]]});
    admin.patch("/api/v3/sources/oauth/forge/", body).await.expect(200);
    assert_eq!(with_groups(&app, &provider, json!(["fresh"])).await, Ok(set(&["fresh"])));
    let found = admin.get("/api/v3/core/users/?username=ada").await.expect(200);
    assert_eq!(found["results"][0]["is_superuser"], false);
}
