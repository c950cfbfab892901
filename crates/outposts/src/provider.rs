//! The providers of an outpost, known by the family that they belong to: another crate makes them.

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::Object;
use vestibule_resource::{Field, Fields, OnDelete, Represent, Shape, Validation};

/// The family of providers.
const FAMILY: &str = "authentik_core.provider";

/// How an outpost shows a provider.
#[derive(Fields)]
struct Provider {
    /// The key.
    #[field(read_only, label = "ID")]
    pk: i64,
    /// What administrators call it.
    name: String,
    /// Flow for those who are not signed in.
    authentication_flow: Option<Uuid>,
    /// Flow that lets people through.
    authorization_flow: Option<Uuid>,
    /// Flow that ends a session.
    invalidation_flow: Option<Uuid>,
    /// Mappings that make what is told about a user.
    #[field(default = [])]
    property_mappings: Vec<Uuid>,
    /// The form that edits it.
    #[field(read_only)]
    component: String,
    /// Slug of the application that it belongs to.
    #[field(read_only)]
    assigned_application_slug: Option<String>,
    /// Name of that application.
    #[field(read_only)]
    assigned_application_name: Option<String>,
    /// Slug of the application that it serves beside another provider.
    #[field(read_only)]
    assigned_backchannel_application_slug: Option<String>,
    /// Name of that application.
    #[field(read_only)]
    assigned_backchannel_application_name: Option<String>,
    /// What people call its kind.
    #[field(read_only)]
    verbose_name: String,
    /// What people call many of its kind.
    #[field(read_only)]
    verbose_name_plural: String,
    /// Its kind, as an application and a model.
    #[field(read_only)]
    meta_model_name: String,
}

/// The fields of a provider.
pub(crate) fn fields() -> Vec<Field> {
    Provider::fields()
}

/// A list of keys of providers, as a filter takes it.
pub(crate) fn keys_shape() -> Shape {
    Shape::Reference(FAMILY, OnDelete::Cascade).list()
}

/// The keys that an outpost holds.
pub(crate) fn keys(outpost: &Object) -> &[Value] {
    outpost.get("providers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// What each type of outpost serves: its type, and the model of its providers.
const SERVED: [(&str, &str); 4] = [
    ("ldap", "authentik_providers_ldap.ldapprovider"),
    ("proxy", "authentik_providers_proxy.proxyprovider"),
    ("rac", "authentik_providers_rac.racprovider"),
    ("radius", "authentik_providers_radius.radiusprovider"),
];

/// What is wrong with the providers that a request gives an outpost, if anything is: they exist, and are of its type.
pub(crate) fn check(cx: &Validation<'_>) -> Option<String> {
    if !cx.given.contains_key("providers") && !cx.given.contains_key("type") {
        return None;
    }
    let wanted = cx.text("type");
    let serves = |model: &str| SERVED.contains(&(wanted, model));
    keys(cx.object).iter().find_map(|key| {
        let found = cx.registry.members(FAMILY).into_iter().find(|kind| {
            let mut providers = cx.configuration.documents(kind.model());
            providers.any(|provider| provider.value.get("pk") == Some(key))
        });
        match found {
            None => Some(format!("Invalid pk \"{key}\" - object does not exist.")),
            Some(kind) if !serves(kind.model()) => {
                let class = kind.schema();
                Some(format!("Outpost type {wanted} can't be used with {class} providers."))
            }
            Some(_) => None,
        }
    })
}

/// The providers of an outpost in full.
pub(crate) fn shown(represent: &Represent<'_>, outpost: &Object) -> Value {
    let Some(family) = represent.registry.family(FAMILY) else { return Value::Array(Vec::new()) };
    let one = |key: &Value| {
        represent.registry.members(FAMILY).into_iter().find_map(|kind| {
            let mut documents = represent.configuration.documents(kind.model());
            let provider = documents.find(|document| document.value.get("pk") == Some(key))?;
            Some(Value::Object(Represent { kind, ..*represent }.fields(&(family.fields)(), &provider.value)))
        })
    };
    keys(outpost).iter().filter_map(one).collect()
}
