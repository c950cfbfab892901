//! Sets up codes by text message.

use uuid::Uuid;
use vestibule_flow::STAGES;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec, choices};
use vestibule_store::DocumentType;

use crate::setup::SetupBase;

choices! {
    /// Who sends text messages.
    pub enum Provider: "ProviderEnum" {
        Twilio = "twilio" "Twilio",
        Generic = "generic" "Any that takes JSON over HTTP",
    }
}

choices! {
    /// How one proves to them who asks.
    pub enum AuthType: "AuthTypeEnum" {
        Basic = "basic" "A name and a password",
        Bearer = "bearer" "A token",
    }
}

/// Sets up codes by text message.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorSmsStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Who sends the messages.
    pub provider: Provider,
    /// The number that they come from.
    pub from_number: String,
    /// Twilio: the account. Otherwise: the address that takes messages.
    pub account_sid: String,
    /// Twilio: its token. Otherwise: the name or the token.
    #[field(write_only, sealed)]
    pub auth: String,
    /// The password beside the name.
    #[field(blank, raw, write_only, sealed, default = "")]
    pub auth_password: String,
    /// How one proves who asks.
    #[field(default = "basic")]
    pub auth_type: AuthType,
    /// Whether the number is only proved once: then it is not kept, and no code is sent to it afterwards.
    #[field(default = false)]
    pub verify_only: bool,
    /// What makes the message, where the usual one will not do.
    #[field(references = "authentik_events.notificationwebhookmapping")]
    pub mapping: Option<Uuid>,
}

impl DocumentType for AuthenticatorSmsStage {
    const KIND: &'static str = "authentik_stages_authenticator_sms.authenticatorsmsstage";
}

impl Resource for AuthenticatorSmsStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/sms", Self::KIND, "AuthenticatorSMSStage")
            .verbose("SMS Authenticator Setup Stage", "SMS Authenticator Setup Stages")
            .component("ak-stage-authenticator-sms-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .says("Sets up codes by text message.")
            .saved_only()
            .filter(&["name", "stage_uuid=pk", "configure_flow", "friendly_name", "provider", "from_number"])
            .filter(&["account_sid", "auth_type", "verify_only", "mapping"])
            // Nobody finds out a secret by asking for it.
            .filter_with("auth", "pk", Lookup::Ignored, Shape::TEXT)
            .filter_with("auth_password", "pk", Lookup::Ignored, Shape::TEXT)
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorSmsStage>()
}
