//! Applications that register themselves (RFC 7591): what they may be given.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::{BOUND_TO, PolicyEngineMode};
use vestibule_resource::{Computed, Fields, Kind, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::provider::GrantType;

/// What applications that register themselves are given.
#[derive(Clone, Debug, Fields)]
pub struct DynamicClientRegistration {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Key, by which policies are bound to it too.
    #[field(shape = Shape::Uuid, computed = |_, object| object.get("pk").cloned().unwrap_or(json!(null)))]
    pub pbm_uuid: Computed,
    /// The provider that new ones are made after.
    #[field(references = "authentik_providers_oauth2.oauth2provider", unique = "This field must be unique.")]
    pub provider: i64,
    /// The group of new applications.
    #[field(blank, default = "")]
    pub default_application_group: String,
    /// Flow that asks for consent, instead of the provider's.
    #[field(references = "authentik_flows.flow")]
    pub override_authorization_flow: Option<Uuid>,
    /// Flow that signs out, instead of the provider's.
    #[field(references = "authentik_flows.flow")]
    pub override_invalidation_flow: Option<Uuid>,
    /// Mappings, instead of the provider's.
    #[field(references = "authentik_core.propertymapping", default = [])]
    pub override_property_mappings: Vec<Uuid>,
    /// How long an access token is good.
    #[field(format = Duration, default = "hours=1")]
    pub access_token_validity: String,
    /// How long a refresh token is good.
    #[field(format = Duration, default = "days=30")]
    pub refresh_token_validity: String,
    /// How new applications may get their tokens.
    #[field(default = ["authorization_code", "refresh_token"])]
    pub allowed_grant_types: Vec<GrantType>,
    /// Whether all of several policies must pass, or any.
    #[field(default = "any")]
    pub policy_engine_mode: PolicyEngineMode,
}

impl DocumentType for DynamicClientRegistration {
    const KIND: &'static str = "authentik_providers_oauth2.oauth2dynamicclientregistration";
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<DynamicClientRegistration>()
}

impl Resource for DynamicClientRegistration {
    fn spec() -> Spec {
        Spec::new("providers/oauth2-dcr", Self::KIND, "OAuth2DynamicClientRegistration")
            .verbose("OAuth2 Dynamic Client Registration", "OAuth2 Dynamic Client Registrations")
            .lookup("pk", "pbm_uuid")
            .also(BOUND_TO, "pk")
            .search(&[])
            .order(&["provider"])
            .filter(&["provider"])
            .describe(|object| {
                let provider = object.get("provider").and_then(Value::as_i64).unwrap_or_default();
                format!("Dynamic client registration of provider {provider}")
            })
    }
}
