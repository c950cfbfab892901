//! Tests of the stage that asks for a second factor.

use serde_json::{Value, json};
use vestibule_devices::Totp;
use vestibule_testkit::{TestApp, Walker};

use crate::test_authenticator::Authenticator;
use crate::test_support::{PASSWORD, SLUG, SecondFactor, code_of, families, second_factor};

const PATH: &str = "/api/v3/stages/authenticator/validate/";

/// Identification, then this stage, then a dummy.
async fn arrange(settings: Value, identified: bool) -> TestApp {
    let app = TestApp::start(families()).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    let mut stage = json!({"name": "mfa"});
    for (name, value) in settings.as_object().unwrap() {
        stage[name] = value.clone();
    }
    if stage["not_configured_action"] == "configure" {
        stage["configuration_stages"] = json!([dummy["pk"]]);
    }
    let stage = app.create("authentik_stages_authenticator_validate.authenticatorvalidatestage", stage).await;
    let who = json!({"name": "who", "user_fields": ["username"]});
    let who = app.create("authentik_stages_identification.identificationstage", who).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let stages = if identified { vec![&who, &stage, &dummy] } else { vec![&stage, &dummy] };
    for (order, stage) in stages.into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    app.user("alice", "x", json!({})).await;
    app
}

async fn identify(walker: &mut Walker, name: &str) -> Value {
    let mut next = walker.answer(json!({"uid_field": name})).await;
    // What differs by what was typed, and by chance.
    for field in ["pending_user", "pending_user_avatar", "flow_info"] {
        next.as_object_mut().unwrap().remove(field);
    }
    next
}

#[tokio::test]
async fn whoever_has_no_device_meets_what_is_meant_for_them_pretended_or_not() {
    for (action, component, message) in [
        ("skip", "ak-stage-dummy", Value::Null),
        ("deny", "ak-stage-access-denied", json!("No (allowed) MFA authenticator configured.")),
        // The one stage that there is to choose; the flow's own comes after it.
        ("configure", "ak-stage-dummy", Value::Null),
    ] {
        let app = arrange(json!({"not_configured_action": action}), true).await;
        let next = identify(&mut app.walker("f"), "alice").await;
        assert_eq!((&next["component"], &next["error_message"]), (&json!(component), &message), "{action}");
        assert_eq!(identify(&mut app.walker("f"), "nobody").await, next, "{action}");
    }
}

#[tokio::test]
async fn without_anybody_nobody_passes() {
    let app = arrange(json!({"device_classes": ["totp"]}), false).await;
    let mut walker = app.walker("f");
    for challenge in [walker.challenge().await, walker.answer(json!({})).await] {
        assert_eq!(challenge["component"], "ak-stage-access-denied");
        assert_eq!(challenge["error_message"], "No pending user.");
    }
}

#[tokio::test]
async fn fields_have_their_defaults_and_bounds() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    let stage = admin.post(PATH, json!({"name": "mfa"})).await.expect(201);
    let mut shown = stage.clone();
    shown.as_object_mut().unwrap().shift_remove("pk");
    let expected = json!({
        "name": "mfa", "component": "ak-stage-authenticator-validate-form",
        "verbose_name": "Authenticator Validation Stage", "verbose_name_plural": "Authenticator Validation Stages",
        "meta_model_name": "authentik_stages_authenticator_validate.authenticatorvalidatestage", "flow_set": [],
        "not_configured_action": "skip", "device_classes": ["static", "totp", "webauthn", "duo", "sms", "email"],
        "configuration_stages": [], "last_auth_threshold": "seconds=0", "webauthn_user_verification": "preferred",
        "webauthn_hints": [], "webauthn_allowed_device_types": [], "webauthn_allowed_device_types_obj": [],
        "email_otp_throttling_factor": 1.0, "sms_otp_throttling_factor": 1.0, "totp_otp_throttling_factor": 1.0,
        "static_otp_throttling_factor": 1.0,
    });
    assert_eq!(shown, expected);
    let nowhere = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let missing = format!("Invalid pk \"{nowhere}\" - object does not exist.");
    for (field, value, message) in [
        (
            "not_configured_action",
            json!("configure"),
            json!(["When 'Not configured action' is set to 'Configure', you must set a configuration stage."]),
        ),
        ("device_classes", json!(["x"]), json!({"0": ["\"x\" is not a valid choice."]})),
        ("configuration_stages", json!([nowhere]), json!([missing])),
        ("webauthn_allowed_device_types", json!([nowhere]), json!([missing])),
        ("totp_otp_throttling_factor", json!(-1), json!(["Ensure this value is greater than or equal to 0.0."])),
        ("last_auth_threshold", json!("x"), json!(["x is not in the correct format of 'hours=3;minutes=1'."])),
    ] {
        let detail = format!("{PATH}{}/", stage["pk"].as_str().unwrap());
        let errors = admin.patch(&detail, json!({field: value})).await.expect(400);
        assert_eq!(errors, json!({field: message}));
    }
}

