//! Who of a source is who here.

use serde_json::{Value, json};
use vestibule_testkit::Walker;

use super::provider::{Provider, back, event, follow, leave, sign_in, who};
use crate::app::{App, PASSWORD};

async fn forge(mode: &str) -> (App, Provider, Value) {
    let app = App::start().await;
    let provider = Provider::start().await;
    let source = provider.source(&app, "openidconnect", json!({"user_matching_mode": mode})).await;
    (app, provider, source)
}

fn ada(more: Value) -> Value {
    let mut profile = json!({
        "sub": "ada-at-forge", "nickname": "ada", "name": "Ada Lovelace", "email": "ada@example.com",
    });
    profile.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    profile
}

async fn set_email(app: &App, user: i64, email: &str) {
    app.admin().patch(&format!("/api/v3/core/users/{user}/"), json!({"email": email})).await.expect(200);
}

#[tokio::test]
async fn who_is_new_enrols_and_is_known_from_then_on() {
    let (app, provider, source) = forge("identifier").await;
    provider.says("/profile", ada(json!({})));
    let mut client = app.anonymous();
    assert_eq!(sign_in(&mut client).await.location(), "/");
    assert_eq!(who(&mut client).await, "ada");
    let mut admin = app.admin();
    let user = admin.get("/api/v3/core/users/?username=ada").await.expect(200)["results"][0].clone();
    assert_eq!(
        (&user["name"], &user["email"], &user["path"], &user["type"]),
        (&json!("Ada Lovelace"), &json!("ada@example.com"), &json!("goauthentik.io/sources/forge"), &json!("external"))
    );
    let connections = "/api/v3/sources/user_connections/oauth/?source__slug=forge";
    let connected = admin.get(connections).await.expect(200);
    assert_eq!(
        (connected["results"].as_array().unwrap().len(), &connected["results"][0]["identifier"]),
        (1, &json!("ada-at-forge"))
    );
    let linked = event(&app, "source_linked").await;
    assert_eq!((&linked["user"]["username"], &linked["context"]["source"]["name"]), (&json!("ada"), &json!("Forge")));
    // The next time nobody is made; whatever the profile says now.
    provider.says("/profile", ada(json!({"nickname": "countess"})));
    let mut again = app.anonymous();
    sign_in(&mut again).await;
    assert_eq!(who(&mut again).await, "ada");
    let login = event(&app, "login").await;
    assert_eq!(login["context"]["auth_method"], "source");
    assert_eq!(admin.get(connections).await.expect(200)["results"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get("/api/v3/core/users/?username=countess").await.expect(200)["results"], json!([]));
    assert_eq!(source["slug"], "forge");
}

#[tokio::test]
async fn a_name_that_the_source_does_not_tell_is_asked_for() {
    let (app, provider, _) = forge("identifier").await;
    provider.says("/profile", json!({"sub": "s-7", "name": "No Nick"}));
    let mut client = app.anonymous();
    let page = sign_in(&mut client).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("name=\"username\""), "{}", page.text);
    assert_eq!(who(&mut client).await, Value::Null);
    let form = [("component", "ak-stage-prompt"), ("username", "chosen")];
    let answer = client.form("/if/flow/default-source-enrollment/", &form).await;
    follow(&mut client, answer).await;
    assert_eq!(who(&mut client).await, "chosen");
    // They are the one whom the source knows by this key.
    let mut again = app.anonymous();
    sign_in(&mut again).await;
    assert_eq!(who(&mut again).await, "chosen");
}

#[tokio::test]
async fn two_who_bring_the_same_account_make_one_user() {
    let (app, provider, _) = forge("identifier").await;
    provider.says("/profile", json!({"sub": "s-7"}));
    let (mut one, mut other) = (app.anonymous(), app.anonymous());
    sign_in(&mut one).await;
    sign_in(&mut other).await;
    let form = |name: &'static str| [("component", "ak-stage-prompt"), ("username", name)];
    let first = one.form("/if/flow/default-source-enrollment/", &form("first")).await;
    follow(&mut one, first).await;
    let second = other.form("/if/flow/default-source-enrollment/", &form("second")).await;
    follow(&mut other, second).await;
    assert_eq!((who(&mut one).await, who(&mut other).await), (json!("first"), Value::Null));
    assert_eq!(app.admin().get("/api/v3/core/users/?username=second").await.expect(200)["results"], json!([]));
}

