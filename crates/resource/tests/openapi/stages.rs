//! Stages: a family, and a kind with every sort of reference.

use http::Method;
use uuid::Uuid;
use vestibule_resource::{
    Computed, Family, Field, Fields, Filter, Kind, Operation, Represent, Resource, Shape, Spec, choices, json,
};

use crate::nothing;

/// Computes nothing: the document asks no values.
pub(crate) fn null(_: &Represent<'_>, _: &vestibule_resource::Object) -> serde_json::Value {
    json!(null)
}

/// What every stage has.
#[derive(Fields)]
pub(crate) struct StageBase {
    #[field(read_only, label = "Stage uuid")]
    pk: Uuid,
    #[field(unique = "stage with this name already exists.")]
    name: String,
    /// Get object type so that we know how to edit the object
    #[field(computed = null)]
    component: Computed,
    #[field(computed = null)]
    verbose_name: Computed,
    #[field(computed = null)]
    verbose_name_plural: Computed,
    #[field(computed = null)]
    meta_model_name: Computed,
    #[field(computed = null, shape = Shape::Object("FlowSet", crate::flows::flow_set).list())]
    flow_set: Computed,
}

choices! {
    /// Attributes that may identify a user.
    pub enum UserField: "UserFieldsEnum" { Email = "email" "E-mail", Username = "username" "Username", Upn = "upn" "UPN" }
}

/// A stage as authentik declares it.
#[derive(Fields)]
struct IdentificationStage {
    #[field(flatten)]
    base: StageBase,
    /// Fields of the user object to match against.
    #[field(default = [])]
    user_fields: Vec<UserField>,
    /// A password on the same page.
    #[field(references = "authentik_flows.stage")]
    password_stage: Option<Uuid>,
    #[field(references = "authentik_flows.stage")]
    captcha_stage: Option<Uuid>,
    #[field(default = true)]
    case_insensitive_matching: bool,
    #[field(default = true)]
    show_matched_user: bool,
    #[field(references = "authentik_flows.flow")]
    enrollment_flow: Option<Uuid>,
    #[field(references = "authentik_flows.flow")]
    recovery_flow: Option<Uuid>,
    #[field(references = "authentik_flows.flow")]
    passwordless_flow: Option<Uuid>,
    #[field(references = "authentik_core.source", default = [])]
    sources: Vec<Uuid>,
    #[field(default = false)]
    show_source_labels: bool,
    #[field(default = true)]
    pretend_user_exists: bool,
    #[field(default = false)]
    enable_remember_me: bool,
    #[field(references = "authentik_flows.stage")]
    webauthn_stage: Option<Uuid>,
}

impl Resource for IdentificationStage {
    fn spec() -> Spec {
        let model = "authentik_stages_identification.identificationstage";
        Spec::new("stages/identification", model, "IdentificationStage")
            .verbose("Identification Stage", "Identification Stages")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "password_stage", "captcha_stage", "case_insensitive_matching", "show_matched_user"])
            .filter(&["enrollment_flow", "recovery_flow", "passwordless_flow", "show_source_labels", "webauthn_stage"])
    }
}

/// All stages.
pub(crate) static STAGES: Family = Family {
    model: "authentik_flows.stage",
    path: "stages/all",
    schema: "Stage",
    verbose_name: "Stage",
    verbose_name_plural: "Stages",
    lookup: "pk",
    parameter: "stage_uuid",
    fields: StageBase::fields,
    whole: false,
    filters: &["name"],
    search: &["name"],
    ordering: &["name"],
    describe: |_| String::new(),
};

/// All sources, which nothing here is.
pub(crate) static SOURCES: Family = Family {
    model: "authentik_core.source",
    path: "sources/all",
    schema: "Source",
    verbose_name: "Source",
    verbose_name_plural: "Sources",
    lookup: "slug",
    parameter: "slug",
    fields: Vec::new,
    whole: false,
    filters: &[],
    search: &[],
    ordering: &[],
    describe: |_| String::new(),
};

/// A type that can be created.
#[derive(Fields)]
pub(crate) struct TypeCreate {
    name: String,
    description: String,
    component: String,
    model_name: String,
    #[field(optional)]
    icon_url: Option<String>,
    #[field(default = false)]
    requires_enterprise: bool,
    #[field(default = false)]
    deprecated: bool,
}

/// A stage that people set up for themselves.
#[derive(Fields)]
struct UserSetting {
    object_uid: String,
    component: String,
    title: String,
    #[field(optional)]
    configure_url: Option<String>,
    #[field(optional)]
    icon_url: Option<String>,
}

pub(crate) fn kinds() -> Vec<Kind> {
    assert_eq!(Filter::parse("stage_uuid=pk").field, "pk");
    vec![Kind::record::<IdentificationStage>()]
}

pub(crate) fn operations() -> Vec<Operation> {
    let list = |name, fields: fn() -> Vec<Field>| Some(Shape::Object(name, fields).list());
    let types = list("TypeCreate", TypeCreate::fields);
    let settings = list("UserSetting", UserSetting::fields);
    vec![
        Operation::new(Method::GET, "stages/all/types/", "stages_all_types_list", types, nothing),
        Operation::new(Method::GET, "stages/all/user_settings/", "stages_all_user_settings_list", settings, nothing),
    ]
}
