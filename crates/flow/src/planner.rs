//! Planning: who may walk a flow, and what lies before them.

use vestibule_directory::session::Session;
use vestibule_events::Request;
use vestibule_kernel::ApiError;
use vestibule_resource::SIGN_IN_AGAIN;
use vestibule_store::Configuration;

use crate::binding::FlowStageBinding;
use crate::flow::{Flow, Requirement};
use crate::plan::{Pending, Plan};
use crate::policies::{Occasion, Policies, Question};
use crate::program::Program;

/// The flow of the first visit: a page of its own ([`crate::setup`]) stands in for it until it has its stages.
const SETUP: &str = "initial-setup";

/// What is said where a flow is not for somebody and nothing more is known.
pub(crate) const NOT_APPLICABLE: &str = "Flow does not apply to current user.";

/// Why a flow is not for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotApplicable {
    /// The flow's `authentication` says so.
    Requirement,
    /// What is bound to the flow says so, in these words.
    Policies(Vec<String>),
    /// No stage is bound to it.
    Empty,
    /// It changes how somebody signs in, and they did so long ago.
    Stale,
}

impl NotApplicable {
    /// The sentence, as clients know it.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Stale => SIGN_IN_AGAIN.to_owned(),
            Self::Policies(messages) if !messages.is_empty() => messages.join("\n"),
            _ => NOT_APPLICABLE.to_owned(),
        }
    }
}

/// A plan for a flow. `Err` of the outer kind: it could not be found out, so there is none.
pub(crate) async fn plan(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    session: &Session,
    request: &Request,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    plan_with(policies, configuration, flow, session, request, Plan::new(flow.pk, Vec::new())).await
}

/// The same for somebody who is known by their key, and whether they may do everything; `None` is nobody. `plan` is what is
/// known from its beginning on.
pub(crate) async fn plan_for(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    user: Option<(i64, bool)>,
    request: &Request,
    plan: Plan,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    if flow.slug == SETUP || !admits(flow.authentication, user.map(|(_, superuser)| superuser)) {
        return Ok(Err(NotApplicable::Requirement));
    }
    ask(policies, configuration, flow, user.map(|(pk, _)| pk), plan, request).await
}

/// A plan that knows something from its beginning on.
pub(crate) async fn plan_with(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    session: &Session,
    request: &Request,
    plan: Plan,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    let user = session.user.as_ref().map(|user| (user.pk, user.is_superuser));
    plan_for(policies, configuration, flow, user, request, plan).await
}

/// A plan for a flow that a stage of another has led to: what is known there is known here. What the flow requires of a
/// visitor counts as ever.
pub(crate) async fn plan_onward(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    session: &Session,
    request: &Request,
    from: Plan,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    let signed_in = session.user.as_ref();
    if flow.slug == SETUP || !admits(flow.authentication, signed_in.map(|user| user.is_superuser)) {
        return Ok(Err(NotApplicable::Requirement));
    }
    let user = from.pending.as_ref().map_or(signed_in.map(|user| user.pk), |pending| pending.pk);
    let plan =
        Plan { flow: flow.pk, bindings: Vec::new(), done: Vec::new(), leads_to: None, without_device: None, ..from };
    ask(policies, configuration, flow, user, plan, request).await
}

/// A plan for a flow that a token let somebody into: what the flow requires of a visitor the token stands for, what is
/// bound to it counts.
pub(crate) async fn plan_by_token(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    pending: Pending,
    request: &Request,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    let plan = Plan { pending: Some(pending), pinned: true, ..Plan::new(flow.pk, Vec::new()) };
    plan_pinned(policies, configuration, flow, request, plan).await
}

/// The same for a plan that knows for whom it is.
pub(crate) async fn plan_pinned(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    request: &Request,
    plan: Plan,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    if flow.slug == SETUP {
        return Ok(Err(NotApplicable::Requirement));
    }
    ask(policies, configuration, flow, plan.user(), plan, request).await
}

/// The plan with the places that what is bound to a flow and to its stages allows.
async fn ask(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    user: Option<i64>,
    mut plan: Plan,
    request: &Request,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    let question = Question { target: flow.policybindingmodel_ptr_id, mode: flow.policy_engine_mode, open: true, user };
    let verdict = policies.may_pass(configuration, question, Occasion::on_the_way(request, &plan)).await?;
    if !verdict.passing {
        return Ok(Err(NotApplicable::Policies(verdict.messages)));
    }
    plan.take_over(verdict.plan);
    let program = configuration.index::<Program>();
    let places = program.bindings(flow.pk);
    if places.is_empty() {
        return Ok(Err(NotApplicable::Empty));
    }
    for bound in places {
        let Some(binding) = configuration.get::<FlowStageBinding>(bound.binding) else { continue };
        if binding.evaluate_on_plan {
            let user = plan.pending.as_ref().map_or(user, |pending| pending.pk);
            match is_wanted(policies, configuration, binding, user, request, &mut plan).await? {
                Wanted::Yes => {}
                Wanted::No => continue,
                Wanted::Unknown => return Ok(Err(NotApplicable::Policies(Vec::new()))),
            }
        }
        plan.bindings.push(bound.binding);
    }
    Ok(Ok(plan))
}

/// Whether a stage is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It is.
    Yes,
    /// It is passed over.
    No,
    /// A policy failed that would tell. Passing over a stage for that would open the door that it is.
    Unknown,
}

/// Whether what is bound to a place in a flow wants its stage for somebody. What its policies change is in the plan then.
pub(crate) async fn is_wanted(
    policies: &dyn Policies,
    configuration: &Configuration,
    binding: &FlowStageBinding,
    user: Option<i64>,
    request: &Request,
    plan: &mut Plan,
) -> Result<Wanted, ApiError> {
    let question =
        Question { target: binding.policybindingmodel_ptr_id, mode: binding.policy_engine_mode, open: true, user };
    let verdict = policies.may_pass(configuration, question, Occasion::on_the_way(request, plan)).await?;
    plan.take_over(verdict.plan);
    Ok(match (verdict.passing, verdict.failed) {
        (true, _) => Wanted::Yes,
        (false, true) => Wanted::Unknown,
        (false, false) => Wanted::No,
    })
}

/// Whether who is signed in (`None`: nobody; else whether they may do everything) meets a flow's requirement. What nothing
/// can meet yet (an outpost, a token, a redirect from another flow) fails closed.
pub(crate) fn admits(requirement: Requirement, signed_in: Option<bool>) -> bool {
    match requirement {
        Requirement::None => true,
        Requirement::RequireAuthenticated => signed_in.is_some(),
        Requirement::RequireUnauthenticated => signed_in.is_none(),
        Requirement::RequireSuperuser => signed_in == Some(true),
        Requirement::RequireRedirect | Requirement::RequireOutpost | Requirement::RequireToken => false,
    }
}
