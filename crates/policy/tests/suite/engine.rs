//! What is bound, met in a flow: what counts together, and that what fails lets nobody pass.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Actor;
use vestibule_testkit::Client;

use crate::app::{App, PASSWORD, SLUG};

/// The component that somebody meets first in the login.
async fn met(app: &App) -> String {
    let challenge = app.app.walker(SLUG).challenge().await;
    challenge["component"].as_str().unwrap().to_owned()
}

async fn dummy(app: &mut App, name: &str, result: bool) -> Value {
    app.policy("dummy", json!({"name": name, "result": result, "wait_min": 0, "wait_max": 0})).await
}

/// A policy that always fails: nothing is known of any address here.
async fn failing(app: &mut App) -> Value {
    app.policy("geoip", json!({"name": "fails", "countries": ["DE"]})).await
}

async fn change(admin: &mut Client, binding: &Value, body: Value) {
    admin.patch(&format!("/api/v3/policies/bindings/{}/", binding["pk"].as_str().unwrap()), body).await.expect(200);
}

#[tokio::test]
async fn policies_count_together_as_the_flow_says() {
    let mut app = App::start().await;
    let (_, flow, _) = app.login().await;
    let (yes, no) = (dummy(&mut app, "yes", true).await, dummy(&mut app, "no", false).await);
    let first = app.bind(&flow, json!({"policy": yes["pk"], "order": 0})).await;
    let second = app.bind(&flow, json!({"policy": no["pk"], "order": 1})).await;
    assert_eq!(met(&app).await, "ak-stage-identification");
    let path = format!("/api/v3/flows/instances/{SLUG}/");
    app.admin.patch(&path, json!({"policy_engine_mode": "all"})).await.expect(200);
    assert_eq!(met(&app).await, "ak-stage-access-denied");
    change(&mut app.admin, &second, json!({"negate": true})).await;
    assert_eq!(met(&app).await, "ak-stage-identification");
    change(&mut app.admin, &second, json!({"negate": false, "enabled": false})).await;
    assert_eq!(met(&app).await, "ak-stage-identification");
    change(&mut app.admin, &first, json!({"negate": true})).await;
    let denied = app.app.walker(SLUG).challenge().await;
    // What the policies say, and no more.
    assert_eq!((&denied["component"], &denied["error_message"]), (&json!("ak-stage-access-denied"), &json!("dummy")));
}

/// Nothing over the API sets the end of a binding; what has one is over when it is reached, negated or not.
#[tokio::test]
async fn a_binding_that_is_over_lets_nobody_pass() {
    let mut app = App::start().await;
    let (_, flow, _) = app.login().await;
    let (yes, no) = (dummy(&mut app, "yes", true).await, dummy(&mut app, "no", false).await);
    for (policy, negate) in [(yes, false), (no, true)] {
        let binding = app.bind(&flow, json!({"policy": policy["pk"], "negate": negate})).await;
        let pk: Uuid = binding["pk"].as_str().unwrap().parse().unwrap();
        let document = app.app.store().configuration().find(pk).unwrap().clone();
        let mut value = document.value.clone();
        let end = app.app.state.ctx().now() + TimeDelta::hours(1);
        value.insert("expiring".into(), json!(true));
        value.insert("expires".into(), json!(end));
        let mut write = app.app.store().change(Actor::System).await.unwrap();
        write.put(document.kind, pk, value).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(met(&app).await, "ak-stage-identification");
        app.app.clock.advance(TimeDelta::hours(1));
        assert_eq!(met(&app).await, "ak-stage-access-denied");
        app.admin.delete(&format!("/api/v3/policies/bindings/{pk}/")).await.expect(204);
        assert_eq!(met(&app).await, "ak-stage-identification");
    }
}

