//! Rules, transports and notifications: who is told of what, and how.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::{App, results};

const RULES: &str = "/api/v3/events/rules/";
const TRANSPORTS: &str = "/api/v3/events/transports/";
const OWN: &str = "/api/v3/events/notifications/";

type Received = Arc<Mutex<Vec<Value>>>;

/// Somebody who takes webhooks: at `/`, at `/broken` (never), at `/away` (leads elsewhere).
async fn receiver() -> (String, Received) {
    let received = Received::default();
    let router = Router::new()
        .route(
            "/",
            post(|State(received): State<Received>, Json(body): Json<Value>| async move {
                received.lock().unwrap().push(body);
                "taken"
            }),
        )
        .route("/broken", post(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/away", post(|| async { (StatusCode::FOUND, [("location", "/")]) }))
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, received)
}

/// A rule for what members of a group do, told to that group; the group's key.
async fn rule(app: &App, admin: &mut Client, transports: &[&Value], members: &[i64]) -> Value {
    let group = app.app.create("authentik_core.group", json!({"name": "watched", "users": members})).await;
    let transports: Vec<&Value> = transports.iter().map(|transport| &transport["pk"]).collect();
    let body = json!({"name": "rule", "transports": transports, "severity": "alert", "destination_group": group["pk"]});
    let rule = admin.post(RULES, body).await.expect(201);
    let binding = json!({"target": rule["pk"], "group": group["pk"], "order": 0});
    app.app.create("authentik_policies.policybinding", binding).await;
    rule
}

#[tokio::test]
async fn rules_and_transports_are_made_checked_and_found() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let local = admin.post(TRANSPORTS, json!({"name": "local"})).await.expect(201);
    assert_eq!(
        (&local["mode"], &local["send_once"], &local["webhook_url"]),
        (&json!("local"), &json!(false), &json!(""))
    );
    let wrong = admin.post(TRANSPORTS, json!({"name": "hook", "mode": "webhook"})).await.expect(400);
    assert_eq!(wrong, json!({"webhook_url": ["Webhook URL may not be empty."]}));
    for (field, value) in [
        ("mode", "smoke"),
        ("webhook_url", "ftp://x"),
        ("email_template", "../../x"),
        ("webhook_ca", "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
    ] {
        let wrong = admin.post(TRANSPORTS, json!({"name": "x", field: value})).await.expect(400);
        assert_eq!(wrong.as_object().unwrap().keys().collect::<Vec<_>>(), [field], "{wrong}");
    }
    let taken = admin.post(TRANSPORTS, json!({"name": "local"})).await.expect(400);
    assert_eq!(taken, json!({"name": ["This field must be unique."]}));

    let group = app.app.create("authentik_core.group", json!({"name": "told"})).await;
    let body = json!({"name": "r", "transports": [local["pk"]], "destination_group": group["pk"]});
    let rule = admin.post(RULES, body).await.expect(201);
    assert_eq!((&rule["severity"], &rule["destination_group_obj"]["name"]), (&json!("notice"), &json!("told")));
    let found = admin.get(&format!("{RULES}?destination_group__name=told&severity=notice")).await.expect(200);
    assert_eq!(results(&found).len(), 1);
    assert_eq!(results(&admin.get(&format!("{RULES}?destination_group__name=x")).await.expect(200)).len(), 0);
    let used = admin.get(&format!("{TRANSPORTS}{}/used_by/", local["pk"].as_str().unwrap())).await.expect(200);
    assert_eq!(used[0]["model_name"], "notificationrule");
    // A group that goes is told no more.
    admin.delete(&format!("/api/v3/core/groups/{}/", group["pk"].as_str().unwrap())).await.expect(204);
    let path = format!("{RULES}{}/", rule["pk"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200)["destination_group"], Value::Null);
    admin.delete(&format!("{TRANSPORTS}{}/", local["pk"].as_str().unwrap())).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(200)["transports"], json!([]));
}

