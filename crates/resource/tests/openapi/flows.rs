//! Flows and their bindings: slugs in paths, choices, operations of a collection and of one object.

use http::Method;
use uuid::Uuid;
use vestibule_resource::{Computed, Field, Fields, Kind, Lookup, Operation, Resource, Shape, Spec, choices};

use crate::nothing;
use crate::stages::null;

choices! {
    /// What a flow is for.
    pub enum Designation: "FlowDesignationEnum" {
        Authentication = "authentication" "", Authorization = "authorization" "", Invalidation = "invalidation" "",
        Enrollment = "enrollment" "", Unenrollment = "unenrollment" "", Recovery = "recovery" "",
        StageConfiguration = "stage_configuration" "",
    }
}
choices! {
    /// How policies are taken together.
    pub enum EngineMode: "PolicyEngineMode" { All = "all" "", Any = "any" "" }
}
choices! {
    /// How a page is laid out.
    pub enum Layout: "FlowLayoutEnum" {
        Stacked = "stacked" "", ContentLeft = "content_left" "", ContentRight = "content_right" "",
        SidebarLeft = "sidebar_left" "", SidebarRight = "sidebar_right" "",
        SidebarLeftFrame = "sidebar_left_frame_background" "", SidebarRightFrame = "sidebar_right_frame_background" "",
    }
}
choices! {
    /// What a refusal leads to.
    pub enum Denied: "DeniedActionEnum" { MessageContinue = "message_continue" "", Message = "message" "", Continue = "continue" "" }
}
choices! {
    /// Who may begin.
    pub enum Authentication: "AuthenticationEnum" {
        None = "none" "", Authenticated = "require_authenticated" "", Unauthenticated = "require_unauthenticated" "",
        Superuser = "require_superuser" "", Redirect = "require_redirect" "", Outpost = "require_outpost" "",
        Token = "require_token" "",
    }
}
choices! {
    /// What an invalid answer leads to.
    pub enum InvalidResponse: "InvalidResponseActionEnum" {
        Retry = "retry" "", Restart = "restart" "", RestartWithContext = "restart_with_context" "",
    }
}

/// A picture for both themes.
#[derive(Fields)]
struct ThemedUrls {
    light: Option<String>,
    dark: Option<String>,
}

/// A flow as authentik declares it.
#[derive(Fields)]
struct Flow {
    #[field(read_only)]
    pk: Uuid,
    #[field(read_only)]
    policybindingmodel_ptr_id: Uuid,
    name: String,
    /// Visible in the URL.
    #[field(format = Slug)]
    slug: String,
    title: String,
    designation: Designation,
    #[field(blank, default = "")]
    background: String,
    #[field(computed = null)]
    background_url: Computed,
    #[field(computed = null, nullable, shape = Shape::Object("ThemedUrls", ThemedUrls::fields))]
    background_themed_urls: Computed,
    #[field(computed = null, shape = Shape::Uuid.list())]
    stages: Computed,
    #[field(computed = null, shape = Shape::Uuid.list())]
    policies: Computed,
    #[field(computed = null, shape = Shape::INTEGER)]
    cache_count: Computed,
    #[field(default = "any")]
    policy_engine_mode: EngineMode,
    #[field(default = false)]
    compatibility_mode: bool,
    #[field(computed = null)]
    export_url: Computed,
    #[field(default = "stacked")]
    layout: Layout,
    #[field(default = "message_continue")]
    denied_action: Denied,
    #[field(default = "none")]
    authentication: Authentication,
}

/// A flow as its stages show it.
pub(crate) fn flow_set() -> Vec<Field> {
    let names = ["background", "background_themed_urls", "stages", "policies", "cache_count", "authentication"];
    Flow::fields().into_iter().filter(|field| !names.contains(&field.name)).collect()
}

#[derive(Fields)]
struct Diagram {
    #[field(read_only)]
    diagram: String,
}

#[derive(Fields)]
struct Link {
    link: String,
}

#[derive(Fields)]
struct Cache {
    #[field(read_only)]
    count: i64,
}

impl Resource for Flow {
    fn spec() -> Spec {
        let operation = |method, path, id, answer| Operation::new(method, path, id, answer, nothing);
        let diagram = Some(Shape::Object("FlowDiagram", Diagram::fields));
        let link = Some(Shape::Object("Link", Link::fields));
        let cache = Some(Shape::Object("Cache", Cache::fields));
        let export = operation(Method::GET, "{}/export/", "flows_instances_export_retrieve", Some(Shape::Binary));
        Spec::new("flows/instances", "authentik_flows.flow", "Flow")
            .lookup("slug", "slug")
            .filter(&["denied_action", "designation", "flow_uuid=pk", "name", "slug"])
            .operation(operation(Method::GET, "{}/diagram/", "flows_instances_diagram_retrieve", diagram))
            .operation(operation(Method::GET, "{}/execute/", "flows_instances_execute_retrieve", link))
            .operation(export.produces(&["application/json", "application/yaml"]))
            .operation(operation(Method::POST, "cache_clear/", "flows_instances_cache_clear_create", None))
            .operation(operation(Method::GET, "cache_info/", "flows_instances_cache_info_retrieve", cache))
    }
}

/// A binding as authentik declares it.
#[derive(Fields)]
struct Binding {
    #[field(read_only)]
    pk: Uuid,
    #[field(read_only)]
    policybindingmodel_ptr_id: Uuid,
    #[field(references = "authentik_flows.flow")]
    target: Uuid,
    #[field(references = "authentik_flows.stage")]
    stage: Uuid,
    #[field(computed = null, shape = Shape::Schema("Stage"))]
    stage_obj: Computed,
    #[field(default = false)]
    evaluate_on_plan: bool,
    #[field(default = true)]
    re_evaluate_policies: bool,
    order: i64,
    #[field(default = "any")]
    policy_engine_mode: EngineMode,
    /// What an invalid answer leads to.
    #[field(default = "retry")]
    invalid_response_action: InvalidResponse,
}

impl Resource for Binding {
    fn spec() -> Spec {
        Spec::new("flows/bindings", "authentik_flows.flowstagebinding", "FlowStageBinding")
            .lookup("pk", "fsb_uuid")
            .search(&[])
            .order(&["order"])
            .filter(&["evaluate_on_plan", "fsb_uuid=pk", "invalid_response_action", "order"])
            .filter(&[
                "pbm_uuid=policybindingmodel_ptr_id",
                "policy_engine_mode",
                "re_evaluate_policies",
                "stage",
                "target",
            ])
            .filter_with("policies", "pk", Lookup::Ignored, Shape::Uuid.list())
    }
}

pub(crate) fn kinds() -> Vec<Kind> {
    vec![Kind::record::<Flow>(), Kind::record::<Binding>()]
}
