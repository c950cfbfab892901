//! Tests of the stage that deletes an account.

use serde_json::{Value, json};
use vestibule_testkit::TestApp;

use crate::test_support::{PASSWORD, signed_in, two_steps};

async fn app(with_identification: bool) -> (TestApp, i64) {
    let login = two_steps(json!({}), json!({})).await;
    let app = login.app;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "unenrollment"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stage = app.create("authentik_stages_user_delete.userdeletestage", json!({"name": "delete"})).await;
    let stages = if with_identification { vec![login.identification, stage] } else { vec![stage] };
    for (order, stage) in stages.iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    (app, login.alice)
}

async fn exists(app: &TestApp, user: i64) -> bool {
    app.state.users.by_pk(user).await.unwrap().is_some()
}

#[tokio::test]
async fn whoever_agrees_is_gone_and_signed_out() {
    let (app, alice) = app(false).await;
    let mut walker = app.walker_with(signed_in(&app, "alice").await, "f");
    let challenge = walker.challenge().await;
    assert_eq!(challenge["component"], "ak-stage-consent", "{challenge}");
    for wrong in [json!({}), json!({"token": "x"}), json!({"component": "ak-stage-dummy", "token": challenge["token"]})]
    {
        assert_eq!(walker.answer(wrong).await["component"], "ak-stage-consent");
    }
    assert!(exists(&app, alice).await, "looking, and answering something else, deletes nothing");
    let end = walker.answer(json!({"token": challenge["token"]})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    assert!(!exists(&app, alice).await);
    let key = walker.client.cookies.get("authentik_session").cloned().unwrap_or_default();
    let session = app.state.sessions.load(&key).await.unwrap();
    assert!(session.is_none_or(|session| session.user.is_none()));
    let sql = "SELECT user_id FROM events WHERE action = 'model_deleted' AND model_name = 'user'";
    let events = app.store().database().query(sql, vec![]).await.unwrap();
    assert_eq!(events[0].int("user_id").unwrap(), alice);
}

/// A name that somebody typed is not theirs.
#[tokio::test]
async fn nobody_deletes_another() {
    let (app, alice) = app(true).await;
    app.user("mallory", PASSWORD, json!({})).await;
    for client in [app.anonymous(), signed_in(&app, "mallory").await] {
        let mut walker = app.walker_with(client, "f");
        let end = walker.answer(json!({"uid_field": "alice"})).await;
        assert_eq!(end["component"], "ak-stage-access-denied", "{end}");
        walker.answer(json!({"token": "x"})).await;
        assert!(exists(&app, alice).await);
    }
    let mut nobody = app.walker("f");
    let end = nobody.answer(json!({"uid_field": "ghost"})).await;
    assert_eq!(end["component"], "ak-stage-access-denied", "{end}");
}

#[tokio::test]
async fn a_stranger_is_told_so() {
    let (app, _) = app(false).await;
    let challenge: Value = app.walker("f").challenge().await;
    assert_eq!(
        (&challenge["component"], &challenge["error_message"]),
        (&json!("ak-stage-access-denied"), &json!("No Pending User."))
    );
}
