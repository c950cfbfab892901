//! A stage's place in a flow.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Computed, Fields, Kind, Represent, Resource, Shape, Spec, Validation, choices};
use vestibule_store::DocumentType;

use crate::flow::PolicyEngineMode;
use crate::policies::BOUND_TO;
use crate::stage::{STAGES, stage_fields};

choices! {
    /// What a denied answer does to the plan.
    pub enum InvalidResponseAction: "InvalidResponseActionEnum" {
        Retry = "retry" "Say so, and let it be tried again",
        Restart = "restart" "Begin the flow anew",
        RestartWithContext = "restart_with_context" "Begin the flow anew, knowing what is known",
    }
}

/// A stage's place in a flow.
#[derive(Clone, Debug, Fields)]
pub struct FlowStageBinding {
    /// Key.
    #[field(read_only, label = "Fsb uuid")]
    pub pk: Uuid,
    /// Key by which policies are bound to it.
    #[field(read_only)]
    pub policybindingmodel_ptr_id: Uuid,
    /// The flow.
    #[field(references = "authentik_flows.flow")]
    pub target: Uuid,
    /// The stage.
    #[field(references = "authentik_flows.stage")]
    pub stage: Uuid,
    /// The stage, as its family knows it.
    #[field(shape = Shape::Schema("Stage"), computed = stage_obj)]
    pub stage_obj: Computed,
    /// Asks the policies when the plan is made.
    #[field(default = false)]
    pub evaluate_on_plan: bool,
    /// Asks the policies when the stage is reached.
    #[field(default = true)]
    pub re_evaluate_policies: bool,
    /// Place among the bindings of the flow.
    pub order: i64,
    /// Whether all of several policies must pass, or any.
    #[field(default = "any")]
    pub policy_engine_mode: PolicyEngineMode,
    /// What a denied answer does to the plan.
    #[field(default = "retry")]
    pub invalid_response_action: InvalidResponseAction,
}

impl DocumentType for FlowStageBinding {
    const KIND: &'static str = "authentik_flows.flowstagebinding";
}

impl Resource for FlowStageBinding {
    fn spec() -> Spec {
        Spec::new("flows/bindings", Self::KIND, "FlowStageBinding")
            .verbose("Flow Stage Binding", "Flow Stage Bindings")
            .lookup("pk", "fsb_uuid")
            .also(BOUND_TO, "policybindingmodel_ptr_id")
            .search(&["stage__name"])
            .filter(&[
                "fsb_uuid=pk",
                "pbm_uuid=policybindingmodel_ptr_id",
                "target",
                "stage",
                "evaluate_on_plan",
                "re_evaluate_policies",
                "order",
                "policy_engine_mode",
                "invalid_response_action",
            ])
            .filter_with("policies", "pk", vestibule_resource::Lookup::Ignored, Shape::Uuid.list())
            .order(&["order", "pk"])
            .unique_together(&["target", "stage", "order"])
            .through("target", "stage")
            .describe(|object| {
                let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
                let order = object.get("order").and_then(Value::as_i64).unwrap_or_default();
                format!("Flow-stage binding #{order} to {}", text("target"))
            })
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let is = |field: &str| cx.object.get(field) == Some(&json!(true));
        if !is("evaluate_on_plan") && !is("re_evaluate_policies") {
            errors.add(NON_FIELD, "Either evaluation on plan or evaluation on run must be enabled");
        }
        if let Some(kind) = cx.given.get("stage").and_then(|stage| kind_of(cx, stage))
            && kind.spec.is_saved_only()
        {
            let many = kind.spec.verbose_name_plural();
            errors.add("stage", format!("{many} cannot be bound to a flow: this server does not carry them out yet."));
        }
    }
}

/// What kind of stage a key names.
fn kind_of<'a>(cx: &Validation<'a>, stage: &Value) -> Option<&'a Kind> {
    let pk = stage.as_str()?.parse().ok()?;
    let members = cx.registry.members(STAGES.model);
    members.into_iter().find(|kind| cx.configuration.document(kind.model(), pk).is_some()).map(AsRef::as_ref)
}

/// The bound stage. The answer to a write that named the stage shows it as its family alone knows it.
fn stage_obj(represent: &Represent<'_>, object: &Object) -> Value {
    let pk = object.get("stage").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let members = represent.registry.members(STAGES.model);
    let found = pk.and_then(|pk: Uuid| {
        members.into_iter().find_map(|kind| Some((kind, represent.configuration.document(kind.model(), pk)?)))
    });
    let Some((kind, document)) = found else { return Value::Null };
    let inner = Represent { kind, written: &[], ..*represent };
    let mut shown = inner.fields(&stage_fields(), &document.value);
    if represent.written.iter().any(|field| field == "stage") {
        shown.insert("component".into(), "".into());
        shown.insert("verbose_name".into(), STAGES.verbose_name.into());
        shown.insert("verbose_name_plural".into(), STAGES.verbose_name_plural.into());
        shown.insert("meta_model_name".into(), STAGES.model.into());
    }
    Value::Object(shown)
}
