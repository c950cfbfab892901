//! Passes where somebody's name, or the address they come from, has a bad reputation: for what they are to meet then, or
//! turned round, for what they are not to.

use async_trait::async_trait;
use vestibule_kernel::FieldErrors;
use vestibule_kernel::error::NON_FIELD;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec, Validation, json};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

pub(crate) mod scores;

/// Passes where a reputation is bad.
#[derive(Clone, Debug, Fields)]
pub struct ReputationPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// Whether the address counts.
    #[field(default = true)]
    pub check_ip: bool,
    /// Whether the name counts.
    #[field(default = true)]
    pub check_username: bool,
    /// The score from which on downwards a reputation is bad.
    #[field(default = -5)]
    pub threshold: i64,
}

impl DocumentType for ReputationPolicy {
    const KIND: &'static str = "authentik_policies_reputation.reputationpolicy";
}

impl Resource for ReputationPolicy {
    fn spec() -> Spec {
        Spec::new("policies/reputation", Self::KIND, "ReputationPolicy")
            .verbose("Reputation Policy", "Reputation Policies")
            .component("ak-policy-reputation-form")
            .says("Passes where the name or the address has a bad reputation.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name", "check_ip", "check_username", "execution_logging", "policy_uuid=pk", "threshold"])
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let is = |field: &str| cx.object.get(field) == Some(&json!(true));
        if !is("check_ip") && !is("check_username") {
            errors.add(NON_FIELD, "Either IP or Username must be checked");
        }
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<ReputationPolicy>,
    policy: |document| document.get::<ReputationPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

#[async_trait]
impl Policy for ReputationPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let ip = request.client_ip().filter(|_| self.check_ip).map(|ip| ip.to_string());
        let name = if self.check_username { Some(request.username().await?) } else { None };
        let score = scores::of_either(request.means, name, ip.as_deref()).await?;
        Ok(PolicyResult::of(score <= self.threshold))
    }
}