#[tokio::test]
async fn an_address_links_if_the_source_says_that_it_is_theirs() {
    let (app, provider, _) = forge("email_link").await;
    let ada_here = app.user("lovelace", PASSWORD).await;
    set_email(&app, ada_here, "Ada@Example.com").await;
    // Nobody has looked whose it is: whoever writes it into a profile would be Ada (nOAuth).
    for unverified in [json!({}), json!({"email_verified": false}), json!({"email_verified": "no"})] {
        provider.says("/profile", ada(unverified));
        let mut client = app.anonymous();
        let page = sign_in(&mut client).await;
        assert_eq!((page.status.as_u16(), who(&mut client).await), (403, Value::Null));
        let failed = event(&app, "login_failed").await;
        assert!(failed["context"]["message"].as_str().unwrap().contains("e-mail address is theirs"), "{failed}");
    }
    provider.says("/profile", ada(json!({"email_verified": true})));
    let mut client = app.anonymous();
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "lovelace");
    // From then on it is the key that counts.
    provider.says("/profile", ada(json!({"email": "elsewhere@example.com"})));
    let mut again = app.anonymous();
    sign_in(&mut again).await;
    assert_eq!(who(&mut again).await, "lovelace");
}

#[tokio::test]
async fn a_mapping_may_vouch_for_an_address() {
    let (app, provider, source) = forge("email_link").await;
    let user = app.user("lovelace", PASSWORD).await;
    set_email(&app, user, "ada@example.com").await;
    let mut admin = app.admin();
    let body = json!({
        "name": "vouch", "expression": "return {\"email_verified\": info[\"email\"].endswith(\"@example.com\")}",
    });
    let mapping = admin.post("/api/v3/propertymappings/source/oauth/", body).await.expect(201);
    let path = format!("/api/v3/sources/oauth/{}/", source["slug"].as_str().unwrap());
    admin.patch(&path, json!({"user_property_mappings": [mapping["pk"]]})).await.expect(200);
    provider.says("/profile", ada(json!({})));
    let mut client = app.anonymous();
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "lovelace");
}

#[tokio::test]
async fn a_name_links_or_is_refused() {
    for (mode, expected) in
        [("username_link", json!("ada")), ("username_deny", Value::Null), ("email_deny", Value::Null)]
    {
        let (app, provider, _) = forge(mode).await;
        let user = app.user("ada", PASSWORD).await;
        set_email(&app, user, "ada@example.com").await;
        provider.says("/profile", ada(json!({"email_verified": true})));
        let mut client = app.anonymous();
        sign_in(&mut client).await;
        assert_eq!(who(&mut client).await, expected, "{mode}");
        // What they are matched by has to be told.
        provider.says("/profile", json!({"sub": "nobody-in-particular"}));
        let mut nobody = app.anonymous();
        assert_eq!(sign_in(&mut nobody).await.status, 403, "{mode}");
    }
}

#[tokio::test]
async fn machines_are_nobody_from_elsewhere() {
    let (app, provider, _) = forge("username_link").await;
    let body = json!({"name": "ada", "create_group": false});
    app.admin().post("/api/v3/core/users/service_account/", body).await.expect(200);
    provider.says("/profile", ada(json!({})));
    let mut client = app.anonymous();
    assert_eq!(sign_in(&mut client).await.status, 403);
    assert_eq!(who(&mut client).await, Value::Null);
}

/// CVE-2025-53942: a user who is not active got half a session through a source, and with it tokens.
#[tokio::test]
async fn cve_2025_53942_who_is_not_active_gets_no_session() {
    for mode in ["identifier", "email_link", "username_link"] {
        let (app, provider, _) = forge(mode).await;
        provider.says("/profile", ada(json!({"email_verified": true})));
        let mut client = app.anonymous();
        sign_in(&mut client).await;
        assert_eq!(who(&mut client).await, "ada");
        let mut admin = app.admin();
        let user = admin.get("/api/v3/core/users/?username=ada").await.expect(200)["results"][0]["pk"].clone();
        admin.patch(&format!("/api/v3/core/users/{user}/"), json!({"is_active": false})).await.expect(200);
        let mut back = app.anonymous();
        let page = sign_in(&mut back).await;
        assert_eq!((page.status.as_u16(), who(&mut back).await), (403, Value::Null), "{mode}");
        // Nor does a flow that lets them in because it had begun before.
        assert_eq!(back.get("/if/flow/default-source-authentication/").await.status, 200);
        assert_eq!(who(&mut back).await, Value::Null);
    }
}