#[tokio::test]
async fn it_is_filtered_by_the_stages_it_names() {
    let app = arrange(json!({"not_configured_action": "configure"}), true).await;
    let mut admin = app.admin().await;
    let dummies = admin.get("/api/v3/stages/dummy/").await.expect(200);
    let dummy = dummies["results"][0]["pk"].as_str().unwrap();
    for (query, count) in [
        (format!("configuration_stages={dummy}"), 1),
        ("not_configured_action=configure".into(), 1),
        ("not_configured_action=skip".into(), 0),
    ] {
        let list = admin.get(&format!("{PATH}?{query}")).await.expect(200);
        assert_eq!(list["pagination"]["count"], count, "{query}");
    }
    let nothing = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let unknown = admin.get(&format!("{PATH}?configuration_stages={nothing}")).await.expect(400);
    let message = format!("Select a valid choice. {nothing} is not one of the available choices.");
    assert_eq!(unknown, json!({"configuration_stages": [message]}));
    // Deleting a stage takes it out of the list.
    admin.delete(&format!("/api/v3/stages/dummy/{dummy}/")).await.expect(204);
    let list = admin.get(PATH).await.expect(200);
    assert_eq!(list["results"][0]["configuration_stages"], json!([]));
}

/// An app of alice's; what it was told.
async fn app_of(world: &SecondFactor) -> String {
    let mut walker = world.setup("totp");
    let url = walker.challenge().await["config_url"].as_str().unwrap().to_owned();
    let step = Totp::step(world.app.state.ctx().now());
    walker.answer(json!({"code": code_of(&url, step)})).await;
    world.app.clock.advance(chrono::TimeDelta::seconds(90));
    url
}

fn now(world: &SecondFactor, url: &str) -> String {
    code_of(url, Totp::step(world.app.state.ctx().now()))
}

