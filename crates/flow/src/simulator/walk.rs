//! The walk: the real planner and the real policies, then the stages one after the other, each as it would be.

use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_events::Request;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::choices;
use vestibule_store::{Configuration, Store};

use super::Arrival;
use crate::binding::{FlowStageBinding, InvalidResponseAction};
use crate::flow::Flow;
use crate::plan::{Pending, Plan};
use crate::planner::{self, NOT_APPLICABLE, NotApplicable, Wanted};
use crate::policies::Policies;
use crate::program::Program;
use crate::stage::StageRegistry;
use crate::suppose::{Supposed, Supposing};
use crate::trial::{Heard, OnTrial};

choices! {
    /// What becomes of a stage.
    pub enum StepVerdict: "FlowSimulationVerdictEnum" {
        Shown = "shown" "It asks",
        Acts = "acts" "It does its work without asking",
        Skipped = "skipped" "It is passed over",
        Denied = "denied" "It is where the flow ends with a refusal",
        Depends = "depends" "Only a real walk shows whether it asks",
        Unreached = "unreached" "The flow is over before",
    }
}

choices! {
    /// Why.
    pub enum StepReason: "FlowSimulationReasonEnum" {
        Unconditional = "unconditional" "Nothing is bound to it",
        Passed = "passed" "What is bound to it lets pass",
        RefusedOnPlan = "refused_on_plan" "What is bound to it said no when the plan was made",
        RefusedOnRun = "refused_on_run" "What is bound to it said no when it was reached",
        FailedOnPlan = "failed_on_plan" "A policy failed when the plan was made: nobody passes over a stage for that",
        FailedOnRun = "failed_on_run" "A policy failed when it was reached: nobody passes over a stage for that",
        Stage = "stage" "The stage itself says so",
        Answer = "answer" "The answer is refused",
        Ended = "ended" "The flow is over before",
    }
}

choices! {
    /// How the walk ends.
    pub enum Outcome: "FlowSimulationOutcomeEnum" {
        Finished = "finished" "At its end",
        NotApplicable = "not_applicable" "The flow is not for them",
        Denied = "denied" "With a refusal",
        AskedAgain = "asked_again" "At a question that has to be answered otherwise",
        Restarted = "restarted" "It begins anew",
        RestartedWithContext = "restarted_with_context" "It begins anew, knowing what is known",
        Left = "left" "It leads elsewhere",
    }
}

choices! {
    /// Why a flow is not for somebody.
    pub enum NotFor: "FlowSimulationNotForEnum" {
        Requirement = "requirement" "It requires somebody else",
        Policies = "policies" "What is bound to it says so",
        Failed = "failed" "A policy failed",
        Empty = "empty" "No stage is bound to it",
    }
}

/// Who walks.
pub(super) struct Person {
    pub user: UserRow,
    pub superuser: bool,
}

/// What is walked, by whom, from where.
pub(super) struct Simulation<'a> {
    pub configuration: &'a Configuration,
    pub store: &'a Store,
    pub stages: &'a StageRegistry,
    pub flow: &'a Flow,
    pub person: Option<&'a Person>,
    pub arrival: Arrival,
    pub request: &'a Request,
    pub answers: &'a Object,
}

/// A question at a place, and when it was asked.
pub(super) struct Gate {
    /// `plan`, `run`, or `answer`.
    pub when: &'static str,
    pub heard: Heard,
}

/// What becomes of a stage.
pub(super) struct Step<'a> {
    pub binding: &'a FlowStageBinding,
    pub verdict: StepVerdict,
    pub reason: StepReason,
    pub messages: Vec<String>,
    pub gates: Vec<Gate>,
}

/// Everything that came of it.
pub(super) struct Told<'a> {
    pub outcome: Outcome,
    pub not_for: Option<NotFor>,
    pub messages: Vec<String>,
    pub entrance: Option<Heard>,
    pub steps: Vec<Step<'a>>,
    pub pending: Option<Pending>,
    pub context: Object,
}

/// A walk on its way.
struct Way<'a> {
    plan: Plan,
    /// How it has ended, and what is said there; `None`: not yet.
    ended: Option<(Outcome, Vec<String>)>,
    /// Whether an account would have been made.
    made: bool,
    policies: &'a OnTrial<'a>,
}

