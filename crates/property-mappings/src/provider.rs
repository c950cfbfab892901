//! Mappings of providers, and of webhooks.

use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Access, Fields, Kind, Resource, Spec, Validation, json};
use vestibule_store::DocumentType;

use crate::mapping::{MappingBase, spec, text};

/// The kinds.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        notification(),
        rac(),
        Kind::document::<RadiusMapping>(),
        Kind::document::<SamlMapping>(),
        Kind::document::<ScimMapping>(),
        Kind::document::<ScopeMapping>(),
    ]
}

/// A webhook's mapping shows less than the others.
fn notification() -> Kind {
    let mut kind = Kind::document::<NotificationMapping>();
    kind.fields.retain(|field| field.computed.is_none());
    for field in kind.fields.iter_mut().filter(|field| field.name == "managed") {
        field.access = Access::Internal;
    }
    kind
}

/// Settings may do without an expression.
fn rac() -> Kind {
    let mut kind = Kind::document::<RacMapping>();
    for field in kind.fields.iter_mut().filter(|field| field.name == "expression") {
        *field = field.clone().blank().default(|| json!(""));
    }
    kind
}

/// Makes the claims of a scope.
#[derive(Clone, Debug, Fields)]
pub struct ScopeMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
    /// The scope that an application asks for.
    pub scope_name: String,
    /// What people read where they are asked for their consent; they are not asked about an empty one.
    #[field(blank, default = "")]
    pub description: String,
}

impl DocumentType for ScopeMapping {
    const KIND: &'static str = "authentik_providers_oauth2.scopemapping";
}

impl Resource for ScopeMapping {
    fn spec() -> Spec {
        spec("propertymappings/provider/scope", Self::KIND, "ScopeMapping")
            .verbose("Scope Mapping", "Scope Mappings")
            .component("ak-property-mapping-provider-scope-form")
            .search(&["name", "scope_name"])
            .order(&["scope_name", "name"])
            .describe(|object| format!("Scope Mapping {} ({})", text(object, "name"), text(object, "scope_name")))
            .filter(&["managed=managed__values", "managed__isnull", "scope_name"])
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.text("scope_name").contains(' ') {
            errors.add("scope_name", "Value must not contain spaces.");
        }
    }
}

/// Makes an attribute of an assertion.
#[derive(Clone, Debug, Fields)]
pub struct SamlMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
    /// The attribute's name.
    pub saml_name: String,
    /// The attribute's name for people.
    #[field(blank)]
    pub friendly_name: Option<String>,
}

impl DocumentType for SamlMapping {
    const KIND: &'static str = "authentik_providers_saml.samlpropertymapping";
}

impl Resource for SamlMapping {
    fn spec() -> Spec {
        spec("propertymappings/provider/saml", Self::KIND, "SAMLPropertyMapping")
            .verbose("SAML Provider Property Mapping", "SAML Provider Property Mappings")
            .component("ak-property-mapping-provider-saml-form")
            .describe(|object| {
                let friendly = Some(text(object, "friendly_name")).filter(|name| !name.is_empty());
                format!("{} ({})", text(object, "name"), friendly.unwrap_or(text(object, "saml_name")))
            })
            .filter(&["managed=managed__values", "managed__isnull", "saml_name", "friendly_name"])
    }
}

/// Makes the object that is sent over SCIM.
#[derive(Clone, Debug, Fields)]
pub struct ScimMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for ScimMapping {
    const KIND: &'static str = "authentik_providers_scim.scimmapping";
}

impl Resource for ScimMapping {
    fn spec() -> Spec {
        spec("propertymappings/provider/scim", Self::KIND, "SCIMMapping")
            .verbose("SCIM Provider Mapping", "SCIM Provider Mappings")
            .component("ak-property-mapping-provider-scim-form")
            .describe(|object| format!("SCIM Provider Mapping {}", text(object, "name")))
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Adds attributes to answers over RADIUS.
#[derive(Clone, Debug, Fields)]
pub struct RadiusMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for RadiusMapping {
    const KIND: &'static str = "authentik_providers_radius.radiusproviderpropertymapping";
}

impl Resource for RadiusMapping {
    fn spec() -> Spec {
        spec("propertymappings/provider/radius", Self::KIND, "RadiusProviderPropertyMapping")
            .verbose("Radius Provider Property Mapping", "Radius Provider Property Mappings")
            .component("ak-property-mapping-provider-radius-form")
            .describe(|object| format!("Radius Provider Property Mapping {}", text(object, "name")))
            .filter(&["managed=managed__values", "managed__isnull"])
    }
}

/// Settings for connections to remote machines.
#[derive(Clone, Debug, Fields)]
pub struct RacMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
    /// Settings that are the same for every connection.
    pub static_settings: Object,
}

impl DocumentType for RacMapping {
    const KIND: &'static str = "authentik_providers_rac.racpropertymapping";
}

impl Resource for RacMapping {
    fn spec() -> Spec {
        spec("propertymappings/provider/rac", Self::KIND, "RACPropertyMapping")
            .verbose("RAC Provider Property Mapping", "RAC Provider Property Mappings")
            .component("ak-property-mapping-provider-rac-form")
            .filter(&["managed=managed__values"])
    }
}

/// Makes the body or the headers of a webhook.
#[derive(Clone, Debug, Fields)]
pub struct NotificationMapping {
    /// What every mapping has.
    #[field(flatten)]
    pub mapping: MappingBase,
}

impl DocumentType for NotificationMapping {
    const KIND: &'static str = "authentik_events.notificationwebhookmapping";
}

impl Resource for NotificationMapping {
    fn spec() -> Spec {
        spec("propertymappings/notification", Self::KIND, "NotificationWebhookMapping")
            .verbose("Webhook Mapping", "Webhook Mappings")
            .component("ak-property-mapping-notification-form")
            .describe(|object| format!("Webhook Mapping {}", text(object, "name")))
    }
}
