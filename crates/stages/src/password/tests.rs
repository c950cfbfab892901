//! Tests of the password stage: what is accepted, rehashed, throttled and told.

use serde_json::json;
use vestibule_testkit::TestApp;

use crate::test_support::{PASSWORD, SLUG, families, two_steps};

#[tokio::test]
async fn an_application_password_stands_in() {
    let login = two_steps(json!({}), json!({})).await;
    let token = json!({"identifier": "mail-client", "intent": "app_password", "user": login.alice});
    login.app.create("authentik_core.token", token).await;
    let mut admin = login.app.admin().await;
    let body = json!({"key": "an-application-password"});
    admin.post("/api/v3/core/tokens/mail-client/set_key/", body).await.expect(204);
    let end = login.app.walker(SLUG).login("alice", "an-application-password").await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    // Somebody else's is none.
    login.app.user("bob", PASSWORD, json!({})).await;
    let end = login.app.walker(SLUG).login("bob", "an-application-password").await;
    assert!(end["response_errors"].is_object(), "{end}");
}

#[tokio::test]
async fn an_application_password_is_refused_without_its_backend() {
    let login = two_steps(json!({}), json!({"backends": ["authentik.core.auth.InbuiltBackend"]})).await;
    let token = json!({"identifier": "mail-client", "intent": "app_password", "user": login.alice});
    login.app.create("authentik_core.token", token).await;
    let mut admin = login.app.admin().await;
    admin.post("/api/v3/core/tokens/mail-client/set_key/", json!({"key": "an-application-password"})).await.expect(204);
    let end = login.app.walker(SLUG).login("alice", "an-application-password").await;
    assert!(end["response_errors"].is_object(), "{end}");
}

#[tokio::test]
async fn a_django_hash_is_verified_and_made_anew() {
    let login = two_steps(json!({}), json!({})).await;
    // pbkdf2_sha256 of "django-secret" with the salt "saltsalt" and 1000 rounds.
    let hash = "pbkdf2_sha256$1000$saltsalt$p2ygWH3GnS5OJkPiss/Qgwpd7+vz5etCVBtkLUcl048=";
    let users = &login.app.state.users;
    users.set_password(login.alice, hash, None).await.unwrap();
    let end = login.app.walker(SLUG).login("alice", "django-secret").await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let stored = users.by_pk(login.alice).await.unwrap().unwrap().password.unwrap();
    assert!(stored.starts_with("$argon2id$"), "{stored}");
    let end = login.app.walker(SLUG).login("alice", "django-secret").await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
}

#[tokio::test]
async fn too_many_attempts_on_one_account_are_turned_away() {
    let app = TestApp::start_with(families(), true).await;
    let flow = json!({"name": "Login", "slug": SLUG, "title": "Welcome", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let password = json!({"name": "password", "backends": ["authentik.core.auth.InbuiltBackend"], "failed_attempts_before_cancel": 1000});
    let password = app.create("authentik_stages_password.passwordstage", password).await;
    let stage = json!({"name": "identification", "user_fields": ["username"], "password_stage": password["pk"]});
    let stage = app.create("authentik_stages_identification.identificationstage", stage).await;
    app.create("authentik_flows.flowstagebinding", json!({"target": flow["pk"], "stage": stage["pk"], "order": 0}))
        .await;
    let mut statuses = Vec::new();
    for _ in 0..22 {
        let mut walker = app.walker(SLUG);
        statuses.push(walker.raw(json!({"uid_field": "ghost", "password": "wrong"})).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[21]), (200, 429), "{statuses:?}");
}
