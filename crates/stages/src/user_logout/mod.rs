//! Signs out who is signed in.

pub(crate) mod frames;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use vestibule_flow::begin::{FAREWELL, FAREWELL_FRAMES, Farewell};
use vestibule_flow::{Answer, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry};
use vestibule_kernel::ApiError;
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

/// Signs out who is signed in.
#[derive(Clone, Debug, Fields)]
pub struct UserLogoutStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
}

impl DocumentType for UserLogoutStage {
    const KIND: &'static str = "authentik_stages_user_logout.userlogoutstage";
}

impl Resource for UserLogoutStage {
    fn spec() -> Spec {
        Spec::new("stages/user_logout", Self::KIND, "UserLogoutStage")
            .verbose("User Logout Stage", "User Logout Stages")
            .component("ak-stage-user-logout-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<UserLogoutStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: UserLogoutStage::KIND,
    component: "ak-stage-user-logout",
    page: None,
    stage: |document| document.get::<UserLogoutStage>().map(|stage| stage as &dyn Stage),
    description: "Ends the session of who is signed in.",
    sample: || Value::Null,
};

impl UserLogoutStage {
    /// Puts what tells applications in the browser before the end of the session, which they could not find out of after
    /// it; false where there is nobody to tell, or they are told.
    async fn says_goodbye(&self, cx: &mut StageCx<'_>) -> Result<bool, ApiError> {
        let farewell = cx.state.api.extensions.get::<Arc<dyn Farewell>>();
        let (Some(farewell), Some(_)) = (farewell, &cx.session.user) else { return Ok(false) };
        if cx.plan.context.contains_key(FAREWELL_FRAMES) {
            return Ok(false);
        }
        let urls = farewell.urls(cx.configuration, cx.session.uuid, &cx.visit.client.origin()).await?;
        let Some(here) = cx.plan.current().filter(|_| !urls.is_empty()) else { return Ok(false) };
        cx.plan.context.insert(FAREWELL_FRAMES.into(), urls.into());
        // The present place is passed over, and comes again behind the frames.
        cx.plan.bindings.insert(1, FAREWELL);
        cx.plan.bindings.insert(2, here);
        Ok(true)
    }
}

#[async_trait]
impl Stage for UserLogoutStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if self.says_goodbye(cx).await? {
            return Ok(Enter::Skip);
        }
        cx.sign_out = true;
        Ok(Enter::Pass)
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        cx.sign_out = true;
        Ok(Outcome::Next)
    }
}
