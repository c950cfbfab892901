//! Sets up Duo.

use vestibule_flow::STAGES;
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

use crate::setup::SetupBase;

/// Sets up Duo.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorDuoStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Duo's name for this server.
    pub client_id: String,
    /// The secret to it.
    #[field(write_only, sealed)]
    pub client_secret: String,
    /// The host of Duo's that answers.
    pub api_hostname: String,
    /// Duo's name for this server as an administrator; empty: it is none.
    #[field(blank, default = "")]
    pub admin_integration_key: String,
    /// The secret to that.
    #[field(blank, raw, write_only, sealed, default = "")]
    pub admin_secret_key: String,
}

impl DocumentType for AuthenticatorDuoStage {
    const KIND: &'static str = "authentik_stages_authenticator_duo.authenticatorduostage";
}

impl Resource for AuthenticatorDuoStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/duo", Self::KIND, "AuthenticatorDuoStage")
            .verbose("Duo Authenticator Setup Stage", "Duo Authenticator Setup Stages")
            .component("ak-stage-authenticator-duo-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .says("Sets up Duo.")
            .saved_only()
            .filter(&["name", "configure_flow", "client_id", "api_hostname"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorDuoStage>()
}