#[tokio::test]
async fn policies_of_a_source_decide_who_may_come_by_it() {
    let (app, provider, source) = forge("identifier").await;
    let mut admin = app.admin();
    let body = json!({
        "name": "only ours",
        "expression": "ak_message(\"Not from there.\")\nreturn context[\"oauth_userinfo\"][\"email\"].endswith(\"@example.com\")",
    });
    let policy = admin.post("/api/v3/policies/expression/", body).await.expect(201);
    let body = json!({"target": source["pk"], "policy": policy["pk"], "order": 0});
    admin.post("/api/v3/policies/bindings/", body).await.expect(201);
    provider.says("/profile", ada(json!({"email": "ada@elsewhere.example"})));
    let mut client = app.anonymous();
    let page = sign_in(&mut client).await;
    assert_eq!((page.status.as_u16(), who(&mut client).await), (403, Value::Null));
    assert!(page.text.contains("Not from there."), "{}", page.text);
    provider.says("/profile", ada(json!({})));
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "ada");
}

#[tokio::test]
async fn without_flows_nobody_comes_in() {
    let (app, provider, _) = forge("username_link").await;
    app.user("ada", PASSWORD).await;
    let flows = json!({"authentication_flow": null, "enrollment_flow": null});
    app.admin().patch("/api/v3/sources/oauth/forge/", flows).await.expect(200);
    for (name, heading) in [("ada", "not set up"), ("new", "no account here yet")] {
        provider.says("/profile", ada(json!({"sub": name, "nickname": name})));
        let mut client = app.anonymous();
        let page = sign_in(&mut client).await;
        assert_eq!(page.status, 403);
        assert!(page.text.contains(heading), "{}", page.text);
    }
}

#[tokio::test]
async fn a_mapping_that_fails_lets_nobody_in() {
    let (app, provider, _) = forge("identifier").await;
    let mut admin = app.admin();
    let body = json!({"name": "broken", "expression": "return {\"name\": info[\"no such thing\"]}"});
    let mapping = admin.post("/api/v3/propertymappings/source/oauth/", body).await.expect(201);
    let body = json!({"user_property_mappings": [mapping["pk"]]});
    admin.patch("/api/v3/sources/oauth/forge/", body).await.expect(200);
    provider.says("/profile", ada(json!({})));
    let mut client = app.anonymous();
    assert_eq!(sign_in(&mut client).await.status, 502);
    assert_eq!(who(&mut client).await, Value::Null);
    assert_eq!(event(&app, "property_mapping_exception").await["context"]["mapping"]["name"], "broken");
}

#[tokio::test]
async fn a_flow_that_asks_who_they_are_connects_nobody_by_a_name_that_was_typed() {
    let (app, provider, _) = forge("identifier").await;
    app.user("ada", PASSWORD).await;
    let mut admin = app.admin();
    // An administrator's enrollment flow that asks for a name and for nothing else.
    let stage = json!({"name": "who", "user_fields": ["username"]});
    let stage = admin.post("/api/v3/stages/identification/", stage).await.expect(201);
    let flow = json!({"name": "who", "slug": "who", "title": "who", "designation": "enrollment"});
    let flow = admin.post("/api/v3/flows/instances/", flow).await.expect(201);
    let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": 0});
    admin.post("/api/v3/flows/bindings/", binding).await.expect(201);
    admin.patch("/api/v3/sources/oauth/forge/", json!({"enrollment_flow": flow["pk"]})).await.expect(200);
    provider.says("/profile", ada(json!({"sub": "somebody else"})));
    let mut client = app.anonymous();
    let sent = leave(&mut client, "").await;
    let answer = back(&mut client, &sent["state"]).await;
    follow(&mut client, answer).await;
    let form = [("component", "ak-stage-identification"), ("uid_field", "ada")];
    let answer = client.form("/if/flow/who/", &form).await;
    follow(&mut client, answer).await;
    assert_eq!(who(&mut client).await, Value::Null);
    let connected = admin.get("/api/v3/sources/user_connections/oauth/").await.expect(200);
    assert_eq!(connected["results"], json!([]));
}

