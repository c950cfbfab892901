//! Signs out who is signed in.

use async_trait::async_trait;
use serde_json::Value;
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

#[async_trait]
impl Stage for UserLogoutStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        cx.sign_out = true;
        Ok(Enter::Pass)
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        cx.sign_out = true;
        Ok(Outcome::Next)
    }
}
