//! Entitlements: what somebody may do within an application.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::BOUND_TO;
use vestibule_kernel::Object;
use vestibule_resource::{Call, Computed, Fields, Operation, Resource, Shape, Spec, memory_list};
use vestibule_store::DocumentType;

/// An entitlement. Users and groups have it by being bound to it.
#[derive(Clone, Debug, Fields)]
pub struct ApplicationEntitlement {
    /// Key.
    #[field(internal)]
    pub pk: Uuid,
    /// Key, by which users and groups are bound to it too.
    #[field(shape = Shape::Uuid, computed = |_, object| object.get("pk").cloned().unwrap_or(json!(null)))]
    pub pbm_uuid: Computed,
    /// What the application calls it.
    pub name: String,
    /// The application.
    #[field(references = "authentik_core.application")]
    pub app: Uuid,
    /// What administrators keep about it.
    #[field(default = {})]
    pub attributes: Object,
}

impl DocumentType for ApplicationEntitlement {
    const KIND: &'static str = "authentik_core.applicationentitlement";
}

impl Resource for ApplicationEntitlement {
    fn spec() -> Spec {
        Spec::new("core/application_entitlements", Self::KIND, "ApplicationEntitlement")
            .verbose("Application Entitlement", "Application Entitlements")
            .lookup("pk", "pbm_uuid")
            .also(BOUND_TO, "pk")
            .filter(&["app", "name", "pbm_uuid=pk"])
            .unique_together(&["app", "name"])
            .operation(
                Operation::new(
                    http::Method::GET,
                    "requestable/",
                    "core_application_entitlements_requestable_list",
                    Some(Shape::Schema("PaginatedRequestableTargetList")),
                    // Nobody can ask for access here, so nothing can be asked for.
                    |call: Call| async move { memory_list(&call, Vec::new(), &[], &[]) },
                )
                .parameter("app", Shape::Uuid)
                .parameter("name", Shape::TEXT)
                .parameter("pbm_uuid", Shape::Uuid)
                .parameter("ordering", Shape::TEXT)
                .parameter("page", Shape::INTEGER)
                .parameter("page_size", Shape::INTEGER)
                .parameter("search", Shape::TEXT)
                .doc("Entitlements that one may ask for."),
            )
            .describe(|object| {
                let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
                format!("Application Entitlement {name}")
            })
    }
}
