//! Entitlements: what somebody may do within an application.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::BOUND_TO;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::object_permission::{ObjectKey, may_on};
use vestibule_resource::{Call, Computed, Fields, Hooks, Operation, Resource, Shape, Spec, WriteCx, memory_list};
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
            .hooks(&OfSeen)
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

/// An entitlement is of an application that whoever makes it may see.
struct OfSeen;

#[async_trait]
impl Hooks for OfSeen {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let app = object.get("app").and_then(Value::as_str).and_then(|app| app.parse().ok()).map(ObjectKey::Uuid);
        let given = cx.given.contains_key("app");
        let database = cx.change.store().database();
        if given && !may_on(database, cx.principal, "authentik_core.view_application", app).await? {
            return Err(FieldErrors::one("app", "User does not have access to application.").into());
        }
        Ok(())
    }
}
