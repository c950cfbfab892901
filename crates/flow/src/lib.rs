//! Flows: what an administrator arranges and people walk through. The planner, the executor, what a stage is, and the
//! two faces of a challenge: JSON at `/api/v3/flows/executor/<slug>/`, a page at `/if/flow/<slug>/`.

mod answer;
mod beat;
pub mod begin;
mod binding;
mod cookies;
mod diagram;
mod executor;
mod export;
mod flow;
mod flow_token;
mod inspector;
mod json;
mod limits;
mod next;
mod page;
pub mod pages;
mod plan;
mod planner;
mod policies;
mod preview;
mod program;
pub mod schema;
mod settle;
pub mod setup;
mod simulator;
pub mod stage;
mod state;
mod suppose;
mod title;
mod trial;
mod views;

pub use answer::{Answer, AnswerError, AnswerErrors, Take};
pub use binding::{FlowStageBinding, InvalidResponseAction};
pub use flow::{Designation, Flow, PolicyEngineMode, Requirement};
pub use flow_token::{FlowToken, MadeToken, RecoveryLinkMaker};
pub use limits::Limits;
pub use page::not_found_page;
pub use plan::{Pending, Plan};
pub use policies::{BINDING, BOUND_TO, Library, Occasion, Policies, Question, Verdict};
pub use program::Program;
pub use stage::{BuiltIn, Enter, Outcome, STAGES, SignIn, Stage, StageBase, StageCx, StageEntry, StageRegistry, Visit};
pub use state::{FlowParts, FlowState};
pub use suppose::{Supposed, Supposing};
pub use trial::{Asked, Failed, Said, Trial};

use vestibule_resource::{Family, Kind, Operation};

/// Flows and their bindings.
pub fn kinds() -> Vec<Kind> {
    vec![Kind::document::<Flow>(), Kind::document::<FlowStageBinding>()]
}

/// The family of all stages.
pub fn families() -> Vec<&'static Family> {
    vec![&STAGES]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    let mut operations = inspector::operations();
    operations.extend(preview::operations());
    operations.extend(stage::operations());
    operations.extend(schema::operations());
    operations.extend(simulator::operations());
    operations
}

/// Everything that answers outside of the uniform API: the executor, the pages, the redirects.
pub fn routes(state: &FlowState) -> axum::Router {
    let walked = json::routes(state)
        .merge(page::routes(state))
        .layer(axum::middleware::from_fn_with_state(state.ctx().clone(), beat::on_the_beat));
    walked.merge(views::routes(state)).merge(setup::routes(state))
}
