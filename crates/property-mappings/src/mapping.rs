//! What all mappings have in common: their family.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_expression_host::python;
use vestibule_kernel::Object;
use vestibule_resource::call::{Body, Permission, ok};
use vestibule_resource::{Computed, Family, Field, Fields, Operation, Shape, Spec, Verb, shapes};

/// The fields that every mapping begins with.
#[derive(Clone, Debug, Fields)]
pub struct MappingBase {
    /// The key.
    #[field(read_only, label = "Pm uuid")]
    pub pk: Uuid,
    /// What keeps it up to date, where that is not the administrator.
    #[field(min = 1, unique = "This field must be unique.", label = "Managed by authentik")]
    pub managed: Option<String>,
    /// A name for administrators.
    #[field(unique = "Property Mapping with this name already exists.")]
    pub name: String,
    /// The program that makes the attributes.
    #[field(language = python("None"))]
    pub expression: String,
    /// The form that edits it.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// What people call its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What people call many of its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its kind, as an application and a model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
}

/// All mappings.
pub static PROPERTY_MAPPINGS: Family = Family {
    model: "authentik_core.propertymapping",
    path: "propertymappings/all",
    schema: "PropertyMapping",
    verbose_name: "Property Mapping",
    verbose_name_plural: "Property Mappings",
    lookup: "pk",
    parameter: "pm_uuid",
    fields: MappingBase::fields,
    whole: false,
    filters: &["managed=managed__values", "managed__isnull", "name"],
    search: &["name"],
    ordering: &["name"],
    describe: |object| format!("Property Mapping {}", text(object, "name")),
};

/// A text of an object; empty when it is absent.
pub(crate) fn text<'o>(object: &'o Object, field: &str) -> &'o str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What every kind of mapping is declared with.
pub(crate) fn spec(path: &'static str, model: &'static str, schema: &'static str) -> Spec {
    Spec::new(path, model, schema)
        .family(&PROPERTY_MAPPINGS)
        .lookup("pk", "pm_uuid")
        .search(&["name"])
        .filter(&["name"])
        .describe(|object| format!("Property Mapping {}", text(object, "name")))
}

fn test_fields() -> Vec<Field> {
    vec![
        Field::of::<Option<i64>>("user", "The user to try it out on.").references("authentik_core.user"),
        Field::of::<Object>("context", "").default(|| json!({})),
        Field::of::<Option<Uuid>>("group", "The group to try it out on.").references("authentik_core.group"),
    ]
}

fn result_fields() -> Vec<Field> {
    vec![Field::of::<String>("result", "").read_only(), Field::of::<bool>("successful", "").read_only()]
}

/// Kinds of mappings that can be created: name, description, component, model.
const TYPES: [(&str, &str, &str, &str); 13] = [
    (
        "Kerberos Source Property Mapping",
        "Makes attributes of a user from a Kerberos principal.",
        "source-kerberos",
        "kerberossource",
    ),
    (
        "LDAP Source Property Mapping",
        "Makes attributes of a user or a group from an entry of a directory.",
        "source-ldap",
        "ldapsource",
    ),
    (
        "OAuth Source Property Mapping",
        "Makes attributes of a user or a group from what an OAuth provider tells.",
        "source-oauth",
        "oauthsource",
    ),
    (
        "Plex Source Property Mapping",
        "Makes attributes of a user or a group from a Plex account.",
        "source-plex",
        "plexsource",
    ),
    ("RAC Provider Property Mapping", "Settings for connections to remote machines.", "provider-rac", "rac"),
    (
        "Radius Provider Property Mapping",
        "Adds attributes to answers over RADIUS.",
        "provider-radius",
        "radiusprovider",
    ),
    ("SAML Provider Property Mapping", "Makes an attribute of a SAML assertion.", "provider-saml", "saml"),
    (
        "SAML Source Property Mapping",
        "Makes attributes of a user or a group from a SAML assertion.",
        "source-saml",
        "samlsource",
    ),
    ("SCIM Provider Mapping", "Makes the object that is sent over SCIM.", "provider-scim", "scimmapping"),
    (
        "SCIM Source Property Mapping",
        "Makes attributes of a user or a group from an object that came over SCIM.",
        "source-scim",
        "scimsource",
    ),
    ("Scope Mapping", "Makes the claims of an OAuth scope.", "provider-scope", "scopemapping"),
    (
        "Telegram Source Property Mapping",
        "Makes attributes of a user or a group from a Telegram account.",
        "source-telegram",
        "telegramsource",
    ),
    ("Webhook Mapping", "Makes the body or the headers of a webhook.", "notification", "notificationwebhookmapping"),
];

fn types() -> Value {
    let one = |(name, description, component, model): &(&str, &str, &str, &str)| {
        let model = if model.ends_with("mapping") { (*model).to_owned() } else { format!("{model}propertymapping") };
        json!({
            "name": name,
            "description": description,
            "component": format!("ak-property-mapping-{component}-form"),
            "model_name": model,
            "icon_url": "",
            "requires_enterprise": false,
            "deprecated": false,
        })
    };
    TYPES.iter().map(one).collect()
}

/// Operations of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "propertymappings/all/types/",
            "propertymappings_all_types_list",
            Some(shapes::type_create()),
            |_| async { ok(&types()) },
        )
        .permission(Permission::Named("authentik_core.view_propertymapping"))
        .doc("Kinds of mappings that can be created."),
        Operation::new(
            Method::POST,
            "propertymappings/all/{}/test/",
            "propertymappings_all_test_create",
            Some(Shape::Object("PropertyMappingTestResult", result_fields)),
            crate::test::run,
        )
        // An expression is code: whoever may only look must not run it.
        .permission(Permission::Verb(Verb::Change))
        .parameter("format_result", Shape::Boolean)
        .body(Body::Json("PropertyMappingTestRequest", test_fields))
        .doc("Tries a mapping out on a user or a group."),
    ]
}