#[tokio::test]
async fn a_failure_lets_nobody_into_a_flow_whatever_its_binding_says() {
    let mut app = App::start().await;
    let (_, flow, _) = app.login().await;
    let fails = failing(&mut app).await;
    let binding = app.bind(&flow, json!({"policy": fails["pk"]})).await;
    for body in [
        json!({"failure_result": false}),
        json!({"failure_result": true}),
        json!({"failure_result": true, "negate": true}),
        json!({"failure_result": false, "negate": true}),
    ] {
        change(&mut app.admin, &binding, body.clone()).await;
        let denied = app.app.walker(SLUG).challenge().await;
        assert_eq!(denied["component"], "ak-stage-access-denied", "{body}");
        assert!(!denied.to_string().contains("GeoIP"), "{denied}");
    }
    let events = app.events("policy_exception").await;
    assert_eq!(events.len(), 4);
    assert_eq!(events[0]["exception"]["type"], "GeoIPNotFoundException");
    assert_eq!(events[0]["policy_uuid"], fails["pk"].as_str().unwrap().replace('-', ""));
    assert_eq!(events[0]["request"]["obj"]["name"], "Login");
    // One that is sure of it is enough where any is.
    let yes = dummy(&mut app, "yes", true).await;
    app.bind(&flow, json!({"policy": yes["pk"], "order": 1})).await;
    assert_eq!(met(&app).await, "ak-stage-identification");
}

/// The password is never skipped because the policy that would say so failed (CVE-2024-47070).
#[tokio::test]
async fn a_failure_skips_no_stage() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let fails = failing(&mut app).await;
    let binding = app.bind(&places[1], json!({"policy": fails["pk"]})).await;
    for (on_plan, on_run) in [(false, true), (true, false), (true, true)] {
        let place = format!("/api/v3/flows/bindings/{}/", places[1]["pk"].as_str().unwrap());
        let body = json!({"evaluate_on_plan": on_plan, "re_evaluate_policies": on_run});
        app.admin.patch(&place, body).await.expect(200);
        for (failure_result, negate) in [(false, false), (true, false), (false, true), (true, true)] {
            change(&mut app.admin, &binding, json!({"failure_result": failure_result, "negate": negate})).await;
            let mut walker = app.app.walker(SLUG);
            let first = walker.challenge().await;
            let end = if first["component"] == "ak-stage-access-denied" {
                first
            } else {
                walker.answer(json!({"component": "ak-stage-identification", "uid_field": "alice"})).await
            };
            assert_eq!(end["component"], "ak-stage-access-denied", "{on_plan} {on_run} {failure_result} {negate}");
        }
    }
    // A sure no passes the stage over, as it should.
    let no = dummy(&mut app, "no", false).await;
    change(&mut app.admin, &binding, json!({"policy": no["pk"], "negate": false})).await;
    let mut walker = app.app.walker(SLUG);
    let end = walker.answer(json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    assert_eq!(end["component"], "xak-flow-redirect");
}

#[tokio::test]
async fn what_takes_too_long_has_failed() {
    let mut app = App::start().await;
    let (_, flow, _) = app.login().await;
    let slow = app.policy("dummy", json!({"name": "slow", "result": true, "wait_min": 30, "wait_max": 30})).await;
    app.bind(&flow, json!({"policy": slow["pk"], "timeout": 1, "failure_result": true})).await;
    assert_eq!(met(&app).await, "ak-stage-access-denied");
    assert_eq!(app.events("policy_exception").await[0]["exception"]["type"], "TimeoutError");
}

#[tokio::test]
async fn a_policy_that_says_so_is_written_down_each_time() {
    let mut app = App::start().await;
    let (_, _, places) = app.login().await;
    let body = json!({"name": "told", "result": true, "wait_min": 0, "wait_max": 0, "execution_logging": true});
    let told = app.policy("dummy", body).await;
    app.bind(&places[1], json!({"policy": told["pk"]})).await;
    let end = app.app.walker(SLUG).login("alice", PASSWORD).await;
    assert_eq!(end["component"], "xak-flow-redirect");
    let events = app.events("policy_execution").await;
    assert!(!events.is_empty());
    assert_eq!(events[0]["result"], json!({"passing": true, "messages": ["dummy"]}));
    assert_eq!(events[0]["request"]["user"]["username"], "alice");
    assert!(!events.iter().any(|event| event.to_string().contains(PASSWORD)));
}
