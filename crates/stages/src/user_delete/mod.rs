//! Deletes the account of whoever walks through the flow.

use async_trait::async_trait;
use serde_json::json;
use vestibule_flow::{Answer, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing};
use vestibule_kernel::{Actor, ApiError};
use vestibule_resource::{Fields, Kind, Principal, Resource, Spec, delete_object, load_one};
use vestibule_store::DocumentType;

use crate::consent;

#[cfg(test)]
mod tests;

/// Deletes the account of whoever walks through the flow, once they have said that they want that.
#[derive(Clone, Debug, Fields)]
pub struct UserDeleteStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
}

impl DocumentType for UserDeleteStage {
    const KIND: &'static str = "authentik_stages_user_delete.userdeletestage";
}

impl Resource for UserDeleteStage {
    fn spec() -> Spec {
        Spec::new("stages/user_delete", Self::KIND, "UserDeleteStage")
            .verbose("User Delete Stage", "User Delete Stages")
            .component("ak-stage-user-delete-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<UserDeleteStage>()
}

/// As the executor knows it. Its question is one that is answered by agreeing.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: UserDeleteStage::KIND,
    component: consent::COMPONENT,
    page: consent::ENTRY.page,
    stage: |document| document.get::<UserDeleteStage>().map(|stage| stage as &dyn Stage),
    description: "Deletes the account of who walks through the flow.",
    sample: consent::ENTRY.sample,
};

/// To whom it is not their own account, or nobody's.
const NOBODY: &str = "No Pending User.";
/// What is asked.
const ASKED: &str = "Your account will be deleted, with everything that belongs to it.";

/// Whose account it is: of who is signed in, or has proved in this flow who they are. A name that was typed is nobody's.
fn owner(cx: &StageCx<'_>) -> Option<i64> {
    let user = cx.user()?;
    let is_signed_in = cx.session.user.as_ref().is_some_and(|signed_in| signed_in.pk == user);
    (is_signed_in || cx.plan.authenticated.is_some() || cx.plan.pinned).then_some(user)
}

/// Deletes the user as the API does; who is nobody any more is signed out.
async fn delete(cx: &mut StageCx<'_>, user: i64) -> Result<(), ApiError> {
    let (store, registry) = (cx.state.store(), &cx.state.api.registry);
    let kind = registry.kind("authentik_core.user").ok_or_else(|| ApiError::internal("no kind of users"))?;
    let actor = Actor::User { pk: user, username: cx.shown().unwrap_or_default(), email: String::new() };
    let principal = Principal { actor, request: cx.visit.request.clone(), ..Principal::anonymous(cx.visit.client.ip) };
    let mut change = store.change(principal.actor.clone()).await?;
    if let Some(object) = load_one(change.transaction(), kind, "pk", &json!(user)).await? {
        delete_object(&mut change, registry, cx.state.ctx(), &principal, kind, &object).await?;
    }
    change.commit().await?;
    cx.plan.pending = None;
    cx.plan.authenticated = None;
    cx.sign_out = true;
    Ok(())
}

#[async_trait]
impl Stage for UserDeleteStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if owner(cx).is_none() {
            return Ok(Enter::Deny(NOBODY.into()));
        }
        // An address that somebody was led to deletes nothing: it is asked.
        Ok(Enter::Ask(consent::question(cx, Some(ASKED.into()), &[], &[])))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let Some(user) = owner(cx) else { return Ok(Outcome::Denied(NOBODY.into())) };
        if let Err(errors) = consent::agrees(cx, answer) {
            return Ok(Outcome::Invalid(errors));
        }
        delete(cx, user).await?;
        Ok(Outcome::Next)
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        let is_somebody = cx.user().is_some();
        Ok(Some(if is_somebody { Supposed::Asks } else { Supposed::Denies(NOBODY.into()) }))
    }
}
