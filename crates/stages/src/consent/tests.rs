//! Tests of the consent stage.

use serde_json::{Value, json};
use vestibule_flow::Plan;
use vestibule_testkit::{TestApp, Walker};

use super::{APPLICATION, HEADER, PERMISSIONS};
use crate::test_support::{PASSWORD, signed_in, two_steps};

const WIKI: &str = "6f1c1d52-5a5f-4a53-9f0e-3b1f2d1f0001";

async fn app(stage: Value) -> TestApp {
    let app = two_steps(json!({}), json!({})).await.app;
    app.user("bob", PASSWORD, json!({})).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authorization"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stage = app.create("authentik_stages_consent.consentstage", stage).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "end"})).await;
    for (order, stage) in [stage, dummy].iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    app
}

/// Somebody who is signed in and at the beginning of the flow, to which an application has led them.
async fn led_there(app: &TestApp, user: &str, wants: &[&str]) -> Walker {
    let mut walker = app.walker_with(signed_in(app, user).await, "f");
    walker.answer(json!({"component": "ak-stage-dummy"})).await;
    let key = walker.client.cookies["authentik_session"].clone();
    let sessions = &app.state.sessions;
    let mut session = sessions.load(&key).await.unwrap().unwrap();
    let mut plan = Plan::of(&session.data).unwrap();
    let wants: Vec<Value> = wants.iter().map(|id| json!({"id": id, "name": format!("Your {id}")})).collect();
    plan.context.insert(APPLICATION.into(), WIKI.into());
    plan.context.insert(HEADER.into(), "You're about to sign into Wiki.".into());
    plan.context.insert(PERMISSIONS.into(), wants.into());
    plan.keep(&mut session.data);
    sessions.save(&mut session).await.unwrap();
    walker
}

fn told(challenge: &Value, field: &str) -> Vec<String> {
    challenge[field].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn is_asked(challenge: &Value) -> bool {
    challenge["component"] == "ak-stage-consent"
}

#[tokio::test]
async fn it_asks_and_goes_on_when_what_was_asked_is_agreed_to() {
    let app = app(json!({"name": "c", "mode": "always_require"})).await;
    for _ in 0..2 {
        let mut walker = led_there(&app, "alice", &["email"]).await;
        let challenge = walker.challenge().await;
        assert_eq!(challenge["header_text"], "You're about to sign into Wiki.");
        assert_eq!(
            (told(&challenge, "permissions"), told(&challenge, "additional_permissions")),
            (vec!["email".into()], vec![])
        );
        assert_eq!(challenge["pending_user"], "alice");
        // Shown again it is the same question.
        assert_eq!(walker.challenge().await["token"], challenge["token"]);
        for wrong in [json!({}), json!({"token": ""}), json!({"token": "x"}), json!({"token": null})] {
            let again = walker.answer(wrong.clone()).await;
            assert!(is_asked(&again) && again["response_errors"]["token"].is_array(), "{wrong}: {again}");
        }
        assert_eq!(walker.answer(json!({"token": challenge["token"]})).await["component"], "ak-stage-dummy");
    }
    let rows = app.store().database().query("SELECT id FROM user_consents", vec![]).await.unwrap();
    assert!(rows.is_empty(), "what is asked every time is not kept");
}

#[tokio::test]
async fn an_answer_counts_until_it_ends_or_more_is_wanted() {
    let app = app(json!({"name": "c", "mode": "expiring", "consent_expire_in": "hours=2"})).await;
    let mut walker = led_there(&app, "alice", &["email", "profile"]).await;
    let token = walker.challenge().await["token"].clone();
    walker.answer(json!({"token": token})).await;
    for (user, wants, asks) in [
        ("alice", vec!["email", "profile"], false),
        ("alice", vec!["email"], false),
        ("alice", vec!["email", "groups"], true),
        ("bob", vec!["email"], true),
    ] {
        let challenge = led_there(&app, user, &wants).await.challenge().await;
        assert_eq!(is_asked(&challenge), asks, "{user} {wants:?} {challenge}");
        if asks && user == "alice" {
            assert_eq!(told(&challenge, "permissions"), ["email"]);
            assert_eq!(told(&challenge, "additional_permissions"), ["groups"]);
        }
    }
    app.clock.advance(chrono::TimeDelta::hours(2));
    assert!(is_asked(&led_there(&app, "alice", &["email"]).await.challenge().await), "CVE-2025-64708: it has expired");
}

#[tokio::test]
async fn for_good_is_for_good_and_one_row() {
    let app = app(json!({"name": "c", "mode": "permanent"})).await;
    for wants in [vec!["email"], vec!["email", "groups"]] {
        let mut walker = led_there(&app, "alice", &wants).await;
        let token = walker.challenge().await["token"].clone();
        walker.answer(json!({"token": token})).await;
    }
    app.clock.advance(chrono::TimeDelta::days(9999));
    assert!(!is_asked(&led_there(&app, "alice", &["groups", "email"]).await.challenge().await));
    let sql = "SELECT permissions, expiring FROM user_consents";
    let rows = app.store().database().query(sql, vec![]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].text("permissions").unwrap().as_str(), rows[0].bool("expiring").unwrap()),
        ("email groups", false)
    );
}

#[tokio::test]
async fn without_an_application_it_asks_and_keeps_nothing() {
    let app = app(json!({"name": "c", "mode": "permanent"})).await;
    let mut walker = app.walker("f");
    let challenge = walker.challenge().await;
    assert!(is_asked(&challenge) && challenge["permissions"] == json!([]), "{challenge}");
    assert_eq!(walker.answer(json!({"token": challenge["token"]})).await["component"], "ak-stage-dummy");
}
