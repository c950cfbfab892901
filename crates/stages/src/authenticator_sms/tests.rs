//! Tests of the stage that sets up codes by text message, with a provider of our own on loopback.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::number;
use crate::test_support::{SecondFactor, second_factor_with};

type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// A provider that takes what it is sent; its address, and what it took.
async fn provider() -> (String, Taken) {
    let taken = Taken::default();
    let take = |State(taken): State<Taken>, headers: http::HeaderMap, Json(body): Json<Value>| async move {
        let authorization = headers["authorization"].to_str().unwrap().to_owned();
        taken.lock().unwrap().push((authorization, body));
    };
    let router = Router::new().route("/send", post(take)).with_state(Arc::clone(&taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/send", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, taken)
}

async fn world(address: &str, more: Value) -> SecondFactor {
    let mut stage = json!({
        "provider": "generic", "from_number": "+1", "account_sid": address, "auth": "name", "auth_password": "secret",
    });
    for (name, value) in more.as_object().unwrap() {
        stage[name] = value.clone();
    }
    second_factor_with(json!({}), &[("sms", stage)]).await
}

fn last(taken: &Taken) -> (String, Value) {
    taken.lock().unwrap().last().cloned().unwrap()
}

#[test]
fn numbers_are_numbers() {
    assert_eq!(number("+49 (30) 123-456").as_deref(), Some("+4930123456"));
    for wrong in ["", "12", "+49x30123456", "1234567890123456", "a@b"] {
        assert_eq!(number(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_number_is_proved_and_gets_codes() {
    let (address, taken) = provider().await;
    let world = world(&address, json!({})).await;
    let mut walker = world.setup("sms");
    assert_eq!(walker.challenge().await["phone_number_required"], true);
    let wrong = walker.answer(json!({"phone_number": "nonsense"})).await;
    assert_eq!(wrong["response_errors"]["phone_number"][0]["string"], "Invalid phone number");
    let next = walker.answer(json!({"phone_number": "+49 30 123456"})).await;
    assert_eq!(next["phone_number_required"], false, "{next}");
    let (authorization, body) = last(&taken);
    assert_eq!(authorization, "Basic bmFtZTpzZWNyZXQ=");
    assert_eq!((&body["To"], &body["From"]), (&json!("+4930123456"), &json!("+1")));
    let end = walker.answer(json!({"code": body["Body"]})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    walker.answer(json!({"selected_challenge": shown["device_challenges"][0]})).await;
    let end = walker.answer(json!({"code": last(&taken).1["Body"]})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    assert_eq!(taken.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_number_that_is_only_proved_is_not_kept() {
    let (address, taken) = provider().await;
    let world = world(&address, json!({"verify_only": true, "auth_type": "bearer"})).await;
    let mut walker = world.setup("sms");
    walker.answer(json!({"phone_number": "+4930123456"})).await;
    assert_eq!(last(&taken).0, "Bearer name");
    walker.answer(json!({"code": last(&taken).1["Body"]})).await;
    let mut admin = world.admin.clone();
    let listed = admin.get("/api/v3/authenticators/admin/sms/").await.expect(200);
    assert!(listed["results"][0]["phone_number"].as_str().unwrap().starts_with("hash:"), "{listed}");
    let end = world.app.walker(crate::test_support::SLUG).login("alice", crate::test_support::PASSWORD).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
}

#[tokio::test]
async fn a_provider_that_fails_is_told_of() {
    let world = world("http://127.0.0.1:9/send", json!({})).await;
    let mut walker = world.setup("sms");
    let failed = walker.answer(json!({"phone_number": "+4930123456"})).await;
    assert_eq!(failed["response_errors"]["phone_number"][0]["string"], "The message could not be sent.");
    let sql = "SELECT action FROM events WHERE action = 'configuration_error'";
    assert_eq!(world.app.store().database().query(sql, vec![]).await.unwrap().len(), 1);
}

/// A mapping with this expression, and a stage that sends through it.
async fn mapped_world(address: &str, expression: &str) -> SecondFactor {
    let world = world(address, json!({})).await;
    let mapping = json!({"name": "gateway", "expression": expression});
    let mapping = world.app.create("authentik_events.notificationwebhookmapping", mapping).await;
    let mut admin = world.admin.clone();
    let path = "/api/v3/stages/authenticator/sms/";
    let listed = admin.get(path).await.expect(200);
    let detail = format!("{path}{}/", listed["results"][0]["pk"].as_str().unwrap());
    admin.patch(&detail, json!({"mapping": mapping["pk"]})).await.expect(200);
    world
}

#[tokio::test]
async fn a_mapping_makes_the_message() {
    let (address, taken) = provider().await;
    let expression = "return {'to': [device.phone_number], 'text': f'{token} for {user.username}', 'by': stage.name}";
    let world = mapped_world(&address, expression).await;
    let mut walker = world.setup("sms");
    let next = walker.answer(json!({"phone_number": "+49 30 123456"})).await;
    assert_eq!(next["phone_number_required"], false, "{next}");
    let body = last(&taken).1;
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    assert_eq!(body["to"], json!(["+4930123456"]));
    let (code, rest) = body["text"].as_str().unwrap().split_at(6);
    assert_eq!(rest, " for alice");
    let end = walker.answer(json!({"code": code})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
}

#[tokio::test]
async fn a_mapping_that_raises_sends_nothing_and_is_told_of() {
    let (address, taken) = provider().await;
    let world = mapped_world(&address, "return {'x': token['none']}").await;
    let failed = world.setup("sms").answer(json!({"phone_number": "+4930123456"})).await;
    assert_eq!(failed["response_errors"]["phone_number"][0]["string"], "The message could not be sent.");
    assert!(taken.lock().unwrap().is_empty());
    let sql = "SELECT action FROM events WHERE action IN ('configuration_error', 'property_mapping_exception')";
    assert_eq!(world.app.store().database().query(sql, vec![]).await.unwrap().len(), 2);
}
