//! Lets in whoever was invited: those who come with the key of an [`Invitation`].
//!
//! [`record`] is what an invitation consists of, [`found`] how one is found and used up, [`mail`] how its link is sent.

mod found;
pub(crate) mod mail;
#[cfg(test)]
mod mail_tests;
mod record;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::begin::VOUCHED_ADDRESS;
use vestibule_flow::{
    Answer, Enter, FlowStageBinding, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing,
};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::{Configuration, DocumentType};

use self::found::Found;
pub(crate) use self::found::{forget, use_up};
pub use self::record::Invitation;
use crate::prompt::PROMPT_DATA;
use crate::{UserWriteStage, secret_data};

/// Lets in whoever was invited.
#[derive(Clone, Debug, Fields)]
pub struct InvitationStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Whether those who were not invited may go on as well.
    #[field(default = false)]
    pub continue_flow_without_invitation: bool,
}

impl DocumentType for InvitationStage {
    const KIND: &'static str = "authentik_stages_invitation.invitationstage";
}

impl Resource for InvitationStage {
    fn spec() -> Spec {
        Spec::new("stages/invitation/stages", Self::KIND, "InvitationStage")
            .verbose("Invitation Stage", "Invitation Stages")
            .component("ak-stage-invitation-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["continue_flow_without_invitation", "name", "stage_uuid=pk"])
            .filter(&["no_flows=pk<authentik_flows.flowstagebinding.stage"])
    }
}

/// The kinds: stages, and what was sent out.
pub(crate) fn kinds() -> [Kind; 2] {
    [Kind::document::<InvitationStage>(), record::kind()]
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: InvitationStage::KIND,
    component: "ak-stage-invitation",
    page: None,
    stage: |document| document.get::<InvitationStage>().map(|stage| stage as &dyn Stage),
    description: "Lets in whoever was invited, and knows of them what the invitation says.",
    sample: || Value::Null,
};

/// The parameter that carries an invitation's key.
const PARAMETER: &str = "itoken";
/// The same, by another name; and where an answer holds it.
const TOKEN: &str = "token";
/// Where the plan keeps the invitation.
const INVITATION: &str = "invitation";
/// Where the plan says that there is one.
const IN_EFFECT: &str = "invitation_in_effect";
/// Where the plan notes which invitation has let somebody into which flow, for a flow that begins anew.
const ADMITTED: &str = "goauthentik.io/stages/invitation/admitted";
/// To whom no invitation is known, whatever the reason.
pub(crate) const UNINVITED: &str = "Invalid invite/invite not found";

/// The key that somebody brings.
fn key<'a>(cx: &'a StageCx<'_>) -> Option<&'a str> {
    let query = &cx.visit.query;
    let answered = || cx.plan.context.get(PROMPT_DATA)?.get(TOKEN)?.as_str();
    query.get(PARAMETER).or_else(|| query.get(TOKEN)).or_else(answered)
}

/// Lays what an invitation says over what is known: within objects name by name, lists one after the other.
fn lay_over(known: &mut Object, said: &Object) {
    for (name, said) in said {
        match (known.get_mut(name), said) {
            (Some(Value::Object(known)), Value::Object(said)) => lay_over(known, said),
            (Some(Value::Array(known)), Value::Array(said)) => known.extend(said.iter().cloned()),
            _ => drop(known.insert(name.clone(), said.clone())),
        }
    }
}

/// Whether a stage further on makes an account, with which the invitation is used up.
fn leads_to_account(cx: &StageCx<'_>) -> bool {
    let is_write = |configuration: &Configuration, pk| configuration.get::<UserWriteStage>(pk).is_some();
    cx.plan.bindings.iter().skip(1).any(|pk| {
        let stage = cx.get::<FlowStageBinding>(Some(*pk)).map_or(*pk, |binding| binding.stage);
        is_write(cx.configuration, stage)
    })
}

impl InvitationStage {
    /// Whether the person may go on.
    async fn admit(&self, cx: &mut StageCx<'_>) -> Result<bool, ApiError> {
        let Some(key) = key(cx).and_then(|key| key.parse::<Uuid>().ok()) else {
            return Ok(self.continue_flow_without_invitation);
        };
        // Once is enough, also where the flow has begun anew and knows what it knew.
        let admitted = json!({"invitation": key, "flow": cx.flow.pk});
        if cx.plan.context.get(ADMITTED) == Some(&admitted) {
            return Ok(true);
        }
        let Some(found) = Found::of(cx, key).await? else { return Ok(self.continue_flow_without_invitation) };
        if !found.accept(cx, leads_to_account(cx)).await? {
            return Ok(self.continue_flow_without_invitation);
        }
        let known = cx.plan.context.entry(PROMPT_DATA.to_owned()).or_insert_with(|| json!({}));
        if !known.is_object() {
            *known = json!({});
        }
        if let Some(known) = known.as_object_mut() {
            lay_over(known, &found.fixed_data);
        }
        if let Some(address) = found.fixed_data.get("email") {
            cx.plan.context.insert(VOUCHED_ADDRESS.into(), address.clone());
        }
        let secret: Vec<String> = found.fixed_data.keys().filter(|key| key.starts_with("password")).cloned().collect();
        secret_data::seal(cx, &secret)?;
        cx.plan.context.insert(ADMITTED.into(), admitted);
        cx.plan.context.insert(IN_EFFECT.into(), true.into());
        cx.plan.context.insert(INVITATION.into(), found.shown());
        Ok(true)
    }
}

#[async_trait]
impl Stage for InvitationStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(if self.admit(cx).await? { Enter::Pass } else { Enter::Deny(UNINVITED.into()) })
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(if self.admit(cx).await? { Outcome::Next } else { Outcome::Denied(UNINVITED.into()) })
    }

    /// Nobody comes by an invitation here: it would be used up.
    async fn suppose(&self, _: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        Ok(Some(if self.continue_flow_without_invitation { Supposed::Acts } else { Supposed::Depends }))
    }
}
