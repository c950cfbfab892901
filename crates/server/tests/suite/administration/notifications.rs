//! Telling people of events, on whole servers: mappings, failures, and two nodes that must not tell twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use vestibule_testkit::Client;

use crate::app::{App, node, settings};

const TRANSPORTS: &str = "/api/v3/events/transports/";
const DELIVER: &str = "authentik.events.tasks.notification_transport";
/// Events that the two nodes are given.
const MANY: usize = 12;

/// Somebody who takes webhooks as long as they are told to: how often they were asked, and what they took.
#[derive(Clone, Default)]
struct Hook {
    fails: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<String>>>,
}

async fn take(State(hook): State<Hook>, body: String) -> StatusCode {
    hook.asked.fetch_add(1, Ordering::SeqCst);
    if hook.fails.load(Ordering::SeqCst) > 0 {
        hook.fails.fetch_sub(1, Ordering::SeqCst);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    hook.taken.lock().unwrap().push(body);
    StatusCode::OK
}

async fn hook() -> (String, Hook) {
    let hook = Hook::default();
    let router = Router::new().route("/", post(take)).with_state(hook.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, hook)
}

/// A rule that tells the administrator, over one transport, of what the administrators do.
async fn rule(admin: &mut Client, transport: &Value) {
    let body = json!({"name": "rule", "transports": [transport["pk"]], "destination_event_user": true});
    let rule = admin.post("/api/v3/events/rules/", body).await.expect(201);
    let groups = admin.get("/api/v3/core/groups/?name=authentik+Admins").await.expect(200);
    let body = json!({"target": rule["pk"], "order": 0, "group": groups["results"][0]["pk"]});
    admin.post("/api/v3/policies/bindings/", body).await.expect(201);
}

/// The tasks of deliveries.
async fn deliveries(admin: &mut Client) -> Vec<Value> {
    let listed = admin.get(&format!("/api/v3/tasks/tasks/?actor_name={DELIVER}&page_size=100")).await.expect(200);
    listed["results"].as_array().unwrap().clone()
}

/// A rule waits for what its policies say, and for no more.
#[tokio::test]
async fn a_rule_asks_its_expression_about_the_event() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (address, hook) = hook().await;
    let transport = json!({"name": "hook", "mode": "webhook", "webhook_url": address});
    let transport = admin.post(TRANSPORTS, transport).await.expect(201);
    let rule = json!({"name": "rule", "transports": [transport["pk"]], "destination_event_user": true});
    let rule = admin.post("/api/v3/events/rules/", rule).await.expect(201);
    let text = "event = context['event']\n\
                return event.action == 'model_created' and event.context['model']['name'] == 'wanted' \
                and event.user['username'] == 'akadmin'";
    let policy = json!({"name": "asks", "expression": text});
    let policy = admin.post("/api/v3/policies/expression/", policy).await.expect(201);
    let binding = json!({"target": rule["pk"], "order": 0, "policy": policy["pk"]});
    admin.post("/api/v3/policies/bindings/", binding).await.expect(201);
    for name in ["unwanted", "wanted"] {
        admin.post("/api/v3/core/groups/", json!({"name": name})).await.expect(201);
    }
    for _ in 0..4 {
        app.server.runner.run_due().await.unwrap();
    }
    let taken = hook.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].contains("wanted") && !taken[0].contains("unwanted"), "{taken:?}");
}

