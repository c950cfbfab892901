//! Accounts that are locked: when, and what opens them again.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_flow::FlowToken;
use vestibule_policy::PolicySettings;
use vestibule_store::Durability;

use crate::app::{App, PASSWORD, SLUG, results};

/// A server that locks an account after three wrong passwords, with a locked Alice; her key and the login's places.
async fn locked() -> (App, i64, Vec<Value>) {
    let settings = PolicySettings { lockout_score: Some(-3), ..PolicySettings::default() };
    let app = App::start_with(settings, &[]).await;
    let (alice, _, places) = app.login().await;
    for _ in 0..3 {
        assert!(login(&app, "wrong").await["response_errors"].is_object());
    }
    (app, alice, places)
}

async fn login(app: &App, password: &str) -> Value {
    app.app.walker(SLUG).login("alice", password).await
}

fn is_in(end: &Value) -> bool {
    end["component"] == "xak-flow-redirect"
}

#[tokio::test]
async fn no_password_is_right_for_a_locked_account_and_nothing_tells() {
    let (app, ..) = locked().await;
    let (right, wrong) = (login(&app, PASSWORD).await, login(&app, "wrong").await);
    assert!(!is_in(&right));
    assert_eq!(right, wrong);
    assert!(app.events("login_failed").await.iter().any(|event| event["locked"] == true));
    // Others are not.
    app.app.user("bob", PASSWORD, json!({})).await;
    assert!(is_in(&app.app.walker(SLUG).login("bob", PASSWORD).await));
}

#[tokio::test]
async fn time_opens_it() {
    let (app, ..) = locked().await;
    app.app.clock.advance(TimeDelta::hours(23));
    assert!(!is_in(&login(&app, PASSWORD).await));
    app.app.clock.advance(TimeDelta::hours(1));
    assert!(is_in(&login(&app, PASSWORD).await));
}

#[tokio::test]
async fn an_administrator_opens_it() {
    let (mut app, ..) = locked().await;
    let scores = app.admin.get("/api/v3/policies/reputation/scores/?identifier=alice").await.expect(200);
    for score in results(&scores) {
        let path = format!("/api/v3/policies/reputation/scores/{}/", score["pk"].as_str().unwrap());
        app.admin.delete(&path).await.expect(204);
    }
    assert!(is_in(&login(&app, PASSWORD).await));
}

#[tokio::test]
async fn a_recovery_opens_it() {
    let (app, alice, places) = locked().await;
    let flow = json!({"name": "Recovery", "slug": "recovery", "title": "Recovery", "designation": "recovery"});
    let flow = app.app.create("authentik_flows.flow", flow).await;
    let place = json!({"target": flow["pk"], "stage": places[2]["stage"], "order": 0});
    app.app.create("authentik_flows.flowstagebinding", place).await;
    let token = FlowToken {
        user: alice,
        flow: flow["pk"].as_str().unwrap().parse().unwrap(),
        identifier: "recovery of alice",
        duration: TimeDelta::hours(1),
        once: false,
    };
    let store = app.app.store();
    let mut transaction = store.database().begin(Durability::Full).await.unwrap();
    let key = token.make(app.app.state.ctx(), store, &mut transaction).await.unwrap().key;
    transaction.commit().await.unwrap();
    let end = app.app.walker("recovery").with_query(&format!("flow_token={key}")).challenge().await;
    assert!(is_in(&end), "{end}");
    assert!(is_in(&login(&app, PASSWORD).await));
}

#[tokio::test]
async fn nothing_is_locked_unless_the_settings_say_so() {
    let app = App::start().await;
    app.login().await;
    for _ in 0..8 {
        login(&app, "wrong").await;
    }
    assert!(is_in(&login(&app, PASSWORD).await));
}