/// Where people enrol with whatever address they type.
async fn enrolment(app: &App) {
    let mut admin = app.admin();
    let mut fields = Vec::new();
    for (key, kind) in [("username", "text"), ("email", "email"), ("password", "password")] {
        let body = json!({"name": format!("enrol {key}"), "field_key": key, "label": key, "type": kind, "order": 0});
        fields.push(admin.post("/api/v3/stages/prompt/prompts/", body).await.expect(201)["pk"].clone());
    }
    let mut stages = Vec::new();
    for (path, body) in [
        ("stages/prompt/stages", json!({"name": "enrol ask", "fields": fields})),
        ("stages/user_write", json!({"name": "enrol write", "user_creation_mode": "always_create"})),
        ("stages/user_login", json!({"name": "enrol login"})),
    ] {
        stages.push(admin.post(&format!("/api/v3/{path}/"), body).await.expect(201)["pk"].clone());
    }
    let body = json!({"name": "enrol", "slug": "enrol", "title": "enrol", "designation": "enrollment"});
    let flow = admin.post("/api/v3/flows/instances/", body).await.expect(201)["pk"].clone();
    for (order, stage) in stages.into_iter().enumerate() {
        let body = json!({"target": flow, "stage": stage, "order": order});
        admin.post("/api/v3/flows/bindings/", body).await.expect(201);
    }
}

/// Whoever enrols with somebody else's address must not have them come into that account one day, and stay in it with
/// them.
#[tokio::test]
async fn an_address_that_nobody_has_shown_to_be_theirs_links_nobody() {
    let (app, provider, _) = forge("email_link").await;
    enrolment(&app).await;
    let mut walker = Walker::new(app.anonymous(), "enrol");
    walker.challenge().await;
    let body = json!({"username": "mallory", "email": "Ada@example.com", "password": PASSWORD});
    let end = walker.answer(body).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    provider.says("/profile", ada(json!({"email_verified": true})));
    let mut client = app.anonymous();
    let page = sign_in(&mut client).await;
    assert_eq!((page.status.as_u16(), who(&mut client).await), (403, Value::Null));
    let failed = event(&app, "login_failed").await;
    assert!(failed["context"]["message"].as_str().unwrap().contains("Nobody has shown"), "{failed}");
    // An administrator who says whose it is has looked.
    let pk = app.number("SELECT id AS n FROM users WHERE username = 'mallory'", vec![]).await;
    set_email(&app, pk, "mallory@example.com").await;
    let mut client = app.anonymous();
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "ada");
}

/// What one source says of an address without having looked is no proof at another.
#[tokio::test]
async fn an_address_that_came_from_a_source_unverified_links_nobody_at_another() {
    for (says, expected) in [(json!({}), Value::Null), (json!({"email_verified": true}), json!("ada"))] {
        let (app, provider, _) = forge("identifier").await;
        provider.says("/profile", ada(says));
        let mut client = app.anonymous();
        sign_in(&mut client).await;
        assert_eq!(who(&mut client).await, "ada");
        // To the source it is another person now, who has the address and shows it.
        app.admin()
            .patch("/api/v3/sources/oauth/forge/", json!({"user_matching_mode": "email_link"}))
            .await
            .expect(200);
        let connections = "/api/v3/sources/user_connections/oauth/";
        let list = app.admin().get(connections).await.expect(200);
        app.admin().delete(&format!("{connections}{}/", list["results"][0]["pk"])).await.expect(204);
        provider.says("/profile", ada(json!({"sub": "the-one-whose-it-is", "email_verified": true})));
        let mut other = app.anonymous();
        sign_in(&mut other).await;
        assert_eq!(who(&mut other).await, expected);
    }
}
