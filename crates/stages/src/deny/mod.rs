//! Lets nobody pass.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_flow::{Answer, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing};
use vestibule_kernel::ApiError;
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

#[cfg(test)]
mod tests;

/// Lets nobody pass. With a policy on its binding, it lets only some pass.
#[derive(Clone, Debug, Fields)]
pub struct DenyStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// What people are told.
    #[field(blank, default = "")]
    pub deny_message: String,
}

impl DocumentType for DenyStage {
    const KIND: &'static str = "authentik_stages_deny.denystage";
}

impl Resource for DenyStage {
    fn spec() -> Spec {
        Spec::new("stages/deny", Self::KIND, "DenyStage")
            .verbose("Deny Stage", "Deny Stages")
            .component("ak-stage-deny-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["deny_message", "name", "stage_uuid=pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<DenyStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: DenyStage::KIND,
    component: "ak-stage-access-denied",
    page: None,
    stage: |document| document.get::<DenyStage>().map(|stage| stage as &dyn Stage),
    description: "Refuses whoever comes here.",
    sample: || Value::Null,
};

impl DenyStage {
    fn message(&self) -> String {
        let message = if self.deny_message.is_empty() { "Request has been denied." } else { &self.deny_message };
        message.to_owned()
    }
}

#[async_trait]
impl Stage for DenyStage {
    async fn challenge(&self, _: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(Enter::Deny(self.message()))
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(Outcome::Denied(self.message()))
    }

    async fn suppose(&self, _: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        Ok(Some(Supposed::Denies(self.message())))
    }
}
