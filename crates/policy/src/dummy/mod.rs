//! Always gives the same answer, after a while: for trying out what policies are bound to.

use std::time::Duration;

use async_trait::async_trait;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

/// Always gives the same answer.
#[derive(Clone, Debug, Fields)]
pub struct DummyPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// The answer.
    #[field(default = false)]
    pub result: bool,
    /// Fewest seconds until it is given.
    #[field(default = 5)]
    pub wait_min: i64,
    /// Seconds within which it is given.
    #[field(default = 30)]
    pub wait_max: i64,
}

impl DocumentType for DummyPolicy {
    const KIND: &'static str = "authentik_policies_dummy.dummypolicy";
}

impl Resource for DummyPolicy {
    fn spec() -> Spec {
        Spec::new("policies/dummy", Self::KIND, "DummyPolicy")
            .verbose("Dummy Policy", "Dummy Policies")
            .component("ak-policy-dummy-form")
            .says("Always gives the same answer, after a while.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name", "execution_logging", "policy_uuid=pk", "result", "wait_max", "wait_min"])
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<DummyPolicy>,
    policy: |document| document.get::<DummyPolicy>().map(|policy| policy as &dyn Policy),
    offered: false,
};

#[async_trait]
impl Policy for DummyPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let (least, most) = (self.wait_min.max(0).unsigned_abs(), self.wait_max.max(0).unsigned_abs());
        let span = most.saturating_sub(least).saturating_mul(1000).max(1);
        let random = u64::from_le_bytes(request.means.ctx.bytes()) % span;
        tokio::time::sleep(Duration::from_secs(least) + Duration::from_millis(random)).await;
        Ok(PolicyResult { passing: self.result, messages: vec!["dummy".into()], ..PolicyResult::default() })
    }
}