async fn passkey_of(world: &SecondFactor) -> Authenticator {
    let mut authenticator = Authenticator::new();
    let mut walker = world.setup("webauthn");
    let shown = walker.challenge().await;
    let end = walker.answer(json!({"response": authenticator.create(&shown["registration"])})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    authenticator
}

fn is_done(answer: &Value) -> bool {
    answer["component"] == "xak-flow-redirect"
}

/// IncludeSec 2025 H2: codes of an app cannot be tried one after another; what is counted in one flow counts in all.
#[tokio::test]
async fn includesec_h2_wrong_codes_make_wait_whatever_flow_they_come_by() {
    let world = second_factor(json!({}), &["totp"]).await;
    let url = app_of(&world).await;
    let wrong = world.login_with(json!({"code": "12345"})).await;
    let message = "Invalid Token. Please ensure the time on your device is accurate and try again.";
    assert_eq!(wrong["response_errors"]["code"][0]["string"], message);
    // Another login, the right code, at once: it has to wait, and is told what a wrong one is told.
    let soon = world.login_with(json!({"code": now(&world, &url)})).await;
    assert_eq!(soon["response_errors"], wrong["response_errors"]);
    world.app.clock.advance(chrono::TimeDelta::seconds(2));
    assert!(is_done(&world.login_with(json!({"code": now(&world, &url)})).await));
    // Each further one doubles the wait.
    for _ in 0..8 {
        world.login_with(json!({"code": "12345"})).await;
        world.app.clock.advance(chrono::TimeDelta::seconds(200));
    }
    world.login_with(json!({"code": "12345"})).await;
    world.app.clock.advance(chrono::TimeDelta::seconds(100));
    assert!(!is_done(&world.login_with(json!({"code": now(&world, &url)})).await));
    world.app.clock.advance(chrono::TimeDelta::seconds(300));
    assert!(is_done(&world.login_with(json!({"code": now(&world, &url)})).await));
}

/// IncludeSec 2025 M1: answers that come at once are counted one after another, and one code opens one door.
#[tokio::test]
async fn includesec_m1_a_code_that_comes_many_times_at_once_opens_once() {
    let world = second_factor(json!({}), &["totp"]).await;
    let url = app_of(&world).await;
    let code = now(&world, &url);
    let mut walkers = Vec::new();
    for _ in 0..6 {
        walkers.push(world.at_factor().await);
    }
    let tasks: Vec<_> = walkers
        .into_iter()
        .map(|mut walker| {
            let code = code.clone();
            tokio::spawn(async move { walker.answer(json!({"code": code})).await })
        })
        .collect();
    let mut opened = 0;
    for task in tasks {
        opened += usize::from(is_done(&task.await.unwrap()));
    }
    assert_eq!(opened, 1);
    // Wrong ones at once: one was looked at, the others had to wait for it.
    world.app.clock.advance(chrono::TimeDelta::seconds(3600));
    let failures = || async {
        let rows = world.app.store().database().query("SELECT failures FROM totp_devices", vec![]).await.unwrap();
        rows[0].int("failures").unwrap()
    };
    let before = failures().await;
    let mut walkers = Vec::new();
    for _ in 0..6 {
        walkers.push(world.at_factor().await);
    }
    let wrong = |mut walker: Walker| tokio::spawn(async move { walker.answer(json!({"code": "1"})).await });
    for task in walkers.into_iter().map(wrong).collect::<Vec<_>>() {
        assert!(!is_done(&task.await.unwrap()));
    }
    assert_eq!(failures().await, before + 1);
}

/// Cure53 ATH-01-010: a passkey is somebody's; another user's opens nothing.
#[tokio::test]
async fn cure53_ath_01_010_the_passkey_of_another_user_is_refused() {
    let world = second_factor(json!({}), &["webauthn", "totp"]).await;
    let mut authenticator = passkey_of(&world).await;
    world.app.user("bob", PASSWORD, json!({})).await;
    let mut walker = world.app.walker(SLUG);
    // Bob has no device of his own: make one, or nothing is asked.
    let bob =
        world.app.state.users.find(&[vestibule_directory::user::Identifier::Username], "bob", false).await.unwrap();
    let vestibule_directory::user::Found::One(bob) = bob else { panic!("no bob") };
    let sql = "UPDATE webauthn_devices SET user_id = $1, credential_id = 'other', name = 'x' WHERE id = (SELECT MAX(id) FROM webauthn_devices)";
    let mut second = passkey_of(&world).await;
    let database = world.app.store().database();
    database.execute(vestibule_store::Durability::Process, sql, vec![bob.pk.into()]).await.unwrap();
    let shown = walker.login("bob", PASSWORD).await;
    assert_eq!(shown["component"], "ak-stage-authenticator-validate", "{shown}");
    let options = &shown["device_challenges"][0]["challenge"];
    let refused = walker.answer(json!({"webauthn": authenticator.get(options)})).await;
    assert_eq!(refused["response_errors"]["webauthn"][0]["string"], "Invalid device", "{refused}");
    let options = &refused["device_challenges"][0]["challenge"];
    let unknown = walker.answer(json!({"webauthn": second.get(options)})).await;
    assert!(unknown["response_errors"]["webauthn"].is_array(), "{unknown}");
}

/// Cure53 ATH-01-014: what another flow would take is not what this one takes.
#[tokio::test]
async fn cure53_ath_01_014_a_class_that_this_stage_does_not_allow_is_refused() {
    let world = second_factor(json!({"device_classes": ["webauthn"]}), &["webauthn", "totp"]).await;
    let url = app_of(&world).await;
    passkey_of(&world).await;
    let refused = world.login_with(json!({"code": now(&world, &url)})).await;
    assert!(refused["response_errors"]["code"].is_array(), "{refused}");
    assert_eq!(refused["device_challenges"].as_array().unwrap().len(), 1);
}

/// Zitadel CVE-2026-119128: what says that somebody has shown a second factor is not theirs to write.
#[tokio::test]
async fn cve_2026_119128_a_used_device_is_not_asked_for_again_at_once_in_the_same_browser_alone() {
    let world = second_factor(json!({"last_auth_threshold": "hours=1"}), &["totp"]).await;
    let url = app_of(&world).await;
    let mut walker = world.at_factor().await;
    assert!(is_done(&walker.answer(json!({"code": now(&world, &url)})).await));
    let mark = walker.client.cookies["authentik_mfa"].clone();
    let again = |mark: String| {
        let mut walker = world.app.walker(SLUG);
        walker.client.cookies.insert("authentik_mfa".into(), mark);
        async move { walker.login("alice", PASSWORD).await }
    };
    assert!(is_done(&again(mark.clone()).await));
    let forged = mark.replacen(&format!("{}-", world.alice), &format!("{}-", world.alice + 1), 1);
    assert!(!is_done(&again(forged).await));
    assert!(!is_done(&world.app.walker(SLUG).login("alice", PASSWORD).await));
    world.app.clock.advance(chrono::TimeDelta::hours(1));
    assert!(!is_done(&again(mark).await));
}

#[tokio::test]
async fn a_passkey_alone_tells_who_is_there() {
    let world = second_factor(json!({}), &["webauthn"]).await;
    let mut authenticator = passkey_of(&world).await;
    let flow = json!({"name": "pwl", "slug": "pwl", "title": "pwl", "designation": "authentication"});
    let flow = world.app.create("authentik_flows.flow", flow).await;
    let login = world.app.create("authentik_stages_user_login.userloginstage", json!({"name": "pwl"})).await;
    for (order, stage) in [&world.validate, &login].into_iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        world.app.create("authentik_flows.flowstagebinding", binding).await;
    }
    let mut walker = world.app.walker("pwl");
    let shown = walker.challenge().await;
    let options = &shown["device_challenges"][0]["challenge"];
    assert_eq!(
        (&shown["device_challenges"][0]["device_uid"], &options["allowCredentials"]),
        (&json!("-1"), &json!([]))
    );
    assert!(!is_done(&walker.answer(json!({"code": "1"})).await));
    let end = walker.answer(json!({"webauthn": authenticator.get(options)})).await;
    assert!(is_done(&end), "{end}");
    // Who may not sign in is told no more than a wrong key.
    let mut admin = world.admin.clone();
    admin.patch(&format!("/api/v3/core/users/{}/", world.alice), json!({"is_active": false})).await.expect(200);
    let mut walker = world.app.walker("pwl");
    let shown = walker.challenge().await;
    let options = &shown["device_challenges"][0]["challenge"];
    let refused = walker.answer(json!({"webauthn": authenticator.get(options)})).await;
    assert_eq!(refused["response_errors"]["webauthn"][0]["string"], "Invalid device", "{refused}");
}