impl<'a> Simulation<'a> {
    /// Walks; `context` is what the plan knows from its beginning on.
    ///
    /// # Errors
    /// It could not be found out.
    pub(super) async fn run(&self, policies: &dyn Policies, context: Object) -> Result<Told<'a>, ApiError> {
        let on_trial = OnTrial::new(policies);
        let planned = self.plan(&on_trial, context).await?;
        let mut heard = on_trial.take();
        let is_flow = |one: &Heard| one.target == Some(self.flow.policybindingmodel_ptr_id);
        let entrance = heard.iter().position(is_flow).map(|at| heard.remove(at));
        match planned {
            Ok(plan) => {
                let mut way = Way { plan, ended: None, made: false, policies: &on_trial };
                let steps = self.walk(&mut way, heard).await?;
                let (outcome, messages) = way.ended.unwrap_or((Outcome::Finished, Vec::new()));
                let (pending, context) = (way.plan.pending, way.plan.context);
                Ok(Told { outcome, not_for: None, messages, entrance, steps, pending, context })
            }
            Err(reason) => {
                let failed = entrance.as_ref().is_none_or(|one| one.verdict.failed || one.verdict.passing);
                let not_for = match reason {
                    NotApplicable::Requirement | NotApplicable::Stale => NotFor::Requirement,
                    NotApplicable::Empty => NotFor::Empty,
                    NotApplicable::Policies(_) if failed => NotFor::Failed,
                    NotApplicable::Policies(_) => NotFor::Policies,
                };
                let (messages, steps) = (vec![reason.said()], self.nobody_comes_here(heard));
                let (pending, context) = (None, Object::new());
                let (outcome, not_for) = (Outcome::NotApplicable, Some(not_for));
                Ok(Told { outcome, not_for, messages, entrance, steps, pending, context })
            }
        }
    }

    /// The plan as the executor would make it.
    async fn plan(&self, policies: &dyn Policies, context: Object) -> Result<Result<Plan, NotApplicable>, ApiError> {
        let (configuration, flow, request) = (self.configuration, self.flow, self.request);
        let plan = Plan { context, ..Plan::new(flow.pk, Vec::new()) };
        match (self.arrival, self.person) {
            (Arrival::Link, Some(person)) => {
                let pending = Pending::known(&person.user, &person.user.username, configuration);
                // (What names the link is kept nowhere.)
                let token = Some(String::new());
                let plan = Plan { pending: Some(pending), pinned: true, token, ..plan };
                planner::plan_pinned(policies, configuration, flow, request, plan).await
            }
            (Arrival::SignedIn, Some(person)) => {
                let user = Some((person.user.pk, person.superuser));
                planner::plan_for(policies, configuration, flow, user, request, plan).await
            }
            _ => planner::plan_for(policies, configuration, flow, None, request, plan).await,
        }
    }

    fn signed_in(&self) -> Option<i64> {
        self.person.filter(|_| self.arrival == Arrival::SignedIn).map(|person| person.user.pk)
    }

    /// The flow's places in their order.
    fn places(&self) -> Vec<&'a FlowStageBinding> {
        let program = self.configuration.index::<Program>();
        let places = program.bindings(self.flow.pk).iter();
        places.filter_map(|bound| self.configuration.get::<FlowStageBinding>(bound.binding)).collect()
    }

    /// The places of a flow that is not for them; what was asked before that was found out is told.
    fn nobody_comes_here(&self, mut heard: Vec<Heard>) -> Vec<Step<'a>> {
        let steps = self.places().into_iter().map(|binding| {
            let gates = gates(&mut heard, binding, "plan");
            let failed = gates.iter().any(|gate| gate.heard.verdict.failed && !gate.heard.verdict.passing);
            let (verdict, reason) = match failed {
                true => (StepVerdict::Denied, StepReason::FailedOnPlan),
                false => (StepVerdict::Unreached, StepReason::Ended),
            };
            Step { binding, verdict, reason, messages: Vec::new(), gates }
        });
        steps.collect()
    }

    async fn walk(&self, way: &mut Way<'_>, mut heard: Vec<Heard>) -> Result<Vec<Step<'a>>, ApiError> {
        let mut steps = Vec::new();
        for binding in self.places() {
            let gates = gates(&mut heard, binding, "plan");
            let step = Step { binding, verdict: StepVerdict::Shown, reason: why(&gates), messages: Vec::new(), gates };
            steps.push(self.step(way, step).await?);
        }
        Ok(steps)
    }

    async fn step(&self, way: &mut Way<'_>, step: Step<'a>) -> Result<Step<'a>, ApiError> {
        let binding = step.binding;
        let planned = way.plan.current() == Some(binding.pk);
        if way.plan.bindings.iter().all(|one| *one != binding.pk) && way.ended.is_none() {
            return Ok(Step { verdict: StepVerdict::Skipped, reason: StepReason::RefusedOnPlan, ..step });
        }
        if way.ended.is_some() || !planned {
            return Ok(Step { verdict: StepVerdict::Unreached, reason: StepReason::Ended, ..step });
        }
        let mut step = step;
        if binding.re_evaluate_policies {
            let user = way.plan.pending.as_ref().map_or(self.signed_in(), |pending| pending.pk);
            let (policies, request) = (way.policies, self.request);
            let wanted =
                planner::is_wanted(policies, self.configuration, binding, user, request, &mut way.plan).await?;
            step.gates.extend(way.policies.take().into_iter().map(|heard| Gate { when: "run", heard }));
            step.reason = why(&step.gates);
            match wanted {
                Wanted::Yes => {}
                Wanted::No => {
                    way.plan.pass_over();
                    return Ok(Step { verdict: StepVerdict::Skipped, reason: StepReason::RefusedOnRun, ..step });
                }
                Wanted::Unknown => {
                    let said = vec![NOT_APPLICABLE.to_owned()];
                    way.ended = Some((Outcome::Denied, said.clone()));
                    let (verdict, reason) = (StepVerdict::Denied, StepReason::FailedOnRun);
                    return Ok(Step { verdict, reason, messages: said, ..step });
                }
            }
        }
        self.meet(way, step).await
    }

    /// Somebody stands before the stage.
    async fn meet(&self, way: &mut Way<'_>, mut step: Step<'a>) -> Result<Step<'a>, ApiError> {
        let binding = step.binding;
        let answers = self.answers.get(&binding.pk.to_string()).and_then(Value::as_object);
        let supposed = self.suppose(way, binding.stage, answers).await?;
        let heard = way.policies.take();
        step.gates.extend(heard.into_iter().map(|heard| Gate { when: "answer", heard }));
        let (verdict, reason, messages) = match supposed {
            Supposed::Asks => (StepVerdict::Shown, step.reason, Vec::new()),
            Supposed::Acts | Supposed::Leaves => (StepVerdict::Acts, step.reason, Vec::new()),
            Supposed::Depends => (StepVerdict::Depends, StepReason::Stage, Vec::new()),
            Supposed::Skips => (StepVerdict::Skipped, StepReason::Stage, Vec::new()),
            Supposed::Denies(ref message) => (StepVerdict::Denied, StepReason::Stage, vec![message.clone()]),
            Supposed::Refuses(ref messages) => (StepVerdict::Shown, StepReason::Answer, messages.clone()),
        };
        match supposed {
            Supposed::Skips => way.plan.pass_over(),
            Supposed::Denies(_) => {
                // Where nobody has answered anything yet the beginning leads straight back here.
                let action = binding.invalid_response_action;
                let outcome = if way.plan.answered { after(action, Outcome::Denied) } else { Outcome::Denied };
                way.ended = Some((outcome, messages.clone()));
            }
            Supposed::Refuses(_) => {
                way.ended = Some((after(binding.invalid_response_action, Outcome::AskedAgain), messages.clone()));
            }
            Supposed::Leaves => way.ended = Some((Outcome::Left, Vec::new())),
            Supposed::Asks | Supposed::Acts | Supposed::Depends => {
                way.plan.answered = true;
                way.plan.advance();
            }
        }
        Ok(Step { verdict, reason, messages, ..step })
    }

    async fn suppose(&self, way: &mut Way<'_>, stage: Uuid, answers: Option<&Object>) -> Result<Supposed, ApiError> {
        let found = self.stages.behaviour(self.configuration, stage);
        // The executor could not go on either.
        let Some(found) = found else { return Ok(Supposed::Denies(String::new())) };
        let mut cx = Supposing {
            configuration: self.configuration,
            store: self.store,
            flow: self.flow,
            plan: &mut way.plan,
            person: self.person.map(|person| &person.user),
            signed_in: self.signed_in(),
            answers,
            request: self.request,
            made: &mut way.made,
            policies: way.policies,
        };
        let supposed = found.stage.suppose(&mut cx).await?;
        // A stage that makes nothing of its answers leaves them to the plan.
        if let Some(answers) = cx.answers {
            cx.plan.context.extend(answers.clone());
        }
        let usual = if found.asks { Supposed::Asks } else { Supposed::Acts };
        Ok(supposed.unwrap_or(usual))
    }
}

/// What was asked about a place.
fn gates(heard: &mut Vec<Heard>, binding: &FlowStageBinding, when: &'static str) -> Vec<Gate> {
    let target = Some(binding.policybindingmodel_ptr_id);
    heard.extract_if(.., |one| one.target == target).map(|heard| Gate { when, heard }).collect()
}

/// Why a stage is met that is met.
fn why(gates: &[Gate]) -> StepReason {
    if gates.is_empty() { StepReason::Unconditional } else { StepReason::Passed }
}

/// What a no does at a place.
fn after(action: InvalidResponseAction, retried: Outcome) -> Outcome {
    match action {
        InvalidResponseAction::Retry => retried,
        InvalidResponseAction::Restart => Outcome::Restarted,
        InvalidResponseAction::RestartWithContext => Outcome::RestartedWithContext,
    }
}
