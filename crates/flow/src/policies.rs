//! Who decides whether somebody may pass: the policies, groups and users that are bound to a flow, to a place in one, or
//! to an application. How they decide is not this crate's business.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{Actor, ApiError};
use vestibule_store::Configuration;

use crate::flow::PolicyEngineMode;

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

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether they may.
    pub passing: bool,
    /// What is to be said to them.
    pub messages: Vec<String>,
}

/// Decides.
#[async_trait]
pub trait Policies: Send + Sync {
    /// The answers to questions, in their order. An error means that none of them may be taken for a yes.
    async fn ask(&self, configuration: &Configuration, questions: &[Question]) -> Result<Vec<Verdict>, ApiError>;

    /// The answer to one.
    async fn may_pass(&self, configuration: &Configuration, question: Question) -> Result<Verdict, ApiError> {
        let mut verdicts = self.ask(configuration, &[question]).await?;
        verdicts.pop().ok_or_else(|| ApiError::internal("a question about policies without an answer"))
    }
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
    async fn applications(&self, configuration: &Configuration, user: &Actor) -> Result<Vec<Value>, ApiError>;
}
