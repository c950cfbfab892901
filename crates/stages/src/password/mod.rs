//! Asks for the password of the pending user.

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;
use vestibule_flow::{
    Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing, Take,
};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::DocumentType;

mod check;
#[cfg(test)]
mod tests;

pub(crate) use check::{Checked, check};

choices! {
    /// Where a password may be found to be right.
    pub enum Backend: "BackendsEnum" {
        Inbuilt = "authentik.core.auth.InbuiltBackend" "The user's own password",
        Token = "authentik.core.auth.TokenBackend" "The user's application passwords",
        Ldap = "authentik.sources.ldap.auth.LDAPBackend" "LDAP sources",
        Kerberos = "authentik.sources.kerberos.auth.KerberosBackend" "Kerberos sources",
    }
}

/// Asks for the pending user's password.
#[derive(Clone, Debug, Fields)]
pub struct PasswordStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Where the password may be found to be right.
    pub backends: Vec<Backend>,
    /// The flow by which a signed-in user changes their password.
    #[field(references = "authentik_flows.flow")]
    pub configure_flow: Option<Uuid>,
    /// Wrong passwords after which the flow ends.
    #[field(default = 5)]
    pub failed_attempts_before_cancel: i64,
    /// Shows a button that makes the password readable.
    #[field(default = false)]
    pub allow_show_password: bool,
}

impl DocumentType for PasswordStage {
    const KIND: &'static str = "authentik_stages_password.passwordstage";
}

impl Resource for PasswordStage {
    fn spec() -> Spec {
        Spec::new("stages/password", Self::KIND, "PasswordStage")
            .verbose("Password Stage", "Password Stages")
            .component("ak-stage-password-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "configure_flow", "failed_attempts_before_cancel", "allow_show_password"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<PasswordStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: PasswordStage::KIND,
    component: "ak-stage-password",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<PasswordStage>().map(|stage| stage as &dyn Stage),
    description: "Asks for the user's password.",
    sample: || {
        json!({
            "component": "ak-stage-password", "pending_user": "alice", "pending_user_avatar": "",
            "allow_show_password": true, "recovery_url": "/if/flow/recovery/",
        })
    },
};

/// What a wrong password is answered with.
pub(crate) const INVALID: &str = "Invalid password";

#[async_trait]
impl Stage for PasswordStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        // Asked on the page of the identification already.
        if cx.plan.authenticated.is_some() {
            return Ok(Enter::Skip);
        }
        if cx.shown().is_none() {
            return Ok(Enter::Deny("No pending user.".into()));
        }
        let mut challenge = Object::new();
        challenge.insert("component".into(), ENTRY.component.into());
        cx.show_pending(&mut challenge);
        if let Some(path) = cx.flow_url(cx.brand().and_then(|brand| brand.flow_recovery)) {
            challenge.insert("recovery_url".into(), format!("{}{path}", cx.visit.client.origin()).into());
        }
        challenge.insert("allow_show_password".into(), self.allow_show_password.into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if cx.plan.authenticated.is_some() {
            return Ok(Outcome::Next);
        }
        let mut errors = AnswerErrors::default();
        let Some(password) = answer.text("password", Take::PASSWORD, &mut errors) else {
            return Ok(Outcome::Invalid(errors));
        };
        if cx.plan.pending.is_none() && cx.session.user.is_none() {
            return Ok(Outcome::Denied("No pending user.".into()));
        }
        Ok(match check(self, cx, password).await? {
            Checked::Right => Outcome::Next,
            Checked::Wrong => Outcome::Invalid(AnswerErrors::one("password", INVALID, "invalid")),
            Checked::TooOften => Outcome::Denied(INVALID.into()),
        })
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        cx.answers = None;
        if cx.plan.authenticated.is_some() {
            return Ok(Some(Supposed::Skips));
        }
        if cx.plan.pending.is_none() && cx.signed_in.is_none() {
            return Ok(Some(Supposed::Denies("No pending user.".into())));
        }
        // Whoever is somebody knows their password; nobody's is never right.
        if !cx.is_active() {
            return Ok(Some(Supposed::Refuses(vec![INVALID.into()])));
        }
        cx.plan.authenticated = Some("password".into());
        Ok(Some(Supposed::Asks))
    }
}
