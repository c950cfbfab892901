//! Passwords that are too old.

use chrono::TimeDelta;
use serde_json::json;

use crate::app::{App, PASSWORD, SLUG};

#[tokio::test]
async fn a_password_is_good_for_so_many_days() {
    let mut app = App::start().await;
    let alice = app.app.user("alice", PASSWORD, json!({})).await;
    let strict = app.policy("password_expiry", json!({"name": "strict", "days": 30})).await;
    let mild = app.policy("password_expiry", json!({"name": "mild", "days": 30, "deny_only": true})).await;
    app.app.clock.advance(TimeDelta::days(29));
    assert_eq!(app.test(&strict, alice, json!({})).await["passing"], true);
    app.app.clock.advance(TimeDelta::days(6));
    let refused = app.test(&mild, alice, json!({})).await;
    assert_eq!((&refused["passing"], &refused["messages"]), (&json!(false), &json!(["Password has expired."])));
    let refused = app.test(&strict, alice, json!({})).await;
    assert_eq!(refused["messages"], json!(["Password expired 5 days ago. Please update your password."]));
    // Trying it out takes nothing from anybody.
    let password = async || app.app.state.users.by_pk(alice).await.unwrap().unwrap().password;
    assert!(password().await.is_some());
}

#[tokio::test]
async fn an_old_password_is_worth_nothing_from_then_on() {
    let mut app = App::start().await;
    let (alice, _, places) = app.login().await;
    let policy = app.policy("password_expiry", json!({"name": "strict", "days": 30})).await;
    // Who has an old password does not get as far as the password.
    app.bind(&places[1], json!({"policy": policy["pk"]})).await;
    let end = app.app.walker(SLUG).login("alice", PASSWORD).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    app.app.clock.advance(TimeDelta::days(31));
    let path = format!("/api/v3/policies/all/{}/", policy["pk"].as_str().unwrap());
    let mut walker = app.app.walker(SLUG);
    walker.answer(json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    assert!(app.app.state.users.by_pk(alice).await.unwrap().unwrap().password.is_none());
    app.admin.delete(&path).await.expect(204);
    let end = app.app.walker(SLUG).login("alice", PASSWORD).await;
    assert!(end["response_errors"].is_object(), "{end}");
}
