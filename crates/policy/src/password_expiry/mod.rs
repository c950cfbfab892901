//! Refuses passwords that are too old; unless told otherwise, they are worth nothing from then on.

use async_trait::async_trait;
use vestibule_directory::Users;
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

/// Refuses passwords that are too old.
#[derive(Clone, Debug, Fields)]
pub struct PasswordExpiryPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// Days that a password is good.
    pub days: i64,
    /// Only refuses; the password stays what it is.
    #[field(default = false)]
    pub deny_only: bool,
}

impl DocumentType for PasswordExpiryPolicy {
    const KIND: &'static str = "authentik_policies_expiry.passwordexpirypolicy";
}

impl Resource for PasswordExpiryPolicy {
    fn spec() -> Spec {
        Spec::new("policies/password_expiry", Self::KIND, "PasswordExpiryPolicy")
            .verbose("Password Expiry Policy", "Password Expiry Policies")
            .component("ak-policy-password-expiry-form")
            .says("Refuses passwords that have not been changed for a while.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name", "days", "deny_only", "execution_logging", "policy_uuid=pk"])
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<PasswordExpiryPolicy>,
    policy: |document| document.get::<PasswordExpiryPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

#[async_trait]
impl Policy for PasswordExpiryPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        // Nobody has no password, and none that is still good.
        let Some(user) = request.subject.pk() else { return Ok(PolicyResult::default()) };
        let users = Users::new(request.means.store.clone(), request.means.ctx.clone());
        let Some(changed) = users.password_changed(user).await? else { return Ok(PolicyResult::default()) };
        let age = (request.means.ctx.now() - changed).num_days();
        if age < self.days {
            return Ok(PolicyResult::of(true));
        }
        if self.deny_only {
            return Ok(PolicyResult::no("Password has expired."));
        }
        if !request.trial {
            users.forget_password(user).await?;
        }
        let since = age - self.days;
        Ok(PolicyResult::no(format!("Password expired {since} days ago. Please update your password.")))
    }
}
