//! Tests of the stage that asks for a second factor, as long as nobody has one.

use serde_json::{Value, json};
use vestibule_testkit::{TestApp, Walker};

use crate::test_support::families;

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
        (
            "configure",
            "ak-stage-access-denied",
            json!("A second factor has to be set up, but there is nothing here to do it with."),
        ),
    ] {
        let app = arrange(json!({"not_configured_action": action}), true).await;
        let next = identify(&mut app.walker("f"), "alice").await;
        assert_eq!((&next["component"], &next["error_message"]), (&json!(component), &message), "{action}");
        assert_eq!(identify(&mut app.walker("f"), "nobody").await, next, "{action}");
    }
}

#[tokio::test]
async fn without_anybody_nobody_passes() {
    let app = arrange(json!({}), false).await;
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
