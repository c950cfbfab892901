//! What all providers have in common: their family.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Object;
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Call, Computed, Family, Fields, Operation, Represent, shapes};
use vestibule_store::{Configuration, DocumentType as _};

use crate::application::Application;

/// The field of a provider that says where its application is opened.
pub(crate) const PROVIDER: &str = "launch_url";

/// The fields that every provider begins with.
#[derive(Clone, Debug, Fields)]
pub struct ProviderBase {
    /// The number that it is known by.
    #[field(read_only, label = "ID")]
    pub pk: i64,
    /// The document's own key.
    #[field(internal)]
    pub uuid: Uuid,
    /// A name for administrators.
    #[field(unique = "provider with this name already exists.")]
    pub name: String,
    /// Flow for those who must sign in first.
    #[field(references = "authentik_flows.flow")]
    pub authentication_flow: Option<Uuid>,
    /// Flow that asks whether the application may know who somebody is.
    #[field(references = "authentik_flows.flow", on_delete = Cascade)]
    pub authorization_flow: Option<Uuid>,
    /// Flow for those who sign out of the application.
    #[field(references = "authentik_flows.flow", on_delete = SetDefault)]
    pub invalidation_flow: Option<Uuid>,
    /// Mappings that make what the application is told.
    #[field(references = "authentik_core.propertymapping", default = [])]
    pub property_mappings: Vec<Uuid>,
    /// The form that edits it.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// The application that it speaks to.
    #[field(nullable, computed = |represent, object| assigned(represent, object, "slug", false))]
    pub assigned_application_slug: Computed,
    /// Its name.
    #[field(nullable, computed = |represent, object| assigned(represent, object, "name", false))]
    pub assigned_application_name: Computed,
    /// The application that it tells about users, behind its back.
    #[field(nullable, computed = |represent, object| assigned(represent, object, "slug", true))]
    pub assigned_backchannel_application_slug: Computed,
    /// Its name.
    #[field(nullable, computed = |represent, object| assigned(represent, object, "name", true))]
    pub assigned_backchannel_application_name: Computed,
    /// What people call its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What people call many of its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its kind, as an application and a model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
    /// Where its application is opened, unless the application says so itself.
    #[field(internal)]
    pub launch_url: Option<String>,
    /// Whether it tells an application about users, instead of signing them in.
    #[field(internal, default = false)]
    pub is_backchannel: bool,
}

/// All providers.
pub static PROVIDERS: Family = Family {
    model: "authentik_core.provider",
    path: "providers/all",
    schema: "Provider",
    verbose_name: "provider",
    verbose_name_plural: "providers",
    lookup: "pk",
    parameter: "id",
    fields: ProviderBase::fields,
    whole: false,
    filters: &["application__isnull=pk<authentik_core.application.provider", "backchannel=is_backchannel"],
    search: &["name", "name<authentik_core.application.provider"],
    ordering: &["name"],
    describe: |object| object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
};

/// The application of a provider.
pub fn application_of(configuration: &Configuration, provider: i64) -> Option<&Application> {
    configuration.all::<Application>().map(|(_, application)| application).find(|one| one.provider == Some(provider))
}

fn assigned(represent: &Represent<'_>, object: &Object, field: &str, backchannel: bool) -> Value {
    let Some(pk) = object.get("pk").filter(|pk| pk.is_i64()) else { return Value::Null };
    let speaks = |application: &&Object| match backchannel {
        false => application.get("provider") == Some(pk),
        true => {
            let keys = application.get("backchannel_providers").and_then(Value::as_array);
            keys.is_some_and(|keys| keys.contains(pk))
        }
    };
    let mut applications = represent.configuration.documents(Application::KIND).map(|document| &document.value);
    applications.find(speaks).and_then(|application| application.get(field).cloned()).unwrap_or_default()
}

/// Kinds of providers that can be created: what is served.
fn types(call: &Call) -> Value {
    let one = |kind: &std::sync::Arc<vestibule_resource::Kind>| {
        json!({
            "name": kind.spec.verbose_name(),
            "description": kind.spec.about(),
            "component": kind.spec.component_name(),
            "model_name": kind.model_name(),
            "icon_url": "",
            "requires_enterprise": false,
            "deprecated": false,
        })
    };
    call.api.registry.members(PROVIDERS.model).into_iter().map(one).collect()
}

/// Operations of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "providers/all/types/",
            "providers_all_types_list",
            Some(shapes::type_create()),
            |call| async move { ok(&types(&call)) },
        )
        .permission(Permission::Named("authentik_core.view_provider"))
        .doc("Kinds of providers that can be created."),
    ]
}
