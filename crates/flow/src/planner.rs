//! Planning: who may walk a flow, and what lies before them.

use uuid::Uuid;
use vestibule_directory::session::Session;
use vestibule_kernel::ApiError;
use vestibule_store::Configuration;

use crate::binding::FlowStageBinding;
use crate::flow::{Flow, Requirement};
use crate::plan::Plan;
use crate::policies::{Policies, Question};
use crate::program::Program;

/// The flow of the first visit: a page of its own ([`crate::setup`]) stands in for it until it has its stages.
const SETUP: &str = "initial-setup";

/// Why a flow is not for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotApplicable {
    /// The flow's `authentication` says so.
    Requirement,
    /// What is bound to the flow says so, in these words.
    Policies(Vec<String>),
    /// No stage is bound to it, or none that applies.
    Empty,
}

/// A plan for a flow. `Err` of the outer kind: it could not be found out, so there is none.
pub(crate) async fn plan(
    policies: &dyn Policies,
    configuration: &Configuration,
    flow: &Flow,
    session: &Session,
) -> Result<Result<Plan, NotApplicable>, ApiError> {
    if flow.slug == SETUP || !admits(flow.authentication, session) {
        return Ok(Err(NotApplicable::Requirement));
    }
    let user = session.user.as_ref().map(|user| user.pk);
    let question = Question { target: flow.policybindingmodel_ptr_id, mode: flow.policy_engine_mode, open: true, user };
    let verdict = policies.may_pass(configuration, question).await?;
    if !verdict.passing {
        return Ok(Err(NotApplicable::Policies(verdict.messages)));
    }
    let program = configuration.index::<Program>();
    let mut bindings: Vec<Uuid> = Vec::new();
    for bound in program.bindings(flow.pk) {
        let Some(binding) = configuration.get::<FlowStageBinding>(bound.binding) else { continue };
        if !binding.evaluate_on_plan || is_wanted(policies, configuration, binding, user).await? {
            bindings.push(bound.binding);
        }
    }
    Ok(if bindings.is_empty() { Err(NotApplicable::Empty) } else { Ok(Plan::new(flow.pk, bindings)) })
}

/// Whether what is bound to a place in a flow wants its stage for somebody.
pub(crate) async fn is_wanted(
    policies: &dyn Policies,
    configuration: &Configuration,
    binding: &FlowStageBinding,
    user: Option<i64>,
) -> Result<bool, ApiError> {
    let question =
        Question { target: binding.policybindingmodel_ptr_id, mode: binding.policy_engine_mode, open: true, user };
    Ok(policies.may_pass(configuration, question).await?.passing)
}

/// Whether who is signed in meets a flow's requirement. What nothing can meet yet (an outpost, a token, a redirect from
/// another flow) fails closed.
fn admits(requirement: Requirement, session: &Session) -> bool {
    let user = session.user.as_ref();
    match requirement {
        Requirement::None => true,
        Requirement::RequireAuthenticated => user.is_some(),
        Requirement::RequireUnauthenticated => user.is_none(),
        Requirement::RequireSuperuser => user.is_some_and(|user| user.is_superuser),
        Requirement::RequireRedirect | Requirement::RequireOutpost | Requirement::RequireToken => false,
    }
}
