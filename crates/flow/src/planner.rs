//! Planning: who may walk a flow, and what lies before them.

use uuid::Uuid;
use vestibule_directory::session::Session;
use vestibule_store::Configuration;

use crate::flow::{Flow, Requirement};
use crate::plan::{Pending, Plan};
use crate::program::Program;

/// The flow of the first visit: a page of its own ([`crate::setup`]) stands in for it until it has its stages.
const SETUP: &str = "initial-setup";

/// Why a flow is not for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotApplicable {
    /// The flow's `authentication` says so.
    Requirement,
    /// No stage is bound to it.
    Empty,
}

/// A plan for a flow.
pub(crate) fn plan(configuration: &Configuration, flow: &Flow, session: &Session) -> Result<Plan, NotApplicable> {
    if flow.slug == SETUP || !admits(flow.authentication, session) {
        return Err(NotApplicable::Requirement);
    }
    bindings_of(configuration, flow)
}

/// A plan for a flow that a token let somebody into, whatever the flow requires.
pub(crate) fn plan_by_token(
    configuration: &Configuration,
    flow: &Flow,
    pending: Pending,
) -> Result<Plan, NotApplicable> {
    if flow.slug == SETUP {
        return Err(NotApplicable::Requirement);
    }
    let mut plan = bindings_of(configuration, flow)?;
    plan.pending = Some(pending);
    plan.pinned = true;
    Ok(plan)
}

fn bindings_of(configuration: &Configuration, flow: &Flow) -> Result<Plan, NotApplicable> {
    let program = configuration.index::<Program>();
    let bindings: Vec<Uuid> = program.bindings(flow.pk).iter().map(|bound| bound.binding).collect();
    if bindings.is_empty() {
        return Err(NotApplicable::Empty);
    }
    Ok(Plan::new(flow.pk, bindings))
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
