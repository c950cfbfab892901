//! Asks people for whatever an administrator wants to know.
//!
//! [`field`] is one question (a resource of its own), [`value`] what may be answered to it, [`ask`] how questions are made
//! from expressions and how an answer is checked.

mod ask;
mod field;
#[cfg(test)]
mod tests;
mod value;

use serde_json::json;
use uuid::Uuid;
use vestibule_flow::{STAGES, Stage, StageBase, StageEntry};
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::DocumentType;

pub use field::Prompt;

/// Where the plan keeps what people have answered.
pub const PROMPT_DATA: &str = "prompt_data";

/// Asks people for whatever an administrator wants to know.
#[derive(Clone, Debug, Fields)]
pub struct PromptStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// The questions.
    #[field(references = "authentik_stages_prompt.prompt")]
    pub fields: Vec<Uuid>,
    /// Policies that an answer has to satisfy, all of them. What they say is told to whoever answered.
    #[field(references = "authentik_policies.policy", default = [])]
    pub validation_policies: Vec<Uuid>,
}

impl DocumentType for PromptStage {
    const KIND: &'static str = "authentik_stages_prompt.promptstage";
}

impl Resource for PromptStage {
    fn spec() -> Spec {
        Spec::new("stages/prompt/stages", Self::KIND, "PromptStage")
            .verbose("Prompt Stage", "Prompt Stages")
            .component("ak-stage-prompt-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["fields", "name", "stage_uuid=pk", "validation_policies"])
    }
}

/// The kinds: stages, and their questions.
pub(crate) fn kinds() -> [Kind; 2] {
    [field::kind(), Kind::document::<PromptStage>()]
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: PromptStage::KIND,
    component: "ak-stage-prompt",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<PromptStage>().map(|stage| stage as &dyn Stage),
    description: "Asks for whatever else is to be known.",
    sample: || {
        let field = |key: &str, kind: &str| {
            json!({
                "field_key": key, "label": key, "type": kind, "required": true, "placeholder": "", "initial_value": "",
                "order": 0, "sub_text": "Help with *words*.", "choices": [{"value": "a", "label": "A"}],
            })
        };
        let fields: Vec<_> = field::FieldType::CHOICES.values.iter().map(|(kind, _)| field(kind, kind)).collect();
        json!({"component": "ak-stage-prompt", "fields": fields})
    },
};