#[tokio::test]
async fn those_who_are_meant_are_told_once() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let local = admin.post(TRANSPORTS, json!({"name": "local"})).await.expect(201);
    let may = ["authentik_core.add_group", "authentik_core.view_group"];
    let (alice, mut as_alice) = app.clerk("alice", &may).await;
    let (bob, mut as_bob) = app.clerk("bob", &may).await;
    let (_, mut as_carol) = app.clerk("carol", &may).await;
    rule(&app, &mut admin, &[&local], &[alice, bob]).await;
    app.work().await;

    as_carol.post("/api/v3/core/groups/", json!({"name": "by carol"})).await.expect(201);
    app.work().await;
    assert_eq!(results(&as_alice.get(OWN).await.expect(200)).len(), 0, "carol is not watched");
    as_alice.post("/api/v3/core/groups/", json!({"name": "by alice"})).await.expect(201);
    app.work().await;
    app.work().await;
    for client in [&mut as_alice, &mut as_bob] {
        let listed = client.get(OWN).await.expect(200);
        let [notification] = results(&listed).as_slice() else { panic!("{listed}") };
        assert_eq!((&notification["severity"], &notification["seen"]), (&json!("alert"), &json!(false)));
        assert_eq!(notification["event"]["user"]["username"], "alice");
        assert_eq!(notification["event"]["action"], "model_created");
    }
    assert_eq!(results(&as_carol.get(OWN).await.expect(200)).len(), 0);

    // One's own, and nobody else's.
    let own = results(&as_alice.get(OWN).await.expect(200))[0].clone();
    let path = format!("{OWN}{}/", own["pk"].as_str().unwrap());
    assert_eq!(as_bob.get(&path).await.status, 404);
    assert_eq!(as_bob.patch(&path, json!({"seen": true})).await.status, 404);
    assert_eq!(as_bob.delete(&path).await.status, 404);
    let changed =
        as_alice.patch(&path, json!({"seen": true, "body": "forged", "severity": "notice"})).await.expect(200);
    assert_eq!(
        (&changed["seen"], &changed["severity"], &changed["body"]),
        (&json!(true), &json!("alert"), &own["body"])
    );
    as_bob.post(&format!("{OWN}mark_all_seen/"), json!({})).await.expect(204);
    assert_eq!(results(&as_bob.get(&format!("{OWN}?seen=false")).await.expect(200)).len(), 0);
    as_alice.delete(&path).await.expect(204);
    assert_eq!(as_alice.get(&path).await.status, 404);
    assert_eq!(as_alice.post(OWN, json!({})).await.status, 405);
}

#[tokio::test]
async fn a_rule_matches_what_its_policies_say() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let local = admin.post(TRANSPORTS, json!({"name": "local"})).await.expect(201);
    let body = json!({"name": "r", "transports": [local["pk"]], "destination_event_user": true});
    let rule = admin.post(RULES, body).await.expect(201);
    app.work().await;
    admin.post("/api/v3/core/groups/", json!({"name": "x"})).await.expect(201);
    assert_eq!(app.work().await, 0, "nobody is even asked");
    let matcher = json!({
        "name": "m", "action": "model_created", "app": "authentik.events", "model": "authentik_core.group",
        "query": "action = \"model_created\"",
    });
    let matcher = app.app.create("authentik_policies_event_matcher.eventmatcherpolicy", matcher).await;
    let binding = json!({"target": rule["pk"], "policy": matcher["pk"], "order": 0});
    app.app.create("authentik_policies.policybinding", binding).await;
    admin.post("/api/v3/core/roles/", json!({"name": "no"})).await;
    app.work().await;
    assert_eq!(results(&admin.get(OWN).await.expect(200)).len(), 0);
    admin.post("/api/v3/core/groups/", json!({"name": "y"})).await.expect(201);
    assert!(app.work().await > 0);
    assert_eq!(results(&admin.get(OWN).await.expect(200)).len(), 1);
}

