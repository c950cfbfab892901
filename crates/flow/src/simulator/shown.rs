//! A simulation as the API tells it.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::cleanse;
use vestibule_kernel::Object;
use vestibule_resource::{Call, Field, Fields, Shape};

use super::Arrival;
use super::walk::{Gate, NotFor, Outcome, Person, Step, StepReason, StepVerdict, Told};
use crate::binding::InvalidResponseAction;
use crate::flow::{DeniedAction, Flow, PolicyEngineMode, Requirement};
use crate::trial::{Asked, Heard, Said};

/// The context's own names are no secrets, what they hold may be.
const CONTEXT: &str = "context";

#[derive(Fields)]
struct SimulationShown {
    /// The flow.
    flow: String,
    /// Who walks it.
    user: Option<i64>,
    /// How they come to it.
    arrival: Arrival,
    /// How the walk ends.
    outcome: Outcome,
    /// What is said at the end.
    messages: Vec<String>,
    /// Who may begin.
    #[field(shape = Shape::Object("FlowSimulationEntrance", EntranceShown::fields))]
    entrance: Value,
    /// The stages in their order.
    #[field(shape = Shape::Object("FlowSimulationStep", StepShown::fields).list())]
    steps: Vec<Value>,
    /// Whom the flow is about at its end.
    pending_user: Option<i64>,
    /// What the plan knows at its end, without secrets.
    context: Object,
    /// What policies would have done, and did not.
    withheld: Vec<String>,
}

#[derive(Fields)]
struct EntranceShown {
    /// Who may walk through the flow.
    authentication: Requirement,
    /// Whether they may.
    admitted: bool,
    /// Why not.
    reason: Option<NotFor>,
    /// What happens to whom the flow does not admit.
    denied_action: DeniedAction,
    /// What is bound to the flow, as far as it was asked.
    #[field(shape = Shape::Object("FlowSimulationGate", GateShown::fields).list())]
    gates: Vec<Value>,
}

#[derive(Fields)]
struct StepShown {
    /// The stage's binding.
    binding: Uuid,
    /// The stage.
    stage: Uuid,
    /// What it is called.
    name: String,
    /// Its model.
    model: String,
    /// Its place in the flow.
    order: i64,
    /// What becomes of it.
    verdict: StepVerdict,
    /// Why.
    reason: StepReason,
    /// What is said there.
    messages: Vec<String>,
    /// What a denied answer would do here.
    invalid_response_action: InvalidResponseAction,
    /// Whether what is bound is asked when the plan is made.
    evaluate_on_plan: bool,
    /// Whether what is bound is asked when the stage is reached.
    re_evaluate_policies: bool,
    /// What was asked, in this order.
    #[field(shape = Shape::Object("FlowSimulationGate", GateShown::fields).list())]
    gates: Vec<Value>,
}

#[derive(Fields)]
struct GateShown {
    /// When it was asked: `plan`, `run` when the stage was reached, `answer` about what was answered.
    when: String,
    /// Whether all must pass, or any.
    mode: PolicyEngineMode,
    /// Whether they pass together.
    passing: bool,
    /// Whether a failure alone has decided that.
    failed: bool,
    /// What is said to the person.
    messages: Vec<String>,
    /// What each says.
    #[field(shape = Shape::Object("FlowSimulationSaid", SaidShown::fields).list())]
    said: Vec<Value>,
}

#[derive(Fields)]
struct SaidShown {
    /// The binding; null: a policy that validates an answer.
    binding: Option<Uuid>,
    /// Its place among the bindings.
    order: i64,
    /// The policy.
    policy: Option<Uuid>,
    /// The group.
    group: Option<Uuid>,
    /// The user.
    user: Option<i64>,
    /// What the policy is called; empty for groups and users.
    name: String,
    /// The policy's model; empty for groups and users.
    model: String,
    /// Whether the answer was turned round.
    negate: bool,
    /// Whether it lets pass, turned round where that is wanted; null: it failed.
    passing: Option<bool>,
    /// Whether the binding has ended.
    expired: bool,
    /// What it wants to be said.
    messages: Vec<String>,
    /// What the policy itself answered.
    #[field(nullable)]
    raw_result: Value,
    /// Why it failed.
    #[field(nullable, shape = Shape::Object("FlowSimulationFailure", FailureShown::fields))]
    failure: Value,
    /// How long it took, milliseconds.
    milliseconds: i64,
    /// What it wrote into the log.
    #[field(shape = Shape::Schema("LogEvent").list())]
    log: Vec<Value>,
    /// What it would have done, and did not.
    withheld: Vec<String>,
}

