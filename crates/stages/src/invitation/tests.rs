//! Tests of invitations.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_testkit::{Client, TestApp, Walker};

use crate::test_support::families;

const INVITATIONS: &str = "/api/v3/stages/invitation/invitations/";

/// A flow of these stages.
async fn flow(app: &TestApp, slug: &str, stages: &[&Value]) -> Value {
    let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "enrollment"});
    let flow = app.create("authentik_flows.flow", flow).await;
    for (order, stage) in stages.iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    flow["pk"].clone()
}

async fn stage(app: &TestApp, open: bool) -> Value {
    let body = json!({"name": "invited", "continue_flow_without_invitation": open});
    app.create("authentik_stages_invitation.invitationstage", body).await
}

/// An enrolment for those who are invited, at `enrol`; the key of the flow.
async fn enrolment(app: &TestApp, open: bool) -> Value {
    let invited = stage(app, open).await;
    let mut fields = Vec::new();
    for (key, kind) in [("username", "username"), ("email", "hidden"), ("password", "password")] {
        let prompt = json!({"name": key, "field_key": key, "label": key, "type": kind, "required": kind != "hidden"});
        fields.push(app.create("authentik_stages_prompt.prompt", prompt).await["pk"].clone());
    }
    let prompts = app.create("authentik_stages_prompt.promptstage", json!({"name": "p", "fields": fields})).await;
    let write = json!({"name": "w", "user_creation_mode": "always_create"});
    let write = app.create("authentik_stages_user_write.userwritestage", write).await;
    let end = app.create("authentik_stages_user_login.userloginstage", json!({"name": "end"})).await;
    flow(app, "enrol", &[&invited, &prompts, &write, &end]).await
}

