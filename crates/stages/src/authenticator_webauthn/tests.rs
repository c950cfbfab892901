//! Tests of the stage that sets up a passkey, with an authenticator of our own.

use serde_json::json;

use crate::test_authenticator::{Authenticator, Statement};
use crate::test_support::{SecondFactor, second_factor, second_factor_with};

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

/// Kanidm: `badexample.com` was taken for a part of `example.com`.
#[tokio::test]
async fn kanidm_an_answer_for_another_site_sets_nothing_up() {
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

/// Sets a passkey up; what is shown in the end.
async fn set_up(world: &SecondFactor, authenticator: &mut Authenticator) -> serde_json::Value {
    let mut walker = world.setup("webauthn");
    let shown = walker.challenge().await;
    walker.answer(json!({"response": authenticator.create(&shown["registration"])})).await
}

/// Signs in with it as the second factor; what is shown in the end.
async fn sign_in(world: &SecondFactor, authenticator: &mut Authenticator) -> serde_json::Value {
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    let answer = authenticator.get(&shown["device_challenges"][0]["challenge"]);
    walker.answer(json!({"webauthn": answer})).await
}

const DONE: &str = "xak-flow-redirect";
const MODEL: [u8; 16] = [7; 16];

#[tokio::test]
async fn every_statement_of_either_algorithm_sets_a_passkey_up_that_signs_in() {
    let kinds: [fn() -> Authenticator; 2] = [Authenticator::new, Authenticator::ed25519];
    for (ed25519, make) in kinds.into_iter().enumerate() {
        for statement in [Statement::None, Statement::Packed, Statement::Certified(MODEL), Statement::U2f] {
            if ed25519 == 1 && statement == Statement::U2f {
                // (FIDO U2F knows one algorithm, ES256.)
                continue;
            }
            let world = second_factor(json!({}), &["webauthn"]).await;
            let mut authenticator = make();
            authenticator.statement = statement;
            authenticator.aaguid = if statement == Statement::U2f { [0; 16] } else { MODEL };
            let end = set_up(&world, &mut authenticator).await;
            assert_eq!(end["component"], DONE, "{ed25519} {statement:?}: {end}");
            let sql = "SELECT credential, attestation_certificate FROM webauthn_devices";
            let rows = world.app.store().database().query(sql, vec![]).await.unwrap();
            let algorithm = rows[0].json("credential").unwrap()["cred"]["type_"].clone();
            assert_eq!(algorithm, if ed25519 == 1 { "EDDSA" } else { "ES256" });
            let certified = !matches!(statement, Statement::None | Statement::Packed);
            assert_eq!(rows[0].optional_text("attestation_certificate").unwrap().is_some(), certified, "{statement:?}");
            let end = sign_in(&world, &mut authenticator).await;
            assert_eq!(end["component"], DONE, "{ed25519} {statement:?}: {end}");
        }
    }
}

/// What spoils an authenticator.
type Spoil = fn(&mut Authenticator);

#[tokio::test]
async fn statements_that_prove_nothing_set_nothing_up() {
    let kinds: [fn() -> Authenticator; 2] = [Authenticator::new, Authenticator::ed25519];
    let spoils: [(&str, Spoil); 7] = [
        ("signed by another key", |one| (one.statement, one.forged) = (Statement::Packed, true)),
        ("not signed by its certificate", |one| (one.statement, one.forged) = (Statement::Certified(MODEL), true)),
        ("a certificate of another model", |one| one.statement = Statement::Certified([8; 16])),
        ("another page", |one| one.origin = "http://badlocalhost".into()),
        ("another relying party", |one| one.party = "badlocalhost".into()),
        ("nobody there", |one| one.flags = 0b0000_0100),
        ("a backup that cannot be", |one| one.flags = 0b0001_0101),
    ];
    for make in kinds {
        let world = second_factor(json!({}), &["webauthn"]).await;
        for (name, spoil) in spoils {
            let mut authenticator = make();
            authenticator.aaguid = MODEL;
            spoil(&mut authenticator);
            let refused = set_up(&world, &mut authenticator).await;
            assert_eq!(
                refused["response_errors"]["response"][0]["string"], "Registration failed.",
                "{name}: {refused}"
            );
        }
        // An answer to what was asked before.
        let mut authenticator = make();
        let mut walker = world.setup("webauthn");
        let shown = walker.challenge().await;
        let mut options = shown["registration"].clone();
        options["challenge"] = json!("b3RoZXI");
        let refused = walker.answer(json!({"response": authenticator.create(&options)})).await;
        assert_eq!(refused["response_errors"]["response"][0]["string"], "Registration failed.", "{refused}");
        assert_eq!(world.devices().await, json!([]));
    }
}

#[tokio::test]
async fn a_passkey_of_ed25519_is_checked_like_any_other() {
    let spoils: [(&str, Spoil); 7] = [
        ("signed by another key", |one| one.forged = true),
        ("another page", |one| one.origin = "http://badlocalhost".into()),
        ("another relying party", |one| one.party = "badlocalhost".into()),
        ("nobody there", |one| one.flags = 0b0000_0100),
        ("nobody made sure of, who was before", |one| one.flags = 0b0000_0001),
        ("copied all at once", |one| one.flags = 0b0000_1101),
        ("a counter that goes back", |one| one.count = 0),
    ];
    for (name, spoil) in spoils {
        let world = second_factor(json!({}), &["webauthn"]).await;
        let mut authenticator = Authenticator::ed25519();
        assert_eq!(set_up(&world, &mut authenticator).await["component"], DONE);
        let mut whole = (authenticator.origin.clone(), authenticator.party.clone());
        spoil(&mut authenticator);
        let refused = sign_in(&world, &mut authenticator).await;
        assert!(refused["response_errors"]["webauthn"].is_array(), "{name}: {refused}");
        (authenticator.origin, authenticator.party) = std::mem::take(&mut whole);
    }
}

#[tokio::test]
async fn who_has_to_be_made_sure_of_is_asked_for_it_whatever_the_algorithm() {
    let required = json!({"user_verification": "required"});
    let world = second_factor_with(json!({}), &[("webauthn", required)]).await;
    for make in [Authenticator::new as fn() -> Authenticator, Authenticator::ed25519] {
        let mut authenticator = make();
        authenticator.flags = 0b0000_0001;
        let refused = set_up(&world, &mut authenticator).await;
        assert_eq!(refused["response_errors"]["response"][0]["string"], "Registration failed.", "{refused}");
    }
}

#[tokio::test]
async fn models_that_are_not_let_through_are_refused() {
    // A security key that is known, one that is not, and what stands for all that are not.
    let (known, other, unknown) = (
        "cb69481e-8ff7-4039-93ec-0a2729a154a8",
        "07070707-0707-0707-0707-070707070707",
        "00000000-0000-0000-0000-000000000000",
    );
    for (allowed, model, works) in [
        (vec![known], known, true),
        (vec![known], other, false),
        (vec![known], unknown, false),
        (vec![unknown], other, true),
        (vec![unknown], unknown, true),
        (vec![unknown], known, false),
        (vec![known, unknown], other, true),
    ] {
        let settings = json!({"device_type_restrictions": allowed});
        let world = second_factor_with(json!({}), &[("webauthn", settings)]).await;
        let mut authenticator = Authenticator::ed25519();
        authenticator.aaguid = model.parse::<uuid::Uuid>().unwrap().into_bytes();
        authenticator.statement = Statement::Packed;
        let end = set_up(&world, &mut authenticator).await;
        assert_eq!(end["component"] == DONE, works, "{allowed:?} {model}: {end}");
        if !works {
            let said = end["response_errors"]["response"][0]["string"].as_str().unwrap();
            assert!(said.starts_with("Invalid device type."), "{said}");
            assert_eq!(world.devices().await, json!([]));
        }
    }
}

#[tokio::test]
async fn hints_say_of_what_sort_a_device_is_to_browsers_that_know_none() {
    for (settings, expected) in [
        (json!({}), json!(null)),
        (json!({"hints": ["security-key", "hybrid"]}), json!("cross-platform")),
        (json!({"hints": ["client-device"]}), json!("platform")),
        (json!({"hints": ["client-device", "hybrid"]}), json!(null)),
        (json!({"hints": ["client-device"], "authenticator_attachment": "cross-platform"}), json!("cross-platform")),
    ] {
        let world = second_factor_with(json!({}), &[("webauthn", settings.clone())]).await;
        let shown = world.setup("webauthn").challenge().await;
        let selection = &shown["registration"]["authenticatorSelection"];
        assert_eq!(selection["authenticatorAttachment"], expected, "{settings}: {shown}");
        assert_eq!(shown["registration"]["hints"], settings["hints"], "{shown}");
    }
}
