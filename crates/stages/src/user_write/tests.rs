//! Tests of the stage that writes accounts.

use serde_json::{Value, json};
use vestibule_directory::UserRow;
use vestibule_testkit::{TestApp, Walker};

use crate::test_support::{Login, PASSWORD, SLUG, signed_in, two_steps};

const FIELDS: [(&str, &str); 6] = [
    ("username", "text"),
    ("email", "text"),
    ("name", "text"),
    ("password", "password"),
    ("attributes.phone.home", "text"),
    ("is_superuser", "text"),
];

/// A flow that asks for all of the fields and writes; what is not named in an answer is left alone.
async fn arrange(login: &Login, write: Value, with_identification: bool) {
    let app = &login.app;
    let mut fields = Vec::new();
    for (key, kind) in FIELDS {
        let prompt =
            json!({"name": format!("p {key}"), "field_key": key, "label": key, "type": kind, "required": false});
        fields.push(app.create("authentik_stages_prompt.prompt", prompt).await["pk"].clone());
    }
    let prompts = app.create("authentik_stages_prompt.promptstage", json!({"name": "p", "fields": fields})).await;
    let mut body = json!({"name": "w"});
    for (name, value) in write.as_object().unwrap() {
        body[name] = value.clone();
    }
    let write = app.create("authentik_stages_user_write.userwritestage", body).await;
    let end = app.create("authentik_stages_user_login.userloginstage", json!({"name": "end"})).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "enrollment"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let mut stages = vec![&prompts, &write, &end];
    if with_identification {
        stages.insert(0, &login.identification);
    }
    for (order, stage) in stages.into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
}

async fn login_with(write: Value) -> Login {
    let login = two_steps(json!({}), json!({})).await;
    arrange(&login, write, false).await;
    login
}

async fn found(app: &TestApp, name: &str) -> Option<UserRow> {
    let rows =
        app.store().database().query("SELECT id FROM users WHERE username = $1", vec![name.into()]).await.unwrap();
    app.state.users.by_pk(rows.first()?.int("id").unwrap()).await.unwrap()
}

fn refused(end: &Value) -> bool {
    end["component"] == "ak-stage-access-denied"
}

async fn signed_in_as(app: &TestApp, walker: &Walker) -> String {
    let session = app.state.sessions.load(&walker.client.cookies["authentik_session"]).await.unwrap().unwrap();
    session.user.map(|user| user.username).unwrap_or_default()
}

#[tokio::test]
async fn somebody_new_gets_an_account_and_no_more() {
    let login = two_steps(json!({}), json!({})).await;
    let mut admin = login.app.admin().await;
    let members = admin.post("/api/v3/core/groups/", json!({"name": "members"})).await.expect(201);
    arrange(&login, json!({"create_users_group": members["pk"], "user_path_template": "made/here"}), false).await;
    let app = &login.app;
    let mut walker = app.walker("f");
    let answer = json!({
        "username": "new", "email": "new@example.com", "name": "Neu", "password": "Long-enough-1",
        "attributes.phone.home": "123", "is_superuser": "true",
    });
    let end = walker.answer(answer).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    assert_eq!(signed_in_as(app, &walker).await, "new");
    let user = found(app, "new").await.unwrap();
    assert_eq!((user.email.as_str(), user.name.as_str(), user.path.as_str()), ("new@example.com", "Neu", "made/here"));
    assert_eq!((user.user_type.as_str(), user.is_active), ("external", true));
    assert_eq!(user.attributes["phone"], json!({"home": "123"}));
    let shown = admin.get(&format!("/api/v3/core/users/{}/", user.pk)).await.expect(200);
    assert_eq!((&shown["is_superuser"], &shown["groups"]), (&json!(false), &json!([members["pk"]])));
    // The password is theirs.
    assert_eq!(app.walker(SLUG).login("new", "Long-enough-1").await["component"], "xak-flow-redirect");
}

/// authentik adds whoever enrols to the group that a stage names, whatever it gives.
#[tokio::test]
async fn a_flow_makes_no_superusers() {
    let login = two_steps(json!({}), json!({})).await;
    let mut admin = login.app.admin().await;
    let group = admin.post("/api/v3/core/groups/", json!({"name": "g", "is_superuser": true})).await.expect(201);
    arrange(&login, json!({"create_users_group": group["pk"]}), false).await;
    assert!(refused(&login.app.walker("f").answer(json!({"username": "new", "component": "ak-stage-prompt"})).await));
    assert!(found(&login.app, "new").await.is_none());
}