async fn invite(admin: &mut Client, more: Value) -> Value {
    let mut body = json!({"name": "welcome"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    admin.post(INVITATIONS, body).await.expect(201)
}

fn comes(app: &TestApp, slug: &str, invitation: &Value) -> Walker {
    app.walker(slug).with_query(&format!("itoken={}", invitation["pk"].as_str().unwrap()))
}

fn refused(challenge: &Value) -> bool {
    challenge["component"] == "ak-stage-access-denied"
        && challenge["error_message"] == "Invalid invite/invite not found"
}

fn asked(challenge: &Value) -> bool {
    challenge["component"] == "ak-stage-prompt"
}

async fn enrols(walker: &mut Walker, username: &str) -> Value {
    walker.answer(json!({"username": username, "password": "Long-enough-1"})).await
}

async fn rows(app: &TestApp, sql: &str) -> i64 {
    let row = app.store().database().query_one(sql.to_owned(), vec![]).await.unwrap().unwrap();
    row.int("amount").unwrap()
}

const LEFT: &str = "SELECT COUNT(*) AS amount FROM invitations";
const USED: &str = "SELECT COUNT(*) AS amount FROM events WHERE action = 'invitation_used'";

#[tokio::test]
async fn cve_2022_23555_an_invitation_opens_its_own_flow_and_no_other() {
    let app = TestApp::start(families()).await;
    let own = enrolment(&app, false).await;
    let other_stage = json!({"name": "other"});
    let other_stage = app.create("authentik_stages_invitation.invitationstage", other_stage).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    flow(&app, "other", &[&other_stage, &dummy]).await;
    let mut admin = app.admin().await;
    let bound = invite(&mut admin, json!({"flow": own})).await;
    assert!(asked(&comes(&app, "enrol", &bound).challenge().await));
    assert!(refused(&comes(&app, "other", &bound).challenge().await));
    // One for every flow is one that says so.
    let open = invite(&mut admin, json!({"flow": null})).await;
    assert!(asked(&comes(&app, "enrol", &open).challenge().await));
    assert_eq!(comes(&app, "other", &open).challenge().await["component"], "ak-stage-dummy");
    // It does not become one when its flow is deleted.
    admin.delete("/api/v3/flows/instances/enrol/").await.expect(204);
    admin.get(&format!("{INVITATIONS}{}/", bound["pk"].as_str().unwrap())).await.expect(404);
    assert!(refused(&comes(&app, "other", &bound).challenge().await));
}

#[tokio::test]
async fn who_brings_nothing_that_is_known_is_not_let_in() {
    for open in [false, true] {
        let app = TestApp::start(families()).await;
        enrolment(&app, open).await;
        let nobodys = "itoken=00000000-0000-4000-8000-000000000000";
        for query in ["", "itoken=", "itoken=x", "token=1", nobodys, "itoken=%00", "itoken=1&itoken=2"] {
            let told = app.walker("enrol").with_query(query).challenge().await;
            assert!(if open { asked(&told) } else { refused(&told) }, "{query}: {told}");
        }
        assert_eq!(rows(&app, USED).await, 0);
    }
}

#[tokio::test]
async fn cve_2025_64708_an_invitation_ends_when_it_says_so() {
    let app = TestApp::start(families()).await;
    let flow = enrolment(&app, false).await;
    let mut admin = app.admin().await;
    let body = json!({"flow": flow, "expires": "2026-11-23T13:00:00Z", "single_use": true});
    let invitation = invite(&mut admin, body).await;
    let mut early = comes(&app, "enrol", &invitation);
    assert!(asked(&early.challenge().await));
    app.clock.advance(TimeDelta::minutes(60));
    // Nothing has removed it, and it is worthless: to whoever comes now, and to whoever has come before.
    assert_eq!(rows(&app, LEFT).await, 1);
    assert!(refused(&comes(&app, "enrol", &invitation).challenge().await));
    assert!(refused(&enrols(&mut early, "late").await));
    assert_eq!(rows(&app, "SELECT COUNT(*) AS amount FROM users WHERE username = 'late'").await, 0);
}

#[tokio::test]
async fn what_an_invitation_says_is_known_of_who_comes_by_it() {
    let app = TestApp::start(families()).await;
    let flow = enrolment(&app, false).await;
    let mut admin = app.admin().await;
    let data =
        json!({"email": "new@example.com", "attributes": {"team": ["a"], "deep": {"er": 1}}, "is_superuser": true});
    let invitation = invite(&mut admin, json!({"flow": flow, "fixed_data": data})).await;
    assert_eq!(invitation["fixed_data"], data);
    for name in ["one", "two"] {
        let mut walker = comes(&app, "enrol", &invitation);
        let told = walker.challenge().await;
        assert_eq!(told["fields"][0]["initial_value"], "new@example.com", "{told}");
        if name == "one" {
            // Nobody is another than whom the invitation was for.
            let answer = json!({"username": name, "password": "Long-enough-1", "email": "other@example.com"});
            let end = walker.answer(answer).await;
            assert_eq!(end["component"], "xak-flow-redirect", "{end}");
        }
    }
    let users = admin.get("/api/v3/core/users/?username=one").await.expect(200);
    let user = &users["results"][0];
    assert_eq!(user["email"], "new@example.com", "{user}");
    assert_eq!((&user["attributes"]["team"], &user["is_superuser"]), (&json!(["a"]), &json!(false)));
    assert_eq!((rows(&app, LEFT).await, rows(&app, USED).await), (1, 2));
}

#[tokio::test]
async fn one_for_a_single_person_is_used_up_with_the_account() {
    let app = TestApp::start(families()).await;
    let flow = enrolment(&app, false).await;
    let mut admin = app.admin().await;
    let invitation = invite(&mut admin, json!({"flow": flow, "single_use": true})).await;
    // Programs look at links; people close pages and come back.
    let (mut one, mut two) = (comes(&app, "enrol", &invitation), comes(&app, "enrol", &invitation));
    assert!(asked(&one.challenge().await) && asked(&two.challenge().await));
    assert_eq!((rows(&app, LEFT).await, rows(&app, USED).await), (1, 0));
    let (first, second) = tokio::join!(enrols(&mut one, "first"), enrols(&mut two, "second"));
    let ends = [&first["component"], &second["component"]];
    assert_eq!(ends.iter().filter(|end| **end == "xak-flow-redirect").count(), 1, "{first} {second}");
    assert!(refused(&first) || refused(&second), "{first} {second}");
    assert_eq!(rows(&app, "SELECT COUNT(*) AS amount FROM users WHERE username IN ('first', 'second')").await, 1);
    assert_eq!((rows(&app, LEFT).await, rows(&app, USED).await), (0, 1));
    assert!(refused(&comes(&app, "enrol", &invitation).challenge().await));
}

#[tokio::test]
async fn one_for_a_single_person_that_leads_to_no_account_is_used_up_at_once() {
    let app = TestApp::start(families()).await;
    let invited = stage(&app, false).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    flow(&app, "look", &[&invited, &dummy]).await;
    let invitation = invite(&mut app.admin().await, json!({"single_use": true})).await;
    let mut walker = comes(&app, "look", &invitation);
    for _ in 0..2 {
        assert_eq!(walker.challenge().await["component"], "ak-stage-dummy");
    }
    assert!(refused(&comes(&app, "look", &invitation).challenge().await));
    assert_eq!((rows(&app, LEFT).await, rows(&app, USED).await), (0, 1));
}

#[tokio::test]
async fn an_invitation_may_be_typed() {
    let app = TestApp::start(families()).await;
    let prompt = json!({"name": "token", "field_key": "token", "label": "Invitation", "type": "text"});
    let prompt = app.create("authentik_stages_prompt.prompt", prompt).await;
    let body = json!({"name": "asks", "fields": [prompt["pk"]]});
    let prompts = app.create("authentik_stages_prompt.promptstage", body).await;
    let invited = stage(&app, false).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    flow(&app, "typed", &[&prompts, &invited, &dummy]).await;
    let invitation = invite(&mut app.admin().await, json!({})).await;
    let told = app.walker("typed").answer(json!({"token": invitation["pk"]})).await;
    assert_eq!(told["component"], "ak-stage-dummy", "{told}");
    assert!(refused(&app.walker("typed").answer(json!({"token": "nothing"})).await));
}

#[tokio::test]
async fn invitations_are_found_by_who_made_them_and_by_their_flow() {
    let app = TestApp::start(families()).await;
    let flow = enrolment(&app, false).await;
    let mut admin = app.admin().await;
    let bound = invite(&mut admin, json!({"name": "bound", "flow": flow})).await;
    invite(&mut admin, json!({"name": "free"})).await;
    assert_eq!(bound["created_by"]["username"], "test-admin");
    assert_eq!(bound["flow_obj"]["slug"], "enrol");
    let mut names = async |query: &str| {
        let list = admin.get(&format!("{INVITATIONS}?{query}")).await.expect(200);
        let names = list["results"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.join(" ")
    };
    let expected = [
        ("flow__slug=enrol", "bound"),
        ("flow__slug=enro", ""),
        ("search=NRO", "bound"),
        ("search=fre", "free"),
        ("search=test-adm", "bound free"),
        ("created_by__username=test-admin", "bound free"),
        ("created_by__username=alice", ""),
        ("name=free", "free"),
    ];
    for (query, found) in expected {
        assert_eq!(names(query).await, found, "{query}");
    }
    admin.post(INVITATIONS, json!({"name": "Not a slug!"})).await.expect(400);
    // Whoever made it is gone, and what they gave away with them.
    let second = app.user("second", "", json!({})).await;
    app.grants.grant(second, &["authentik_stages_invitation.add_invitation"]).await;
    let mut other = app.token_of(second).await;
    let theirs = invite(&mut other, json!({})).await;
    let key = theirs["created_by"]["pk"].clone();
    admin.delete(&format!("/api/v3/core/users/{key}/")).await.expect(204);
    admin.get(&format!("{INVITATIONS}{}/", theirs["pk"].as_str().unwrap())).await.expect(404);
}

/// A flow that begins anew and knows what it knew has let the person in already; another flow has not.
#[tokio::test]
async fn one_invitation_counts_once() {
    let app = TestApp::start(families()).await;
    let invited = stage(&app, false).await;
    let prompt = json!({"name": "n", "field_key": "n", "label": "n", "type": "number"});
    let prompt = app.create("authentik_stages_prompt.prompt", prompt).await;
    let body = json!({"name": "asks", "fields": [prompt["pk"]]});
    let prompts = app.create("authentik_stages_prompt.promptstage", body).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    let second = flow(&app, "second", &[&invited, &dummy]).await;
    let body = json!({"name": "on", "mode": "flow", "target_flow": second, "keep_context": true});
    let redirect = app.create("authentik_stages_redirect.redirectstage", body).await;
    let first = flow(&app, "first", &[&invited, &prompts, &redirect]).await;
    let mut admin = app.admin().await;
    let bindings = admin.get(&format!("/api/v3/flows/bindings/?target={}&order=1", first.as_str().unwrap())).await;
    let path = format!("/api/v3/flows/bindings/{}/", bindings.expect(200)["results"][0]["pk"].as_str().unwrap());
    admin.patch(&path, json!({"invalid_response_action": "restart_with_context"})).await.expect(200);
    let data = json!({"attributes": {"team": ["a"]}});
    let invitation = invite(&mut admin, json!({"single_use": true, "fixed_data": data, "flow": first})).await;
    let mut walker = comes(&app, "first", &invitation);
    walker.challenge().await;
    for _ in 0..2 {
        let told = walker.answer(json!({"n": "no number"})).await;
        assert!(asked(&told), "{told}");
    }
    let key = walker.client.cookies["authentik_session"].clone();
    let session = app.state.sessions.load(&key).await.unwrap().unwrap();
    let plan = vestibule_flow::Plan::of(&session.data).unwrap();
    assert_eq!(plan.context["prompt_data"]["attributes"], data["attributes"]);
    assert_eq!(rows(&app, USED).await, 1);
    let on = walker.answer(json!({"n": "1"})).await;
    assert_eq!(on["component"], "xak-flow-redirect", "{on}");
    let mut walker = app.walker_with(walker.client, "second");
    assert!(refused(
        &walker.clone().with_query(&format!("itoken={}", invitation["pk"].as_str().unwrap())).challenge().await
    ));
    assert!(refused(&walker.challenge().await));
}