/// Nothing is guarded by a rule: a policy that fails counts as its binding says.
#[tokio::test]
async fn what_a_binding_says_of_failures_counts() {
    let app = App::start().await;
    let mut admin = app.app.admin().await;
    let local = admin.post(TRANSPORTS, json!({"name": "local"})).await.expect(201);
    let body = json!({"name": "r", "transports": [local["pk"]], "destination_event_user": true});
    let rule = admin.post(RULES, body).await.expect(201);
    let (_, mut as_alice) = app.clerk("alice", &["authentik_core.add_group"]).await;
    let matcher = json!({"name": "m", "query": "no query at all ("});
    let matcher = app.app.create("authentik_policies_event_matcher.eventmatcherpolicy", matcher).await;
    for (order, failure_result) in [(0, false), (1, true)] {
        let fails = json!({
            "target": rule["pk"], "policy": matcher["pk"], "order": order, "failure_result": failure_result,
        });
        app.app.create("authentik_policies.policybinding", fails).await;
        app.work().await;
        as_alice.post("/api/v3/core/groups/", json!({"name": format!("{order}")})).await.expect(201);
        app.work().await;
        assert_eq!(results(&as_alice.get(OWN).await.expect(200)).len(), order, "{failure_result}");
    }
    let failed = admin.get("/api/v3/events/events/?action=policy_exception").await.expect(200);
    assert_eq!(results(&failed)[0]["context"]["policy"]["name"], "m");
}

