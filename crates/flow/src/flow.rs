//! A flow: stages in an order, for a purpose, under conditions.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Permission, no_content, ok};
use vestibule_resource::{Computed, Field, Fields, Operation, Represent, Resource, Shape, Spec, Verb, choices, shapes};
use vestibule_store::DocumentType;

use crate::binding::FlowStageBinding;
use crate::plan::Plan;
use crate::planner::{self, NotApplicable};
use crate::policies::{BOUND_TO, Policies, bound_policies};
use crate::program::Program;
use crate::{diagram, export};

/// The background of flows that have none of their own.
pub(crate) const DEFAULT_BACKGROUND: &str = "/static/vestibule/background.svg";

choices! {
    /// What a flow is for.
    pub enum Designation: "FlowDesignationEnum" {
        Authentication = "authentication" "Authentication",
        Authorization = "authorization" "Authorization",
        Invalidation = "invalidation" "Invalidation",
        Enrollment = "enrollment" "Enrollment",
        Unenrollment = "unenrollment" "Unenrollment",
        Recovery = "recovery" "Recovery",
        StageConfiguration = "stage_configuration" "Stage configuration",
    }
}

choices! {
    /// How several policies on one thing count together.
    pub enum PolicyEngineMode: "PolicyEngineMode" {
        All = "all" "All must pass",
        Any = "any" "Any must pass",
    }
}

choices! {
    /// Where the card stands.
    pub enum Layout: "FlowLayoutEnum" {
        Stacked = "stacked" "Stacked",
        ContentLeft = "content_left" "Content left",
        ContentRight = "content_right" "Content right",
        SidebarLeft = "sidebar_left" "Sidebar left",
        SidebarRight = "sidebar_right" "Sidebar right",
        SidebarLeftFrameBackground = "sidebar_left_frame_background" "Sidebar left, framed background",
        SidebarRightFrameBackground = "sidebar_right_frame_background" "Sidebar right, framed background",
    }
}

choices! {
    /// What happens to whom a flow does not admit.
    pub enum DeniedAction: "DeniedActionEnum" {
        MessageContinue = "message_continue" "Go on if there is somewhere to go, else say so",
        Message = "message" "Say so",
        Continue = "continue" "Go on",
    }
}

choices! {
    /// Who may walk through a flow.
    pub enum Requirement: "AuthenticationEnum" {
        None = "none" "Anyone",
        RequireAuthenticated = "require_authenticated" "Who is signed in",
        RequireUnauthenticated = "require_unauthenticated" "Who is not signed in",
        RequireSuperuser = "require_superuser" "Administrators",
        RequireRedirect = "require_redirect" "Who comes from another flow",
        RequireOutpost = "require_outpost" "Outposts",
        RequireToken = "require_token" "Who comes with a token, from a mail for example",
    }
}

/// A flow.
#[derive(Clone, Debug, Fields)]
pub struct Flow {
    /// Key.
    #[field(read_only, label = "Flow uuid")]
    pub pk: Uuid,
    /// Key by which policies are bound to it.
    #[field(read_only)]
    pub policybindingmodel_ptr_id: Uuid,
    /// A name for administrators.
    pub name: String,
    /// Names the flow in addresses.
    #[field(format = Slug, max = 50, unique = "Flow with this slug already exists.")]
    pub slug: String,
    /// Stands above every page of the flow.
    pub title: String,
    /// What the flow is for: a brand finds its login by it, among others.
    pub designation: Designation,
    /// Address of a picture behind the pages.
    #[field(blank, default = "")]
    pub background: String,
    /// Address of the picture as a page shows it.
    #[field(computed = background_url)]
    pub background_url: Computed,
    /// Addresses of the picture by theme.
    #[field(nullable, shape = Shape::Schema("ThemedUrls"), computed = |_, _| Value::Null)]
    pub background_themed_urls: Computed,
    /// Stages of the flow, in no particular order.
    #[field(shape = Shape::Uuid.list(), computed = stages)]
    pub stages: Computed,
    /// Policies bound to the flow.
    #[field(shape = Shape::Uuid.list(), computed = policies)]
    pub policies: Computed,
    /// Plans kept in a cache; plans are made anew here.
    #[field(shape = Shape::INTEGER, computed = |_, _| json!(0))]
    pub cache_count: Computed,
    /// Whether all of several policies must pass, or any.
    #[field(default = "any")]
    pub policy_engine_mode: PolicyEngineMode,
    /// Kept for clients that know it: pages here are readable for password managers anyway.
    #[field(default = false)]
    pub compatibility_mode: bool,
    /// Where the flow can be downloaded as a blueprint.
    #[field(computed = export_url)]
    pub export_url: Computed,
    /// Where the card stands on its pages.
    #[field(default = "stacked")]
    pub layout: Layout,
    /// What happens to whom the flow does not admit.
    #[field(default = "message_continue")]
    pub denied_action: DeniedAction,
    /// Who may walk through the flow.
    #[field(default = "none")]
    pub authentication: Requirement,
}

impl DocumentType for Flow {
    const KIND: &'static str = "authentik_flows.flow";
}

impl Flow {
    /// The picture behind the pages.
    pub fn background_url(&self) -> String {
        if self.background.is_empty() { DEFAULT_BACKGROUND.to_owned() } else { media(&self.background) }
    }
}

fn media(background: &str) -> String {
    if background.starts_with('/') || background.contains("://") {
        background.to_owned()
    } else {
        format!("/media/public/{background}")
    }
}

