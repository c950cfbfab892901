//! Asks who is there.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::user::Identifier;
use vestibule_flow::{STAGES, Stage, StageBase, StageEntry};
use vestibule_kernel::FieldErrors;
use vestibule_kernel::error::NON_FIELD;
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation, choices};
use vestibule_store::DocumentType;

mod challenge;
mod respond;
#[cfg(test)]
mod tests;

choices! {
    /// What may identify a user.
    pub enum UserField: "UserFieldsEnum" {
        Email = "email" "E-mail",
        Username = "username" "Username",
        Upn = "upn" "User principal name",
    }
}

impl From<UserField> for Identifier {
    fn from(field: UserField) -> Self {
        match field {
            UserField::Email => Self::Email,
            UserField::Username => Self::Username,
            UserField::Upn => Self::Upn,
        }
    }
}

/// Asks who is there, and on the same page for whatever else of the login fits on it.
#[derive(Clone, Debug, Fields)]
pub struct IdentificationStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Attributes of a user that what was typed is compared with, in this order.
    #[field(default = [])]
    pub user_fields: Vec<UserField>,
    /// Asks for the password on the same page, as this stage would.
    #[field(references = "authentik_stages_password.passwordstage")]
    pub password_stage: Option<Uuid>,
    /// Asks for proof of being human on the same page, as this stage would.
    #[field(references = "authentik_stages_captcha.captchastage")]
    pub captcha_stage: Option<Uuid>,
    /// Finds a user whatever the case of what was typed, when nobody is found exactly.
    #[field(default = true)]
    pub case_insensitive_matching: bool,
    /// Shows name and picture of the user who was found; otherwise what was typed.
    #[field(default = true)]
    pub show_matched_user: bool,
    /// The flow to sign up with, linked below the form.
    #[field(references = "authentik_flows.flow")]
    pub enrollment_flow: Option<Uuid>,
    /// The flow to get back in with, linked below the form.
    #[field(references = "authentik_flows.flow")]
    pub recovery_flow: Option<Uuid>,
    /// The flow to sign in without a password, linked below the form.
    #[field(references = "authentik_flows.flow")]
    pub passwordless_flow: Option<Uuid>,
    /// Other providers to sign in with, shown as buttons.
    #[field(references = "authentik_core.source", default = [])]
    pub sources: Vec<Uuid>,
    /// Shows the names of sources beside their pictures.
    #[field(default = false)]
    pub show_source_labels: bool,
    /// Goes on as if everybody existed, so that nobody learns who does.
    #[field(default = true)]
    pub pretend_user_exists: bool,
    /// Offers to remember the name on this device.
    #[field(default = false)]
    pub enable_remember_me: bool,
    /// Offers passkeys while the name is typed, checked as this stage would.
    #[field(references = "authentik_stages_authenticator_validate.authenticatorvalidatestage")]
    pub webauthn_stage: Option<Uuid>,
}

impl DocumentType for IdentificationStage {
    const KIND: &'static str = "authentik_stages_identification.identificationstage";
}

impl Resource for IdentificationStage {
    fn spec() -> Spec {
        Spec::new("stages/identification", Self::KIND, "IdentificationStage")
            .verbose("Identification Stage", "Identification Stages")
            .component("ak-stage-identification-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&[
                "name",
                "password_stage",
                "captcha_stage",
                "case_insensitive_matching",
                "show_matched_user",
                "enrollment_flow",
                "recovery_flow",
                "passwordless_flow",
                "show_source_labels",
                "webauthn_stage",
            ])
    }

    /// Somebody must be able to identify themselves. Every write says how, a partial one too.
    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let given = |field: &str| cx.given.get(field).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if !given("user_fields") && !given("sources") {
            errors.add(NON_FIELD, "When no user fields are selected, at least one source must be selected");
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<IdentificationStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: IdentificationStage::KIND,
    component: "ak-stage-identification",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<IdentificationStage>().map(|stage| stage as &dyn Stage),
    description: "Asks who is there, by name, e-mail address or another attribute.",
    sample: || {
        json!({
            "component": "ak-stage-identification", "user_fields": ["email", "username"],
            "pending_user_identifier": null, "password_fields": true, "allow_show_password": true,
            "flow_designation": "authentication", "captcha_stage": null, "primary_action": "Log in",
            "enroll_url": "/if/flow/enrollment/", "recovery_url": "/if/flow/recovery/", "sources": [],
            "show_source_labels": false, "enable_remember_me": true, "passkey_challenge": null,
        })
    },
};
