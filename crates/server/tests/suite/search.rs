//! The language of searches over users, groups and events, on whichever database the tests run.

use serde_json::{Value, json};

use crate::app::App;

/// The names that a search finds.
async fn found(app: &App, path: &str, name: &str, search: &str) -> Vec<String> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
    let page = app.admin().get(&format!("/api/v3/{path}/?page_size=100&{query}")).await.expect(200);
    let names = page["results"].as_array().unwrap().iter().map(|object| object[name].as_str().unwrap().to_owned());
    names.filter(|name| name != "akadmin" && !name.starts_with("ak-") && !name.starts_with("authentik")).collect()
}

async fn people(app: &App) {
    for (username, name, attributes) in [
        ("ann", "Änn Ü", json!({"team": "Red", "level": 5, "deep": {"er": {"x": "y"}}, "on": true, "gone": null})),
        ("bob", "Bob", json!({"team": "red sea", "level": 12, "on": false})),
        ("cid", "Cid 100%", json!({"team": "blue", "level": "7"})),
        ("dan", "Dan_", json!({})),
    ] {
        let body = json!({"username": username, "name": name, "path": format!("users/{username}"), "attributes": attributes,
            "email": format!("{username}@example.com"), "is_active": username != "dan"});
        app.admin().post("/api/v3/core/users/", body).await.expect(201);
    }
}

#[tokio::test]
async fn users_are_found_by_expressions() {
    let app = App::start().await;
    people(&app).await;
    for (search, names) in [
        ("username = \"ann\"", vec!["ann"]),
        ("username = \"ANN\"", vec![]),
        ("username ~ \"A\"", vec!["ann", "dan"]),
        ("name ~ \"ÄNN ü\"", vec!["ann"]),
        ("name ~ \"0%\"", vec!["cid"]),
        ("name endswith \"_\"", vec!["dan"]),
        ("path startswith \"USERS/B\"", vec!["bob"]),
        ("username in (\"ann\", \"bob\", \"nobody\")", vec!["ann", "bob"]),
        ("username not in (\"ann\", \"bob\") and type = \"internal\"", vec!["cid", "dan"]),
        ("type = \"Internal\" and username > \"bob\"", vec!["cid", "dan"]),
        ("is_active = False", vec!["dan"]),
        ("is_active != True and username !~ \"x\"", vec!["dan"]),
        ("is_active = None", vec![]),
        ("(username = \"ann\" or username = \"bob\") and email startswith \"b\"", vec!["bob"]),
        ("attributes.team = \"Red\"", vec!["ann"]),
        ("attributes.team ~ \"RED\"", vec!["ann", "bob"]),
        // What has no team has no other team either.
        ("attributes.team != \"Red\"", vec!["bob", "cid"]),
        ("attributes.team !~ \"red\"", vec!["cid"]),
        ("attributes.team startswith \"b\"", vec!["cid"]),
        ("attributes.team > \"blue\"", vec!["bob"]),
        ("attributes.team in (\"Red\", \"blue\")", vec!["ann", "cid"]),
        ("attributes.deep.er.x = \"y\"", vec!["ann"]),
        ("attributes.level = 5", vec!["ann"]),
        ("attributes.level > 5", vec!["bob"]),
        ("attributes.level <= 12.0", vec!["ann", "bob"]),
        ("attributes.level = \"7\"", vec!["cid"]),
        ("attributes.level in (\"7\", 12)", vec!["bob", "cid"]),
        ("attributes.on = True", vec!["ann"]),
        ("attributes.on != True", vec!["bob"]),
        ("attributes.gone = None and attributes.team != None", vec!["ann", "bob", "cid"]),
        // What is no expression, or does not fit, is words.
        ("bob@example", vec!["bob"]),
        ("username = 5", vec![]),
        ("password = \"x\"", vec![]),
        ("uid = \"x\"", vec![]),
    ] {
        let mut all = found(&app, "core/users", "username", search).await;
        all.retain(|name| ["ann", "bob", "cid", "dan"].contains(&name.as_str()));
        assert_eq!(all, names, "{search}");
    }
    let injected = "username = \"' OR 1=1 --\" or attributes.a__b.c = \"\\\"') OR 1=1 --\"";
    assert_eq!(found(&app, "core/users", "username", injected).await, Vec::<String>::new());
}

#[tokio::test]
async fn groups_and_events_are_found_too_and_clients_can_complete() {
    let app = App::start().await;
    let mut admin = app.admin();
    admin.post("/api/v3/core/groups/", json!({"name": "Reds", "attributes": {"n": 1}})).await.expect(201);
    admin.post("/api/v3/core/groups/", json!({"name": "Blues", "is_superuser": true})).await.expect(201);
    assert_eq!(found(&app, "core/groups", "name", "is_superuser = True and name ~ \"blue\"").await, ["Blues"]);
    assert_eq!(found(&app, "core/groups", "name", "attributes.n = 1").await, ["Reds"]);

    let search = "action = \"model_created\" and user.username = \"akadmin\" and context.model.name = \"Reds\"";
    assert_eq!(found(&app, "events/events", "action", search).await, ["model_created"]);
    let year = "action in (\"model_created\") and created > \"2026-01-01\" and context.model.name ~ \"blue\"";
    assert_eq!(found(&app, "events/events", "action", year).await.len(), 1);
    for nothing in ["created < \"2026-01-01 10:00\"", "created ~ \"2025\"", "user.pk > 1000"] {
        assert_eq!(found(&app, "events/events", "action", nothing).await, Vec::<String>::new(), "{nothing}");
    }
    assert!(
        !found(&app, "events/events", "action", "created ~ \"2026-11\" and client_ip != \"1.2.3.4\"").await.is_empty()
    );

    let complete = |page: &Value| page["autocomplete"].clone();
    let groups = complete(&admin.get("/api/v3/core/groups/").await.expect(200));
    assert_eq!(groups["current_model"], "authentik_core.group");
    let expected =
        json!({"type": "relation", "nullable": false, "options": null, "relation": "authentik_core.group_attributes"});
    assert_eq!(groups["models"]["authentik_core.group"]["attributes"], expected);
    let events = complete(&admin.get("/api/v3/events/events/").await.expect(200));
    let models = events["models"].as_object().unwrap();
    let names = ["event", "event_user", "event_brand", "event_context", "event_context_http_request"];
    assert_eq!(
        models.keys().collect::<Vec<_>>(),
        names.map(|name| format!("authentik_events.{name}")).iter().collect::<Vec<_>>()
    );
    let event = &models["authentik_events.event"];
    assert!(event["app"]["options"].as_array().unwrap().iter().all(Value::is_string));
    assert!(event["action"]["options"].as_array().unwrap().contains(&json!("login")));
    assert_eq!(event["created"]["options"], json!([]));
    assert_eq!(complete(&admin.get("/api/v3/core/tokens/").await.expect(200)), json!({}));
}