fn background_url(_: &Represent<'_>, object: &Object) -> Value {
    match object.get("background").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        Some(background) => media(background).into(),
        None => DEFAULT_BACKGROUND.into(),
    }
}

fn export_url(_: &Represent<'_>, object: &Object) -> Value {
    let slug = object.get("slug").and_then(Value::as_str).unwrap_or_default();
    format!("/api/v3/flows/instances/{slug}/export/").into()
}

fn stages(represent: &Represent<'_>, object: &Object) -> Value {
    let Some(pk) = pk_of(object) else { return json!([]) };
    let program = represent.configuration.index::<Program>();
    let mut stages: Vec<Uuid> = program.bindings(pk).iter().map(|binding| binding.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    json!(stages)
}

fn policies(represent: &Represent<'_>, object: &Object) -> Value {
    let target = object.get("policybindingmodel_ptr_id").and_then(Value::as_str).unwrap_or_default();
    bound_policies(represent.configuration, target).into()
}

/// An object's key.
pub(crate) fn pk_of(object: &Object) -> Option<Uuid> {
    object.get("pk")?.as_str()?.parse().ok()
}

/// The fields of a flow that a stage shows in its `flow_set`.
pub(crate) fn flow_set_fields() -> Vec<Field> {
    const SHOWN: &[&str] = &[
        "pk",
        "policybindingmodel_ptr_id",
        "name",
        "slug",
        "title",
        "designation",
        "background_url",
        "policy_engine_mode",
        "compatibility_mode",
        "export_url",
        "layout",
        "denied_action",
    ];
    Flow::fields().into_iter().filter(|field| SHOWN.contains(&field.name)).collect()
}

impl Resource for Flow {
    fn spec() -> Spec {
        Spec::new("flows/instances", Self::KIND, "Flow")
            .verbose("Flow", "Flows")
            .lookup("slug", "slug")
            .also(BOUND_TO, "policybindingmodel_ptr_id")
            .search(&["name", "slug", "designation", "title", "denied_action"])
            .filter(&["flow_uuid=pk", "name", "slug", "designation", "denied_action"])
            .order(&["slug"])
            .describe(|object| {
                let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
                format!("Flow {} ({})", text("name"), text("slug"))
            })
            .operation(
                Operation::new(
                    Method::GET,
                    "cache_info/",
                    "flows_instances_cache_info_retrieve",
                    Some(shapes::cache()),
                    |_| async { ok(&json!({"count": 0})) },
                )
                .permission(Permission::Named("authentik_flows.view_flow_cache"))
                .doc("How many plans are kept in a cache: none, a plan costs microseconds here."),
            )
            .operation(
                Operation::new(Method::POST, "cache_clear/", "flows_instances_cache_clear_create", None, |_| async {
                    no_content()
                })
                .permission(Permission::Named("authentik_flows.clear_flow_cache"))
                .doc("Forgets plans that are kept in a cache: there are none."),
            )
            .operation(
                Operation::new(
                    Method::GET,
                    "{}/export/",
                    "flows_instances_export_retrieve",
                    Some(Shape::Binary),
                    export::flow,
                )
                .produces(&["application/json", "application/x-yaml", "application/yaml", "application/octet-stream"])
                .permission(Permission::Named("authentik_flows.export_flow"))
                .doc("The flow with its stages and bindings as a blueprint."),
            )
            .operation(
                Operation::new(
                    Method::GET,
                    "{}/diagram/",
                    "flows_instances_diagram_retrieve",
                    Some(Shape::Object("FlowDiagram", || vec![Field::of::<String>("diagram", "").read_only()])),
                    diagram::answer,
                )
                .permission(Permission::Verb(Verb::View))
                .doc("The flow as a diagram in Mermaid's language."),
            )
            .operation(
                Operation::new(
                    Method::GET,
                    "{}/execute/",
                    "flows_instances_execute_retrieve",
                    Some(Shape::Object("Link", || vec![Field::of::<String>("link", "")])),
                    execute,
                )
                .permission(Permission::Verb(Verb::View))
                .doc("Where the flow can be tried out."),
            )
    }
}

async fn execute(call: vestibule_resource::Call) -> vestibule_resource::call::Answer {
    let flow = pk_of(&call.object).and_then(|pk| call.configuration.get::<Flow>(pk)).ok_or_else(ApiError::not_found)?;
    let policies = call.api.extension::<Arc<dyn Policies>>()?;
    let user = call.principal.user().map(|pk| (pk, call.principal.superuser));
    let request = &call.principal.request;
    let plan = Plan::new(flow.pk, Vec::new());
    match planner::plan_for(policies.as_ref().as_ref(), &call.configuration, flow, user, request, plan).await? {
        Ok(_) => {}
        Err(NotApplicable::Empty) => return Err(ApiError::BadRequest("The flow has no stages.".into())),
        Err(reason) => {
            let said = format!("Flow not applicable to current user/request: {}", reason.said());
            return Err(ApiError::BadRequest(said));
        }
    }
    let origin = vestibule_directory::client::ClientInfo::of(&call.parts).origin();
    ok(&json!({"link": format!("{origin}/if/flow/{}/", flow.slug)}))
}

/// The typed stage bindings of a flow, in order.
pub(crate) fn ordered(configuration: &vestibule_store::Configuration) -> Vec<&FlowStageBinding> {
    let mut bindings: Vec<_> = configuration.all::<FlowStageBinding>().map(|(_, binding)| binding).collect();
    bindings.sort_by_key(|binding| (binding.order, binding.pk));
    bindings
}
