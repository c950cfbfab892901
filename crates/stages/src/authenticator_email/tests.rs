//! Tests of the stage that sets up codes by e-mail.

use serde_json::{Value, json};

use super::masked;
use crate::test_support::{SecondFactor, second_factor};

/// The code and the address of the last mail that waits to be sent, as the task knows them.
async fn mailed(world: &SecondFactor) -> (String, String) {
    let store = world.app.store();
    let sql = "SELECT arguments FROM tasks WHERE actor_name LIKE '%send_code' ORDER BY created DESC, id DESC LIMIT 1";
    let row = store.database().query_one(sql, vec![]).await.unwrap().unwrap();
    let arguments = row.json("arguments").unwrap();
    let letter = store.keys().open("tasks/email_code", arguments["letter"].as_str().unwrap()).unwrap();
    let letter: Value = serde_json::from_str(&letter).unwrap();
    (letter["token"].as_str().unwrap().to_owned(), letter["to"].as_str().unwrap().to_owned())
}

async fn count(world: &SecondFactor) -> i64 {
    world.app.store().database().count_rows("tasks").await.unwrap()
}

#[test]
fn addresses_are_hidden() {
    assert_eq!(masked("myname@company.org"), "m*****@c******.org");
    assert_eq!(masked("ab@x.y.example"), "**@*.*.example");
}

/// GHSA-qgqp-xh8r-v73r: where a code goes follows from the user, whatever a request says.
#[tokio::test]
async fn ghsa_qgqp_xh8r_v73r_the_recipient_is_never_taken_from_the_request() {
    let world = second_factor(json!({}), &["email"]).await;
    let mut walker = world.setup("email");
    let shown = walker.challenge().await;
    assert_eq!((&shown["email"], &shown["email_required"]), (&json!("A****@E******.com"), &json!(false)), "{shown}");
    assert_eq!(mailed(&world).await.1, "Alice@Example.com");
    world.app.clock.advance(chrono::TimeDelta::seconds(30));
    walker.answer(json!({"email": "mallory@evil.example"})).await;
    assert_eq!((count(&world).await, mailed(&world).await.1), (2, "Alice@Example.com".into()));
    let code = mailed(&world).await.0;
    let end = walker.answer(json!({"email": "mallory@evil.example", "code": code})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let mut admin = world.admin.clone();
    let listed = admin.get("/api/v3/authenticators/admin/email/").await.expect(200);
    assert_eq!(listed["results"][0]["email"], "Alice@Example.com");
    // Neither does the one that is sent for a login.
    world.app.clock.advance(chrono::TimeDelta::seconds(30));
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    let device = shown["device_challenges"][0].clone();
    assert_eq!(device["challenge"]["email"], "A****@E******.com");
    let mut chosen = device.clone();
    chosen["challenge"]["email"] = json!("mallory@evil.example");
    walker.answer(json!({"selected_challenge": chosen, "email": "mallory@evil.example"})).await;
    let (code, to) = mailed(&world).await;
    assert_eq!((count(&world).await, to.as_str()), (3, "Alice@Example.com"));
    // Not again at once, and a code opens once.
    walker.answer(json!({"selected_challenge": device})).await;
    assert_eq!(count(&world).await, 3);
    let end = walker.answer(json!({"code": code})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let again = world.login_with(json!({"code": code})).await;
    assert!(again["response_errors"]["code"].is_array(), "{again}");
}

#[tokio::test]
async fn a_code_ends_and_so_do_tries_at_it() {
    let world = second_factor(json!({}), &["email"]).await;
    let mut walker = world.setup("email");
    walker.challenge().await;
    let (code, _) = mailed(&world).await;
    for _ in 0..5 {
        let wrong = walker.answer(json!({"code": "x"})).await;
        assert_eq!(wrong["response_errors"]["code"][0]["string"], "Code does not match");
    }
    assert!(walker.answer(json!({"code": code})).await["response_errors"]["code"].is_array());
    world.app.clock.advance(chrono::TimeDelta::seconds(30));
    walker.answer(json!({"email": "again"})).await;
    let (code, _) = mailed(&world).await;
    world.app.clock.advance(chrono::TimeDelta::minutes(30));
    assert!(walker.answer(json!({"code": code})).await["response_errors"]["code"].is_array());
    assert_eq!(world.devices().await, json!([]));
}
