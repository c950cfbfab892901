//! The inspector: where a flow stands and what it knows, for administrators who try it out.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::session::Sessions;
use vestibule_directory::user::Users;
use vestibule_kernel::secret::sha256_hex;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::object_permission::{ObjectKey, may_on};
use vestibule_resource::{Call, Field, Operation, Represent, Shape};
use vestibule_store::DocumentType as _;

use crate::binding::FlowStageBinding;
use crate::flow::Flow;
use crate::plan::Plan;
use crate::planner;
use crate::policies::Policies;
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
        .permission(Permission::Hidden)
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
    let slug = call.path.get("flow_slug").map(String::as_str).unwrap_or_default();
    let flow = call.configuration.index::<Program>().flow(slug).ok_or_else(ApiError::not_found)?;
    let flow = call.configuration.get::<Flow>(flow).ok_or_else(ApiError::not_found)?;
    // It tells what others must not even guess at.
    let key = Some(ObjectKey::Uuid(flow.pk));
    if !may_on(call.api.store.database(), &call.principal, "authentik_flows.inspect_flow", key).await? {
        return Err(ApiError::not_found());
    }
    let Some((plan, session)) = find_plan(&call, flow).await? else {
        return Err(ApiError::BadRequest("There is no plan of this flow in the session.".into()));
    };
    let context = context(&call, &plan).await?;
    let id = sha256_hex(session.as_bytes());
    let walked: Vec<Uuid> = plan.done.iter().chain(&plan.bindings).copied().collect();
    let show = |position: usize| {
        json!({
            "current_stage": binding(&call, walked.get(position)),
            "next_planned_stage": binding(&call, walked.get(position + 1)),
            "plan_context": context,
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

/// The plan of a flow that the session walks or has walked last, with the session's own name. A first question leaves no
/// plan behind: there the one that its answer would walk.
async fn find_plan(call: &Call, flow: &Flow) -> Result<Option<(Plan, Uuid)>, ApiError> {
    let sessions = call.api.extension::<Sessions>()?;
    let Some(session) = vestibule_directory::load_session(&sessions, &call.parts).await? else { return Ok(None) };
    let kept = Plan::of(&session.data).or_else(|| Plan::last(&session.data)).filter(|plan| plan.flow == flow.pk);
    if let Some(plan) = kept {
        return Ok(Some((plan, session.uuid)));
    }
    let policies = call.api.extension::<Arc<dyn Policies>>()?;
    let planned =
        planner::plan(policies.as_ref().as_ref(), &call.configuration, flow, &session, &call.principal.request).await?;
    Ok(planned.ok().filter(|plan| !plan.bindings.is_empty()).map(|plan| (plan, session.uuid)))
}

/// What a plan knows: who walks it, and how they have proved it.
async fn context(call: &Call, plan: &Plan) -> Result<Value, ApiError> {
    let mut context = plan.context.clone();
    if let Some(pending) = &plan.pending {
        let user = match pending.pk {
            Some(pk) => call.api.extension::<Users>()?.by_pk(pk).await?,
            None => None,
        };
        let known = user.map(|user| json!({"pk": user.pk, "username": user.username, "email": user.email}));
        let typed = || json!({"pk": null, "username": pending.shown, "email": ""});
        context.insert("pending_user".into(), known.unwrap_or_else(typed));
        context.insert("pending_user_identifier".into(), pending.identifier.clone().into());
    }
    if let Some(method) = &plan.authenticated {
        context.insert("auth_method".into(), method.clone().into());
        context.insert("auth_method_args".into(), json!({}));
    }
    Ok(Value::Object(context))
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
