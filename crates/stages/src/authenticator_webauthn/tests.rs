//! Tests of the stage that sets up a passkey, with an authenticator of our own.

use serde_json::json;

use crate::test_authenticator::Authenticator;
use crate::test_support::second_factor;

#[tokio::test]
async fn a_passkey_is_set_up_and_signs_in() {
    let world = second_factor(json!({}), &["webauthn"]).await;
    let mut authenticator = Authenticator::new();
    let mut walker = world.setup("webauthn");
    let shown = walker.challenge().await;
    assert_eq!(shown["registration"]["rp"]["id"], "localhost", "{shown}");
    assert_eq!(walker.challenge().await["registration"], shown["registration"], "a reload asks the same");
    let end = walker.answer(json!({"response": authenticator.create(&shown["registration"])})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let devices = world.devices().await;
    assert_eq!(devices[0]["type"], "authentik_stages_authenticator_webauthn.WebAuthnDevice", "{devices}");

    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    let challenge = &shown["device_challenges"][0];
    assert_eq!(challenge["device_class"], "webauthn");
    assert_eq!(challenge["challenge"]["allowCredentials"][0]["id"], json!(authenticator.id()));
    let answer = authenticator.get(&challenge["challenge"]);
    let end = walker.answer(json!({"webauthn": answer.clone()})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    // The same answer is none to another question.
    let again = world.login_with(json!({"webauthn": answer})).await;
    assert!(again["response_errors"]["webauthn"].is_array(), "{again}");
}

#[tokio::test]
async fn an_answer_for_another_site_sets_nothing_up() {
    let world = second_factor(json!({}), &["webauthn"]).await;
    let mut walker = world.setup("webauthn");
    let shown = walker.challenge().await;
    let mut authenticator = Authenticator::new();
    authenticator.origin = "http://badlocalhost".into();
    let refused = walker.answer(json!({"response": authenticator.create(&shown["registration"])})).await;
    assert_eq!(refused["response_errors"]["response"][0]["string"], "Registration failed.", "{refused}");
    assert_ne!(refused["registration"]["challenge"], shown["registration"]["challenge"], "it is asked anew");
    assert_eq!(world.devices().await, json!([]));
}
