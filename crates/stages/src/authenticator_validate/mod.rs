//! Asks for a second factor. [`factor`] says what a kind of device can do; the stage names none.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::{STAGES, Stage, StageBase, StageEntry};
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Computed, Field, Fields, Kind, Represent, Resource, Shape, Spec, Validation, choices};
use vestibule_store::DocumentType;

use crate::ceremony;

mod factor;
mod mark;
mod passkey;
mod respond;
#[cfg(test)]
mod tests;

pub(crate) use factor::{Factor, Takes};
pub(crate) use passkey::{offer, sign_in};

choices! {
    /// What happens to whom has no device.
    pub enum NotConfiguredAction: "NotConfiguredActionEnum" {
        Skip = "skip" "Pass without one",
        Deny = "deny" "Refuse",
        Configure = "configure" "Set one up",
    }
}

choices! {
    /// Sorts of devices.
    pub enum DeviceClass: "DeviceClassesEnum" {
        Static = "static" "Recovery codes",
        Totp = "totp" "Codes of an app",
        WebAuthn = "webauthn" "Passkeys and security keys",
        Duo = "duo" "Duo",
        Sms = "sms" "Text messages",
        Email = "email" "E-mails",
    }
}

choices! {
    /// Whether a device makes sure who holds it (WebAuthn Level 3, section 5.8.6).
    pub enum UserVerification: "UserVerificationEnum" {
        Required = "required" "It must",
        Preferred = "preferred" "If it can",
        Discouraged = "discouraged" "It need not",
    }
}

choices! {
    /// Which authenticators a browser offers first (WebAuthn Level 3, section 5.8.7).
    pub enum WebAuthnHint: "WebAuthnHintEnum" {
        SecurityKey = "security-key" "Security keys",
        ClientDevice = "client-device" "The device itself",
        Hybrid = "hybrid" "A phone",
    }
}

/// Asks for a second factor.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorValidateStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// What happens to whom has no device.
    #[field(default = "skip")]
    pub not_configured_action: NotConfiguredAction,
    /// Sorts of devices that count.
    #[field(default = ["static", "totp", "webauthn", "duo", "sms", "email"])]
    pub device_classes: Vec<DeviceClass>,
    /// Stages by which somebody without a device sets one up.
    #[field(references = "authentik_flows.stage", default = [])]
    pub configuration_stages: Vec<Uuid>,
    /// Who used a device within this time is not asked again.
    #[field(format = Duration, default = "seconds=0")]
    pub last_auth_threshold: String,
    /// Whether a passkey or security key must make sure who holds it.
    #[field(default = "preferred")]
    pub webauthn_user_verification: UserVerification,
    /// Which authenticators a browser offers first.
    #[field(default = [])]
    pub webauthn_hints: Vec<WebAuthnHint>,
    /// Models of authenticators that are let through; none: all.
    #[field(references = "authentik_stages_authenticator_webauthn.webauthndevicetype", default = [])]
    pub webauthn_allowed_device_types: Vec<Uuid>,
    /// The same models with what is known of them.
    #[field(shape = Shape::Object("WebAuthnDeviceType", device_type_fields).list(), computed = allowed_types)]
    pub webauthn_allowed_device_types_obj: Computed,
    /// How fast the wait between wrong codes by e-mail grows.
    #[field(default = 1.0)]
    pub email_otp_throttling_factor: f64,
    /// How fast the wait between wrong codes by text message grows.
    #[field(default = 1.0)]
    pub sms_otp_throttling_factor: f64,
    /// How fast the wait between wrong codes of an app grows.
    #[field(default = 1.0)]
    pub totp_otp_throttling_factor: f64,
    /// How fast the wait between wrong recovery codes grows.
    #[field(default = 1.0)]
    pub static_otp_throttling_factor: f64,
}

fn allowed_types(represent: &Represent<'_>, object: &Object) -> Value {
    let models = object.get("webauthn_allowed_device_types").unwrap_or(&Value::Null);
    ceremony::described(represent.configuration, models)
}

fn device_type_fields() -> Vec<Field> {
    vec![Field::of::<Uuid>("aaguid", ""), Field::of::<String>("description", "")]
}

impl DocumentType for AuthenticatorValidateStage {
    const KIND: &'static str = "authentik_stages_authenticator_validate.authenticatorvalidatestage";
}

impl Resource for AuthenticatorValidateStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/validate", Self::KIND, "AuthenticatorValidateStage")
            .verbose("Authenticator Validation Stage", "Authenticator Validation Stages")
            .component("ak-stage-authenticator-validate-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["configuration_stages", "name", "not_configured_action"])
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let is_empty = |field: &str| cx.object.get(field).and_then(Value::as_array).is_none_or(Vec::is_empty);
        if cx.text("not_configured_action") == "configure" && is_empty("configuration_stages") {
            let message = "When 'Not configured action' is set to 'Configure', you must set a configuration stage.";
            errors.add("not_configured_action", message);
        }
        for field in FACTORS {
            if cx.object.get(field).and_then(Value::as_f64).is_some_and(|factor| factor < 0.0) {
                errors.add(field, "Ensure this value is greater than or equal to 0.0.");
            }
        }
    }
}

const FACTORS: [&str; 4] = [
    "email_otp_throttling_factor",
    "sms_otp_throttling_factor",
    "totp_otp_throttling_factor",
    "static_otp_throttling_factor",
];

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorValidateStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorValidateStage::KIND,
    component: "ak-stage-authenticator-validate",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorValidateStage>().map(|stage| stage as &dyn Stage),
    description: "Asks for a second factor.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-validate", "pending_user": "alice", "pending_user_avatar": "",
            "device_challenges": [
                {"device_class": "totp", "device_uid": "1", "challenge": {}, "last_used": null},
                {"device_class": "email", "device_uid": "2", "challenge": {"email": "a***e@example.com"}, "last_used": null},
                {"device_class": "webauthn", "device_uid": "3", "challenge": {"challenge": "c2FtcGxl"}, "last_used": null},
            ],
            "configuration_stages": [],
        })
    },
};