#[tokio::test]
async fn whoever_is_signed_in_changes_their_own() {
    let login = login_with(json!({"user_creation_mode": "never_create"})).await;
    let app = &login.app;
    let (mut here, there) = (signed_in(app, "alice").await, signed_in(app, "alice").await);
    let mut walker = app.walker_with(here.clone(), "f");
    let answer = json!({"name": "Alice B.", "username": "alice", "email": "b@example.com", "password": "Another-1", "attributes.phone.home": "1"});
    let end = walker.answer(answer).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let user = found(app, "alice").await.unwrap();
    assert_eq!((user.pk, user.name.as_str(), user.email.as_str()), (login.alice, "Alice B.", "b@example.com"));
    assert_eq!(user.attributes, *json!({"upn": "alice@corp", "phone": {"home": "1"}}).as_object().unwrap());
    // Every other session ends.
    here.cookies = walker.client.cookies.clone();
    assert_eq!(signed_in_as(app, &walker).await, "alice");
    assert!(app.state.sessions.load(&there.cookies["authentik_session"]).await.unwrap().is_none());
    assert_eq!(app.walker(SLUG).login("alice", "Another-1").await["component"], "xak-flow-redirect");
    assert_ne!(app.walker(SLUG).login("alice", PASSWORD).await["component"], "xak-flow-redirect");
}

/// CVE-2022-46172, CVE-2022-46145: where no accounts are made, none is, by whoever comes.
#[tokio::test]
async fn cve_2022_46172_a_flow_that_makes_no_accounts_makes_none() {
    let login = login_with(json!({"user_creation_mode": "never_create"})).await;
    let end = login.app.walker("f").answer(json!({"username": "new", "password": "x"})).await;
    assert!(refused(&end), "{end}");
    let mut own = login.app.walker_with(signed_in(&login.app, "alice").await, "f");
    own.answer(json!({"username": "renamed"})).await;
    assert!(found(&login.app, "new").await.is_none());
    assert_eq!(found(&login.app, "renamed").await.unwrap().pk, login.alice);
}

/// A name that somebody typed is no proof.
#[tokio::test]
async fn nobody_writes_another() {
    let login = two_steps(json!({}), json!({})).await;
    arrange(&login, json!({}), true).await;
    login.app.user("mallory", PASSWORD, json!({})).await;
    for client in [login.app.anonymous(), signed_in(&login.app, "mallory").await] {
        for name in ["alice", "ghost"] {
            let mut walker = login.app.walker_with(client.clone(), "f");
            walker.answer(json!({"uid_field": name})).await;
            let end = walker.answer(json!({"password": "mine", "email": "m@example.com"})).await;
            assert!(refused(&end), "{end}");
        }
    }
    assert_eq!(found(&login.app, "alice").await.unwrap().email, "Alice@Example.com");
    assert!(found(&login.app, "ghost").await.is_none());
}

#[tokio::test]
async fn what_finds_somebody_else_is_not_taken() {
    let login = login_with(json!({})).await;
    for (field, text) in
        [("username", "ALICE@corp"), ("email", "alice"), ("email", "alice@EXAMPLE.com"), ("username", "alice")]
    {
        let mut answer = json!({"username": "new", "email": "new@example.com"});
        answer[field] = json!(text);
        let end = login.app.walker("f").answer(answer).await;
        assert!(refused(&end), "{field} {text} {end}");
    }
    assert!(found(&login.app, "new").await.is_none());
}

#[tokio::test]
async fn accounts_may_begin_inactive_and_nameless_ones_do_not_begin() {
    let login = login_with(json!({"create_users_as_inactive": true, "user_type": "internal_service_account"})).await;
    let end = login.app.walker("f").answer(json!({"username": "new", "password": "x"})).await;
    assert_ne!(end["component"], "xak-flow-redirect", "nobody signs in who is not active: {end}");
    let user = found(&login.app, "new").await.unwrap();
    assert_eq!((user.is_active, user.user_type.as_str()), (false, "service_account"));
    assert!(refused(&login.app.walker("f").answer(json!({"component": "ak-stage-prompt"})).await));
}

/// Two at once: one has the name.
#[tokio::test]
async fn two_who_want_a_name_at_once() {
    let login = login_with(json!({})).await;
    let (mut one, mut two) = (login.app.walker("f"), login.app.walker("f"));
    let answer = json!({"username": "new", "password": "x"});
    let (one, two) = tokio::join!(one.answer(answer.clone()), two.answer(answer));
    let done = [&one, &two].iter().filter(|end| end["component"] == "xak-flow-redirect").count();
    assert_eq!(done, 1, "{one} {two}");
}

#[tokio::test]
async fn an_address_that_somebody_types_is_a_claim() {
    let login = login_with(json!({})).await;
    let app = &login.app;
    let is_claimed = |user: i64, address: &'static str| {
        vestibule_directory::claimed::is_claimed(app.store().database(), user, address)
    };
    app.walker("f").answer(json!({"username": "new", "email": "New@example.com"})).await;
    let new = found(app, "new").await.unwrap().pk;
    assert!(is_claimed(new, "new@example.com").await.unwrap());
    // What is theirs already is theirs in another case too; what is new is not.
    let mut here = signed_in(app, "alice").await;
    for (address, claimed) in [("alice@example.com", false), ("ALICE@example.com", false), ("b@example.com", true)] {
        let mut walker = app.walker_with(here, "f");
        walker.answer(json!({"email": address})).await;
        here = walker.client;
        assert_eq!(found(app, "alice").await.unwrap().email, address);
        assert_eq!(is_claimed(login.alice, address).await.unwrap(), claimed, "{address}");
    }
}