/// Whoever waits for one action wakes nobody for another.
#[tokio::test]
async fn a_rule_of_one_action_is_asked_about_no_other() {
    let app = App::start().await;
    let mut admin = app.admin();
    let asked = async || {
        let sql =
            "SELECT COUNT(*) AS count FROM tasks WHERE actor_name = 'authentik.events.tasks.event_trigger_dispatch'";
        app.server.api.store.database().query_one(sql, vec![]).await.unwrap().unwrap().int("count").unwrap()
    };
    let before = asked().await;
    admin.post("/api/v3/core/groups/", json!({"name": "one"})).await.expect(201);
    assert_eq!(asked().await, before, "the rules that come with the server wait for faults");
    let body = json!({"action": "configuration_error", "app": "tests"});
    admin.post("/api/v3/events/events/", body).await.expect(201);
    assert_eq!(asked().await, before + 1);
    let matchers = admin.get("/api/v3/policies/event_matcher/?name=default-match-update").await.expect(200);
    let path = format!("/api/v3/policies/event_matcher/{}/", matchers["results"][0]["pk"].as_str().unwrap());
    admin.patch(&path, json!({"action": null, "app": "authentik.core"})).await.expect(200);
    let before = asked().await;
    admin.post("/api/v3/core/groups/", json!({"name": "two"})).await.expect(201);
    assert!(asked().await > before, "an application's events are of any action");
}

#[tokio::test]
async fn what_fails_is_tried_again_and_given_up_with_an_event_that_nobody_is_told_of() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (address, hook) = hook().await;
    let body = json!({"name": "hook", "mode": "webhook", "webhook_url": address});
    let transport = admin.post(TRANSPORTS, body).await.expect(201);
    rule(&mut admin, &transport).await;
    let work = || app.server.runner.run_due();
    work().await.unwrap();
    hook.taken.lock().unwrap().clear();
    hook.asked.store(0, Ordering::SeqCst);

    hook.fails.store(2, Ordering::SeqCst);
    admin.post("/api/v3/core/groups/", json!({"name": "in the end"})).await.expect(201);
    for _ in 0..8 {
        work().await.unwrap();
        app.later(3600);
    }
    assert_eq!((hook.asked.load(Ordering::SeqCst), hook.taken.lock().unwrap().len()), (3, 1));
    let told = deliveries(&mut admin).await;
    let told = told.iter().find(|task| task["retries"] == 2).unwrap();
    assert_eq!((&told["state"], told["previous_logs"].as_array().unwrap().len()), (&json!("done"), 2));
    assert_eq!(
        (&told["rel_obj_app_label"], &told["rel_obj_model"]),
        (&json!("authentik_events"), &json!("notificationtransport"))
    );

    hook.fails.store(usize::MAX / 2, Ordering::SeqCst);
    admin.post("/api/v3/core/groups/", json!({"name": "never"})).await.expect(201);
    for _ in 0..20 {
        work().await.unwrap();
        app.later(3600);
    }
    let given_up = admin.get("/api/v3/tasks/tasks/?aggregated_status=rejected").await.expect(200);
    let [task] = given_up["results"].as_array().unwrap().as_slice() else { panic!("{given_up}") };
    assert!(task["logs"][0]["event"].as_str().unwrap().contains("503"), "{task}");
    assert_eq!(hook.asked.load(Ordering::SeqCst), 3 + 6, "once, and five times again");
    let events = admin.get("/api/v3/events/events/?actions=system_task_exception").await.expect(200);
    let [event] = events["results"].as_array().unwrap().as_slice() else { panic!("{events}") };
    assert_eq!(event["context"]["actor"], DELIVER);
    // By hand, once the other side is well again.
    hook.fails.store(0, Ordering::SeqCst);
    let path = format!("/api/v3/tasks/tasks/{}/retry/", task["message_id"].as_str().unwrap());
    admin.post(&path, json!({})).await.expect(204);
    work().await.unwrap();
    assert!(hook.taken.lock().unwrap().iter().any(|body| body.contains("never")));
    assert_eq!(admin.post(&path, json!({})).await.status, 400, "there is nothing to try again");
}