#[derive(Fields)]
struct FailureShown {
    /// What sort of failure.
    r#type: String,
    /// What went wrong.
    message: String,
    /// In which line of an expression.
    line: Option<i64>,
}

pub(super) fn simulation() -> Vec<Field> {
    SimulationShown::fields()
}

pub(super) fn show(call: &Call, flow: &Flow, arrival: Arrival, person: Option<&Person>, told: &Told<'_>) -> Value {
    let heard = told.entrance.iter().chain(told.steps.iter().flat_map(|step| &step.gates).map(|gate| &gate.heard));
    let withheld: Vec<&String> = heard.flat_map(|heard| &heard.said).flat_map(|said| &said.withheld).collect();
    let entrance = json!({
        "authentication": flow.authentication.as_str(),
        "admitted": told.outcome != Outcome::NotApplicable,
        "reason": told.not_for.map(NotFor::as_str),
        "denied_action": flow.denied_action.as_str(),
        "gates": told.entrance.iter().map(|heard| asked("plan", heard)).collect::<Vec<_>>(),
    });
    json!({
        "flow": flow.slug,
        "user": person.map(|person| person.user.pk),
        "arrival": arrival.as_str(),
        "outcome": told.outcome.as_str(),
        "messages": told.messages,
        "entrance": entrance,
        "steps": told.steps.iter().map(|one| step(call, one)).collect::<Vec<_>>(),
        "pending_user": told.pending.as_ref().and_then(|pending| pending.pk),
        "context": cleanse(CONTEXT, &Value::Object(told.context.clone())),
        "withheld": withheld,
    })
}

fn step(call: &Call, step: &Step<'_>) -> Value {
    let binding = step.binding;
    let stage = call.configuration.find(binding.stage);
    json!({
        "binding": binding.pk,
        "stage": binding.stage,
        "name": stage.map(|stage| stage.text("name")).unwrap_or_default(),
        "model": stage.map(|stage| stage.kind).unwrap_or_default(),
        "order": binding.order,
        "verdict": step.verdict.as_str(),
        "reason": step.reason.as_str(),
        "messages": step.messages,
        "invalid_response_action": binding.invalid_response_action.as_str(),
        "evaluate_on_plan": binding.evaluate_on_plan,
        "re_evaluate_policies": binding.re_evaluate_policies,
        "gates": step.gates.iter().map(|Gate { when, heard }| asked(when, heard)).collect::<Vec<_>>(),
    })
}

fn asked(when: &str, heard: &Heard) -> Value {
    let mode = if heard.all { PolicyEngineMode::All } else { PolicyEngineMode::Any };
    json!({
        "when": when,
        "mode": mode.as_str(),
        "passing": heard.verdict.passing,
        "failed": heard.verdict.failed,
        "messages": heard.verdict.messages,
        "said": heard.said.iter().map(said).collect::<Vec<_>>(),
    })
}

fn said(said: &Said) -> Value {
    let (policy, name, model) = match &said.asked {
        Asked::Policy { pk, name, model } => (Some(pk), name.as_str(), *model),
        _ => (None, "", ""),
    };
    let group = if let Asked::Group(pk) = said.asked { Some(pk) } else { None };
    let user = if let Asked::User(pk) = said.asked { Some(pk) } else { None };
    let failure = said.failure.as_ref();
    json!({
        "binding": said.binding,
        "order": said.order,
        "policy": policy,
        "group": group,
        "user": user,
        "name": name,
        "model": model,
        "negate": said.negate,
        "passing": said.passing,
        "expired": said.expired,
        "messages": said.messages,
        "raw_result": cleanse("raw_result", &said.answer),
        "failure": failure.map(|one| json!({"type": one.kind, "message": one.message, "line": one.line})),
        "milliseconds": said.took.num_milliseconds(),
        "log": said.log,
        "withheld": said.withheld,
    })
}
