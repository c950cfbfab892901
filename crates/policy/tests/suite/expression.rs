//! Expressions as policies: what they say, and what becomes of those that fail.

use serde_json::json;

use crate::app::{App, SLUG};

#[tokio::test]
async fn what_an_expression_says_is_told() {
    let mut app = App::start().await;
    let (alice, flow, _) = app.login().await;
    let policy = app.policy("expression", json!({"name": "asks", "expression": "no"})).await;
    let said = app.test(&policy, alice, json!({})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(false), &json!(["Not you."])));
    app.bind(&flow, json!({"policy": policy["pk"]})).await;
    assert_eq!(app.app.walker(SLUG).challenge().await["error_message"], "Not you.");
    let path = format!("/api/v3/policies/expression/{}/", policy["pk"].as_str().unwrap());
    app.admin.patch(&path, json!({"expression": "who"})).await.expect(200);
    assert_eq!(app.test(&policy, alice, json!({})).await["messages"], json!(["asks alice"]));
    app.admin.patch(&path, json!({"expression": "yes"})).await.expect(200);
    assert_eq!(app.app.walker(SLUG).challenge().await["component"], "ak-stage-identification");
}

/// What went wrong is for those who try it out and for the event, not for those who wanted to pass.
#[tokio::test]
async fn what_an_expression_raises_stays_with_administrators() {
    let mut app = App::start().await;
    let (alice, flow, _) = app.login().await;
    let policy = app.policy("expression", json!({"name": "raises", "expression": "raise"})).await;
    let said = app.test(&policy, alice, json!({})).await;
    assert_eq!((&said["passing"], &said["messages"]), (&json!(false), &json!(["boom"])));
    assert!(app.events("policy_exception").await.is_empty(), "a trial is written down nowhere");
    app.bind(&flow, json!({"policy": policy["pk"], "failure_result": true})).await;
    let denied = app.app.walker(SLUG).challenge().await;
    assert_eq!(denied["component"], "ak-stage-access-denied");
    assert!(!denied.to_string().contains("boom"), "{denied}");
    let event = &app.events("policy_exception").await[0];
    assert_eq!(event["exception"], json!({"type": "ValueError", "message": "boom"}));
    assert_eq!(event["policy"]["model_name"], "expressionpolicy");
}

#[tokio::test]
async fn an_expression_that_does_not_end_is_ended() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let policy = app.policy("expression", json!({"name": "later", "expression": "later"})).await;
    app.bind(&places[1], json!({"policy": policy["pk"], "timeout": 1, "failure_result": true})).await;
    let mut walker = app.app.walker(SLUG);
    let end = walker.answer(json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    assert_eq!(end["component"], "ak-stage-access-denied");
}
