//! Asks an expression: Python, in a sandbox. What fails, or uses up its budget, lets nobody pass.

mod inputs;
mod run;
mod user;

use async_trait::async_trait;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

/// Asks an expression.
#[derive(Clone, Debug, Fields)]
pub struct ExpressionPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// The expression: Python, whose answer lets pass if it is true.
    #[field(language = vestibule_expression_host::python("temp-policy"))]
    pub expression: String,
}

impl DocumentType for ExpressionPolicy {
    const KIND: &'static str = "authentik_policies_expression.expressionpolicy";
}

impl Resource for ExpressionPolicy {
    fn spec() -> Spec {
        Spec::new("policies/expression", Self::KIND, "ExpressionPolicy")
            .verbose("Expression Policy", "Expression Policies")
            .component("ak-policy-expression-form")
            .says("Asks an expression, written in Python.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name", "execution_logging", "expression", "policy_uuid=pk"])
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<ExpressionPolicy>,
    policy: |document| document.get::<ExpressionPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

#[async_trait]
impl Policy for ExpressionPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        run::run(&self.policy.name, &self.expression, request).await
    }
}