#[tokio::test]
async fn a_copied_key_is_noticed_by_its_counter() {
    let world = second_factor(json!({}), &["webauthn"]).await;
    let mut authenticator = passkey_of(&world).await;
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    assert!(is_done(
        &walker.answer(json!({"webauthn": authenticator.get(&shown["device_challenges"][0]["challenge"])})).await
    ));
    authenticator.count = 0;
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    let answer = authenticator.get(&shown["device_challenges"][0]["challenge"]);
    let refused = walker.answer(json!({"webauthn": answer})).await;
    assert_eq!(refused["response_errors"]["webauthn"][0]["string"], "Assertion failed", "{refused}");
}

#[tokio::test]
async fn whoever_has_no_device_chooses_what_to_set_up() {
    let world = second_factor(json!({}), &["totp", "static"]).await;
    let mut admin = world.admin.clone();
    let stages = admin.get("/api/v3/stages/all/?search=setup-").await.expect(200);
    let keys: Vec<&Value> = stages["results"].as_array().unwrap().iter().map(|stage| &stage["pk"]).collect();
    let path = format!("{PATH}{}/", world.validate["pk"].as_str().unwrap());
    let wanted = json!({"not_configured_action": "configure", "configuration_stages": keys});
    admin.patch(&path, wanted).await.expect(200);
    let mut walker = world.at_factor().await;
    let shown = walker.challenge().await;
    assert_eq!(shown["configuration_stages"].as_array().unwrap().len(), 2, "{shown}");
    let wrong = walker.answer(json!({"selected_stage": world.validate["pk"]})).await;
    assert_eq!(wrong["response_errors"]["selected_stage"][0]["string"], "Selected stage is invalid");
    let chosen = shown["configuration_stages"].as_array().unwrap().iter().find(|one| one["name"] == "setup-static");
    assert_eq!(chosen.unwrap()["verbose_name"], "Static Authenticator");
    let setup = walker.answer(json!({"selected_stage": chosen.unwrap()["pk"]})).await;
    assert_eq!(setup["component"], "ak-stage-authenticator-static", "{setup}");
    assert!(is_done(&walker.answer(json!({"component": "ak-stage-authenticator-static"})).await));
    assert_eq!(world.devices().await.as_array().unwrap().len(), 1);
    assert_eq!(world.at_factor().await.challenge().await["device_challenges"][0]["device_class"], "static");
}
