//! Tests of the stage that sets up Duo, with a Duo of our own on loopback.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::test_support::second_factor_with;

#[derive(Default)]
struct Duo {
    status: &'static str,
    result: &'static str,
    asked: Vec<(String, Value)>,
}

type Shared = Arc<Mutex<Duo>>;

fn fine(response: Value) -> Json<Value> {
    Json(json!({"stat": "OK", "response": response}))
}

async fn duo() -> (String, Shared) {
    let shared = Shared::default();
    let note = |shared: &Shared, path: &str, form: Value| shared.lock().unwrap().asked.push((path.into(), form));
    let enroll = move |State(shared): State<Shared>, Form(form): Form<Value>| async move {
        note(&shared, "enroll", form);
        fine(json!({"user_id": "DU1", "activation_code": "duo://x", "activation_barcode": "https://duo.example/qr"}))
    };
    let status = |State(shared): State<Shared>| async move { fine(json!(shared.lock().unwrap().status)) };
    let auth = move |State(shared): State<Shared>, Form(form): Form<Value>| async move {
        note(&shared, "auth", form);
        fine(json!({"result": shared.lock().unwrap().result, "status_msg": ""}))
    };
    let users = || async {
        let users = json!([{"user_id": "DU1", "username": "alice"}, {"user_id": "DU2", "username": "nobody"}]);
        Json(json!({"stat": "OK", "response": users, "metadata": {"total_objects": 2}}))
    };
    let router = Router::new()
        .route("/auth/v2/enroll", post(enroll))
        .route("/auth/v2/enroll_status", post(status))
        .route("/auth/v2/auth", post(auth))
        .route("/admin/v1/users", get(users))
        .with_state(Arc::clone(&shared));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, shared)
}

fn settings(address: &str) -> Value {
    json!({"client_id": "id", "client_secret": "secret", "api_hostname": address})
}

#[tokio::test]
async fn duo_is_set_up_and_asked() {
    let (address, duo) = duo().await;
    let world = second_factor_with(json!({}), &[("duo", settings(&address))]).await;
    let mut walker = world.setup("duo");
    let shown = walker.challenge().await;
    assert_eq!(shown["activation_code"], "duo://x", "{shown}");
    assert_eq!(duo.lock().unwrap().asked[0], ("enroll".into(), json!({"username": "alice"})));
    duo.lock().unwrap().status = "waiting";
    let path = format!("/api/v3/stages/authenticator/duo/{}/enrollment_status/", shown["stage_uuid"].as_str().unwrap());
    assert_eq!(walker.client.post(&path, json!({})).await.expect(200), json!({"duo_response": "waiting"}));
    world.app.anonymous().post(&path, json!({})).await.expect(400);
    let component = json!({"component": "ak-stage-authenticator-duo"});
    let waiting = walker.answer(component.clone()).await;
    assert_eq!(waiting["response_errors"]["non_field_errors"][0]["string"], "Invalid enrollment status: waiting.");
    duo.lock().unwrap().status = "invalid";
    let ended = walker.answer(component.clone()).await;
    assert_eq!(ended["response_errors"]["non_field_errors"][0]["string"], "Invalid enrollment status: invalid.");
    assert_eq!(duo.lock().unwrap().asked.len(), 2, "it has begun anew");
    duo.lock().unwrap().status = "success";
    assert_eq!(walker.answer(component).await["component"], "xak-flow-redirect");

    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    let uid: i64 = shown["device_challenges"][0]["device_uid"].as_str().unwrap().parse().unwrap();
    duo.lock().unwrap().result = "deny";
    let denied = walker.answer(json!({"duo": uid})).await;
    assert_eq!(denied["response_errors"]["duo"][0]["string"], "Duo denied access", "{denied}");
    duo.lock().unwrap().result = "allow";
    let other = walker.answer(json!({"duo": uid + 1})).await;
    assert_eq!(other["response_errors"]["duo"][0]["string"], "Invalid device");
    assert_eq!(walker.answer(json!({"duo": uid})).await["component"], "xak-flow-redirect");
    let asked = duo.lock().unwrap().asked.last().unwrap().1.clone();
    let read = [&asked["user_id"], &asked["display_username"], &asked["type"], &asked["pushinfo"]];
    assert_eq!(read, ["DU1", "alice", "Vestibule", "Domain=localhost"], "{asked}");
}

#[tokio::test]
async fn users_of_duo_are_taken_over_once() {
    let (address, _) = duo().await;
    let mut stage = settings(&address);
    stage["admin_integration_key"] = json!("admin");
    stage["admin_secret_key"] = json!("secret");
    let world = second_factor_with(json!({}), &[("duo", stage)]).await;
    let mut admin = world.admin.clone();
    let stages = admin.get("/api/v3/stages/authenticator/duo/").await.expect(200);
    let path = format!("/api/v3/stages/authenticator/duo/{}/", stages["results"][0]["pk"].as_str().unwrap());
    let automatic = format!("{path}import_devices_automatic/");
    assert_eq!(admin.post(&automatic, json!({})).await.expect(200), json!({"count": 1, "error": ""}));
    assert_eq!(admin.post(&automatic, json!({})).await.expect(200)["count"], 0);
    let manual = format!("{path}import_device_manual/");
    let body = json!({"username": "alice", "duo_user_id": "DU9"});
    admin.post(&manual, body.clone()).await.expect(204);
    let again = admin.post(&manual, body).await.expect(400);
    assert_eq!(again, json!({"non_field_errors": ["Device exists already."]}));
    let nobody = admin.post(&manual, json!({"username": "x", "duo_user_id": "y"})).await.expect(400);
    assert_eq!(nobody, json!({"non_field_errors": ["User does not exist."]}));
    world.app.token_of(world.alice).await.post(&manual, json!({})).await.expect(403);
}