#[tokio::test]
async fn webhooks_slack_and_mails_are_sent() {
    let app = App::start_with(&["127.0.0.0/8"]).await;
    let mut admin = app.app.admin().await;
    let (address, received) = receiver().await;
    let plain = json!({"name": "plain", "mode": "webhook", "webhook_url": address});
    let plain = admin.post(TRANSPORTS, plain).await.expect(201);
    let slack = json!({"name": "slack", "mode": "webhook_slack", "webhook_url": address, "send_once": true});
    let slack = admin.post(TRANSPORTS, slack).await.expect(201);
    let mail = json!({"name": "mail", "mode": "email", "email_subject_prefix": "Told: "});
    let mail = admin.post(TRANSPORTS, mail).await.expect(201);
    let (alice, mut as_alice) = app.clerk("alice", &["authentik_core.add_group"]).await;
    let (bob, _) = app.clerk("bob", &[]).await;
    rule(&app, &mut admin, &[&plain, &slack, &mail], &[alice, bob]).await;
    app.work().await;
    as_alice.post("/api/v3/core/groups/", json!({"name": "news"})).await.expect(201);
    app.work().await;

    let bodies = received.lock().unwrap().clone();
    let (slacks, plains): (Vec<_>, Vec<_>) = bodies.into_iter().partition(|body| body.get("attachments").is_some());
    assert_eq!((plains.len(), slacks.len()), (2, 1), "everybody by one, one by the other");
    let names: Vec<_> = plains.iter().map(|body| body["user_username"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob"]);
    assert_eq!(
        (&plains[1]["severity"], &plains[1]["event_user_email"]),
        (&json!("alert"), &json!("alice@example.com"))
    );
    let attachment = &slacks[0]["attachments"][0];
    assert_eq!(attachment["title"], "model_created");
    assert_eq!(attachment["fields"][0], json!({"title": "Severity", "value": "alert", "short": true}));
    let mails = app.outbox.0.lock().unwrap().clone();
    assert_eq!(mails.len(), 2);
    assert_eq!((&mails[1]["to"], &mails[1]["subject"]), (&json!("bob@example.com"), &json!("Told: model_created")));
    assert!(mails[1]["text"].as_str().unwrap().contains("event_user_username: alice"));
    let sent = admin.get("/api/v3/events/events/?actions=email_sent").await.expect(200);
    let context = &results(&sent)[0]["context"];
    assert_eq!((results(&sent).len(), &context["subject"]), (2, &json!("Told: model_created")));
    assert!(context["to_email"][0].as_str().unwrap().ends_with("@example.com>"), "{context}");
    assert!(mails[1]["html"].as_str().unwrap().contains("<th>event_user_username</th><td>alice</td>"));
}

#[tokio::test]
async fn a_test_tells_how_it_went() {
    let app = App::start_with(&["127.0.0.0/8"]).await;
    let mut admin = app.app.admin().await;
    let (address, received) = receiver().await;
    let hook = json!({"name": "hook", "mode": "webhook", "webhook_url": address});
    let hook = admin.post(TRANSPORTS, hook).await.expect(201);
    let path = format!("{TRANSPORTS}{}/", hook["pk"].as_str().unwrap());
    let test = format!("{path}test/");
    assert_eq!(admin.post(&test, json!({})).await.expect(200), json!({"messages": ["200", "taken"]}));
    assert_eq!(received.lock().unwrap()[0]["body"], "Test Notification from transport hook");
    for (place, said) in [("/broken", "status 500"), ("/away", "status 302")] {
        admin.patch(&path, json!({"webhook_url": format!("{address}{place}")})).await.expect(200);
        let answer = admin.post(&test, json!({})).await.expect(400);
        assert!(answer["non_field_errors"][0].as_str().unwrap().contains(said), "{answer}");
    }
    assert_eq!(received.lock().unwrap().len(), 1, "a redirection is not followed");
    let (_, mut reader) = app.clerk("reader", &["authentik_events.view_notificationtransport"]).await;
    reader.post(&test, json!({})).await.expect(403);
}

/// The mappings of a webhook make its body and its headers; one that fails is written down, and nothing is sent.
#[tokio::test]
async fn mappings_make_webhooks() {
    let app = App::start_with(&["127.0.0.0/8"]).await;
    let mut admin = app.app.admin().await;
    let received = Received::default();
    let take = |State(received): State<Received>, headers: http::HeaderMap, Json(body): Json<Value>| async move {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        received.lock().unwrap().push(json!([body, header("x-team"), header("content-type")]));
    };
    let router = Router::new().route("/", post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mapping = async |name: &str, expression: &str| {
        let body = json!({"name": name, "expression": expression});
        app.app.create("authentik_events.notificationwebhookmapping", body).await["pk"].clone()
    };
    let body = "return {'text': notification.body, 'to': user.username, 'of': request.user.email, \
                'what': notification.event.context['message'], 'via': request.obj.name}";
    let body = mapping("body", body).await;
    let headers =
        mapping("headers", "return {'X-Team': notification.severity, 'Content-Type': 'application/x+json'}").await;
    let hook = json!({
        "name": "hook", "mode": "webhook", "webhook_url": address, "webhook_mapping_body": body,
        "webhook_mapping_headers": headers,
    });
    let hook = admin.post(TRANSPORTS, hook).await.expect(201);
    let path = format!("{TRANSPORTS}{}/", hook["pk"].as_str().unwrap());
    let test = format!("{path}test/");
    admin.post(&test, json!({})).await.expect(200);
    let expected = json!({
        "text": "Test Notification from transport hook", "to": "test-admin", "of": "", "what": "Test of the transport hook.",
        "via": "body",
    });
    assert_eq!(received.lock().unwrap()[0], json!([expected, "notice", "application/x+json"]));

    let token = "return {'a': user.username[100]}  # hunter2";
    for (name, expression, said) in [
        ("fails", token, "fails: IndexError"),
        ("endless", "while True:\n    pass", "endless: TimeoutError: the program exceeded its budget: time"),
        ("a list", "return [1]", "The mapping of the headers makes no dictionary."),
        ("two lines", "return {'X-A': 'b\\nc'}", "This is no header field that can be sent."),
    ] {
        let failing = mapping(name, expression).await;
        admin.patch(&path, json!({"webhook_mapping_headers": failing})).await.expect(200);
        let answer = admin.post(&test, json!({})).await.expect(400);
        assert!(answer["non_field_errors"][0].as_str().unwrap().starts_with(said), "{answer}");
    }
    assert_eq!(received.lock().unwrap().len(), 1, "nothing is sent that is not whole");
    let events =
        admin.get("/api/v3/events/events/?actions=property_mapping_exception&ordering=created").await.expect(200);
    let of = |name: &str| results(&events).iter().find(|event| event["context"]["mapping"]["name"] == name).unwrap();
    let (first, second) = (of("fails"), of("endless"));
    assert_eq!(results(&events).len(), 2);
    let context = &first["context"];
    assert_eq!((&context["mapping"]["name"], &context["line"]), (&json!("fails"), &json!(1)));
    assert_eq!(
        (&context["exception"]["type"], &first["user"]["username"]),
        (&json!("IndexError"), &json!("test-admin"))
    );
    assert_eq!(second["context"]["mapping"]["model_name"], "notificationwebhookmapping");
    assert!(!first.to_string().contains("hunter2"), "{first}");
}
