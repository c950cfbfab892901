//! Who decides whether somebody may pass: the policies, groups and users that are bound to a flow, to a place in one, or
//! to an application. How they decide is not this crate's business.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_store::{Configuration, StoreError, Transaction};

use crate::flow::PolicyEngineMode;
use crate::plan::Plan;
use crate::trial::Trial;

/// The model of everything that policies can be bound to.
pub const BOUND_TO: &str = "authentik_policies.policybindingmodel";
/// The model of what binds them.
pub const BINDING: &str = "authentik_policies.policybinding";

/// What is asked: may this user pass here?
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What the bindings name as their target.
    pub target: Uuid,
    /// How several of them count together.
    pub mode: PolicyEngineMode,
    /// Whether everyone may pass where nothing is bound.
    pub open: bool,
    /// Who wants to pass; `None`: nobody in particular.
    pub user: Option<i64>,
}

/// In which circumstances it is asked: what policies may look at besides the user.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The request, as events tell of it.
    pub request: &'a Request,
    /// The plan under way.
    pub plan: Option<&'a Plan>,
    /// What else is known, by name: the fields of a form, an event.
    pub context: Option<&'a Object>,
    /// Whether nothing is guarded (who is told of an event): then a binding's `failure_result` counts where its policy
    /// fails. Everywhere else a policy that fails lets nobody pass.
    pub harmless: bool,
    /// Whether it is only tried out: then nothing is done, and what each says is noted here.
    pub trial: Option<&'a Trial>,
}

impl<'a> Occasion<'a> {
    /// A request, and nothing else.
    pub fn of(request: &'a Request) -> Self {
        Self { request, plan: None, context: None, harmless: false, trial: None }
    }

    /// A request on the way through a plan.
    pub fn on_the_way(request: &'a Request, plan: &'a Plan) -> Self {
        Self { plan: Some(plan), ..Self::of(request) }
    }
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Whether they may.
    pub passing: bool,
    /// What is to be said to them.
    pub messages: Vec<String>,
    /// Whether a policy failed that could have made it another answer. It is none then: who would skip a stage for a no
    /// must not skip it for this one.
    pub failed: bool,
    /// The plan with what policies have changed: its context, and who walks through it. `None`: nothing.
    pub plan: Option<Box<Plan>>,
}

/// Decides.
#[async_trait]
pub trait Policies: Send + Sync {
    /// The answers to questions, in their order. An error means that none of them may be taken for a yes.
    async fn ask(
        &self,
        configuration: &Configuration,
        questions: &[Question],
        occasion: Occasion<'_>,
    ) -> Result<Vec<Verdict>, ApiError>;

    /// The answer to one.
    async fn may_pass(
        &self,
        configuration: &Configuration,
        question: Question,
        occasion: Occasion<'_>,
    ) -> Result<Verdict, ApiError> {
        let mut verdicts = self.ask(configuration, &[question], occasion).await?;
        verdicts.pop().ok_or_else(|| ApiError::internal("a question about policies without an answer"))
    }

    /// What policies say that no binding names, asked in this order: each must let pass. What the answers to a form are
    /// checked with.
    async fn validate(
        &self,
        configuration: &Configuration,
        policies: &[Uuid],
        user: Option<i64>,
        occasion: Occasion<'_>,
    ) -> Result<Verdict, ApiError>;

    /// Counts a wrong password, or a name that nobody has, against the name and the address that it came from; in the
    /// transaction of the event that tells of it.
    async fn count_failure(
        &self,
        transaction: &mut Transaction,
        name: &str,
        request: &Request,
    ) -> Result<(), StoreError>;

    /// Counts that somebody has signed in. `recovered`: by a link that was sent to them alone, so that what others tried
    /// in their name is forgotten.
    async fn count_success(&self, name: &str, request: &Request, recovered: bool) -> Result<(), StoreError>;

    /// Whether the account of this name is locked: so many attempts have failed that none counts for a while.
    async fn is_locked(&self, configuration: &Configuration, name: &str) -> Result<bool, ApiError>;
}

/// The policies that are bound to something, for its own answers.
pub(crate) fn bound_policies(configuration: &Configuration, target: &str) -> Vec<Value> {
    let bound = configuration.documents(BINDING).filter(|binding| binding.text("target") == target);
    let mut policies: Vec<Value> =
        bound.filter_map(|binding| binding.value.get("policy").filter(|policy| !policy.is_null()).cloned()).collect();
    policies.sort_by_key(ToString::to_string);
    policies.dedup();
    policies
}

/// Knows what a person may open; the page after the login shows it.
#[async_trait]
pub trait Library: Send + Sync {
    /// The applications that somebody may open, each with `name`, `description`, `group`, `icon`, `launch_url` and
    /// `open_in_new_tab`.
    async fn applications(
        &self,
        configuration: &Configuration,
        user: &Actor,
        request: &Request,
    ) -> Result<Vec<Value>, ApiError>;
}
