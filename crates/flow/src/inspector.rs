//! The inspector: where a flow stands and what it knows, for administrators who try it out.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::session::Sessions;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, ok};
use vestibule_resource::{Call, Field, Operation, Represent, Shape};
use vestibule_store::DocumentType as _;

use crate::binding::FlowStageBinding;
use crate::plan::Plan;
use crate::program::Program;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "flows/inspector/{flow_slug}/",
            "flows_inspector_get",
            Some(Shape::Object("FlowInspection", inspection)),
            inspect,
        )
        .doc("Where the flow of this session stands and what it knows."),
    ]
}

fn inspection() -> Vec<Field> {
    let plan = || Shape::Object("FlowInspectorPlan", inspected_plan);
    vec![
        Field::of::<Vec<Value>>("plans", "").shape(plan().list()),
        Field::of::<Value>("current_plan", "").shape(plan()).default(|| Value::Null),
        Field::of::<bool>("is_completed", ""),
    ]
}

fn inspected_plan() -> Vec<Field> {
    let binding = || Shape::Schema("FlowStageBinding");
    vec![
        Field::of::<Value>("current_stage", "").shape(binding()).read_only(),
        Field::of::<Value>("next_planned_stage", "").shape(binding()).read_only(),
        Field::of::<Object>("plan_context", "").read_only(),
        Field::of::<String>("session_id", "").read_only(),
    ]
}

async fn inspect(call: Call) -> Answer {
    // It tells what others must not even guess at.
    if !call.principal.may("authentik_flows.inspect_flow") {
        return Err(ApiError::not_found());
    }
    let slug = call.path.get("flow_slug").map(String::as_str).unwrap_or_default();
    let flow = call.configuration.index::<Program>().flow(slug).ok_or_else(ApiError::not_found)?;
    let sessions = call.api.extension::<Sessions>()?;
    let session = vestibule_directory::load_session(&sessions, &call.parts).await?.ok_or_else(ApiError::not_found)?;
    let plan = Plan::of(&session.data).or_else(|| Plan::last(&session.data)).filter(|plan| plan.flow == flow);
    let plan = plan.ok_or_else(ApiError::not_found)?;
    let id = session.uuid.simple().to_string();
    let walked: Vec<Uuid> = plan.done.iter().chain(&plan.bindings).copied().collect();
    let show = |position: usize| {
        json!({
            "current_stage": binding(&call, walked.get(position)),
            "next_planned_stage": binding(&call, walked.get(position + 1)),
            "plan_context": plan.context_for_inspector(),
            "session_id": id,
        })
    };
    let plans: Vec<Value> = (0..plan.done.len()).map(show).collect();
    let current = plan.done.len().min(walked.len().saturating_sub(1));
    let mut answer = Object::new();
    answer.insert("current_plan".into(), show(current));
    answer.insert("plans".into(), plans.into());
    answer.insert("is_completed".into(), plan.bindings.is_empty().into());
    ok(&Value::Object(answer))
}

fn binding(call: &Call, pk: Option<&Uuid>) -> Value {
    let kind = call.api.registry.kind(FlowStageBinding::KIND);
    let document = pk.and_then(|pk| call.configuration.document(FlowStageBinding::KIND, *pk));
    match (kind, document) {
        (Some(kind), Some(document)) => Represent {
            configuration: &call.configuration,
            registry: &call.api.registry,
            kind,
            principal: Some(&call.principal),
            origin: "",
            written: &[],
        }
        .object(&document.value),
        _ => json!({
            "target": null, "stage": null, "evaluate_on_plan": false, "re_evaluate_policies": false, "order": null,
            "policy_engine_mode": null, "invalid_response_action": null,
        }),
    }
}
