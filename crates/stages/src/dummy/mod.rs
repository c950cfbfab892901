//! Shows itself and goes on: for trying out flows.

use async_trait::async_trait;
use serde_json::json;
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

#[cfg(test)]
mod tests;

/// Shows itself and goes on: for trying out flows.
#[derive(Clone, Debug, Fields)]
pub struct DummyStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Fails instead.
    #[field(default = false)]
    pub throw_error: bool,
}

impl DocumentType for DummyStage {
    const KIND: &'static str = "authentik_stages_dummy.dummystage";
}

impl Resource for DummyStage {
    fn spec() -> Spec {
        Spec::new("stages/dummy", Self::KIND, "DummyStage")
            .verbose("Dummy Stage", "Dummy Stages")
            .component("ak-stage-dummy-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk", "throw_error"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<DummyStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: DummyStage::KIND,
    component: "ak-stage-dummy",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<DummyStage>().map(|stage| stage as &dyn Stage),
    description: "Does nothing: for trying out flows.",
    sample: || json!({"component": "ak-stage-dummy", "name": "A dummy"}),
};

impl DummyStage {
    fn fail_if_told_to(&self) -> Result<(), ApiError> {
        if self.throw_error { Err(ApiError::internal("a dummy stage fails as it was told to")) } else { Ok(()) }
    }
}

#[async_trait]
impl Stage for DummyStage {
    async fn challenge(&self, _: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        self.fail_if_told_to()?;
        let mut challenge = Object::new();
        challenge.insert("component".into(), ENTRY.component.into());
        challenge.insert("name".into(), self.stage.name.clone().into());
        Ok(Enter::Ask(challenge))
    }

    /// There is no question; but an empty answer is none, here as everywhere.
    async fn respond(&self, _: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        self.fail_if_told_to()?;
        if !answer.has("component") {
            return Ok(Outcome::Invalid(AnswerErrors::one("component", "This field is required.", "required")));
        }
        Ok(Outcome::Next)
    }
}