#[tokio::test]
async fn a_mapping_that_fails_sends_nothing() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (address, hook) = hook().await;
    let mappings = "/api/v3/propertymappings/notification/";
    let mapping = admin.post(mappings, json!({"name": "m", "expression": "raise ValueError('no')"})).await.expect(201);
    let other = json!({"name": "s", "scope_name": "s", "expression": "return {}"});
    let other = admin.post("/api/v3/propertymappings/provider/scope/", other).await.expect(201);
    for field in ["webhook_mapping_body", "webhook_mapping_headers"] {
        let body = |key: &Value| json!({"name": field, "mode": "webhook", "webhook_url": address, field: key});
        let wrong = admin.post(TRANSPORTS, body(&other["pk"])).await.expect(400);
        let message = format!("Invalid pk \"{}\" - object does not exist.", other["pk"].as_str().unwrap());
        assert_eq!(wrong, json!({field: [message]}), "a mapping of another kind is none");
        let made = admin.post(TRANSPORTS, body(&mapping["pk"])).await.expect(201);
        let path = format!("{TRANSPORTS}{}/test/", made["pk"].as_str().unwrap());
        let refused = admin.post(&path, json!({})).await.expect(400);
        assert!(refused["non_field_errors"][0].as_str().unwrap().contains("m: ValueError"), "{refused}");
    }
    let listed = admin.get(&format!("{TRANSPORTS}?name=webhook_mapping_body")).await.expect(200);
    let transport = listed["results"][0].clone();
    rule(&mut admin, &transport).await;
    admin.post("/api/v3/core/groups/", json!({"name": "x"})).await.expect(201);
    app.server.runner.run_due().await.unwrap();
    let tasks = deliveries(&mut admin).await;
    assert!(!tasks.is_empty() && tasks.iter().all(|task| task["state"] == "rejected"), "{tasks:?}");
    assert!(tasks[0]["logs"][0]["event"].as_str().unwrap().contains("m: ValueError"), "{tasks:?}");
    assert_eq!(hook.asked.load(Ordering::SeqCst), 0);
    // Deleted, it is missed nowhere.
    let path = format!("/api/v3/propertymappings/all/{}/", mapping["pk"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    let path = format!("{TRANSPORTS}{}/", transport["pk"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200)["webhook_mapping_body"], Value::Null);
    let tested = admin.post(&format!("{path}test/"), json!({})).await.expect(200);
    assert_eq!(tested["messages"][0], "200");
}

/// Two nodes over one database where there can be two, else one with two runners' worth of turns.
#[tokio::test]
async fn an_event_is_told_once_however_many_nodes_there_are() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (address, hook) = hook().await;
    let body = json!({"name": "hook", "mode": "webhook", "webhook_url": address});
    let transport = admin.post(TRANSPORTS, body).await.expect(201);
    rule(&mut admin, &transport).await;
    app.server.runner.run_due().await.unwrap();
    hook.taken.lock().unwrap().clear();

    let other = match app.store().database().is_sqlite() {
        true => None,
        false => Some(node(&app.database, &app.clock, &settings(&[])).await),
    };
    let (stop, stopped) = watch::channel(false);
    let runners = [Some(&app.server), other.as_ref()].into_iter().flatten().map(|server| server.runner.clone());
    let running: Vec<_> = runners.map(|runner| tokio::spawn(runner.run(stopped.clone()))).collect();
    for number in 0..MANY {
        admin.post("/api/v3/core/groups/", json!({"name": format!("group-{number}-told")})).await.expect(201);
    }
    let told = async {
        while hook.taken.lock().unwrap().len() < MANY {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // Nothing waits any more: whoever would tell twice has done so.
        while app.number("SELECT COUNT(*) AS n FROM tasks WHERE due IS NOT NULL", vec![]).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect("all are told");
    stop.send(true).unwrap();
    for node in running {
        node.await.unwrap();
    }
    let bodies = hook.taken.lock().unwrap().clone();
    for number in 0..MANY {
        let name = format!("group-{number}-told");
        assert_eq!(bodies.iter().filter(|body| body.contains(&name)).count(), 1, "{name}");
    }
}
