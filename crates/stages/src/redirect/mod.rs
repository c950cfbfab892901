//! Leads somewhere else: to an address, or into another flow.

use async_trait::async_trait;
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use vestibule_flow::{
    Answer, Enter, Flow, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing,
};
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation, choices};
use vestibule_store::DocumentType;

#[cfg(test)]
mod tests;

choices! {
    /// What a redirect leads to.
    pub enum RedirectMode: "RedirectStageModeEnum" {
        Static = "static" "Static",
        Flow = "flow" "Flow",
    }
}

/// Leads somewhere else: to an address, or into another flow.
#[derive(Clone, Debug, Fields)]
pub struct RedirectStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Whether the other flow knows what this one has found out.
    #[field(default = true)]
    pub keep_context: bool,
    /// What it leads to.
    #[field(required)]
    pub mode: RedirectMode,
    /// The address.
    #[field(blank, default = "")]
    pub target_static: String,
    /// The other flow.
    #[field(references = "authentik_flows.flow", on_delete = SetNull)]
    pub target_flow: Option<Uuid>,
}

impl DocumentType for RedirectStage {
    const KIND: &'static str = "authentik_stages_redirect.redirectstage";
}

impl Resource for RedirectStage {
    fn spec() -> Spec {
        Spec::new("stages/redirect", Self::KIND, "RedirectStage")
            .verbose("Redirect Stage", "Redirect Stages")
            .component("ak-stage-redirect-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name"])
    }

    /// Each mode has a target, and no address is one that a browser would run.
    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let address = cx.text("target_static");
        if !address.is_empty() && !leads_somewhere(address) {
            errors.add("target_static", "Enter a path of this server, or an address with http or https.");
        }
        if cx.text("mode") == "static" && address.is_empty() {
            errors.add("target_static", "This field may not be blank.");
        }
        if cx.text("mode") == "flow" && cx.object.get("target_flow").is_none_or(Value::is_null) {
            errors.add("target_flow", "This field may not be null.");
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<RedirectStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: RedirectStage::KIND,
    component: "xak-flow-redirect",
    page: None,
    stage: |document| document.get::<RedirectStage>().map(|stage| stage as &dyn Stage),
    description: "Leads to an address, or into another flow.",
    sample: || Value::Null,
};

/// Where policies write another target than the stage's own: an address, or `ak-flow://slug`.
const TARGET: &str = "redirect_stage_target";
/// Where the plan tells the other flow that somebody was led there, and from which.
const REDIRECTED: &str = "is_redirected";
/// To whom there is no target.
const NOWHERE: &str = "There is nowhere to go from here.";

/// Whether an address is a path of this server, or one with http or https.
fn leads_somewhere(address: &str) -> bool {
    let is_path = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
    let is_clean = !address.chars().any(char::is_control);
    is_clean && (is_path || Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https")))
}

/// A place to go.
enum Target {
    Address(String),
    Flow(Uuid),
}

impl RedirectStage {
    fn target(&self, cx: &StageCx<'_>) -> Option<Target> {
        let noted = cx.plan.context.get(TARGET).and_then(Value::as_str).filter(|target| !target.is_empty());
        let own = || match self.mode {
            RedirectMode::Static => Some(Target::Address(self.target_static.clone())),
            RedirectMode::Flow => Some(Target::Flow(self.target_flow?)),
        };
        let target = match noted.map(|target| (target, target.strip_prefix("ak-flow://"))) {
            None => own(),
            Some((_, Some(slug))) => cx.flow_named(slug).map(Target::Flow).or_else(own),
            Some((address, None)) => Some(Target::Address(address.to_owned())),
        };
        target.filter(|target| match target {
            Target::Address(address) => leads_somewhere(address),
            Target::Flow(pk) => cx.get::<Flow>(Some(*pk)).is_some(),
        })
    }

    /// The address, and that the plan goes along.
    fn leave(&self, cx: &mut StageCx<'_>) -> Option<String> {
        match self.target(cx)? {
            Target::Address(address) => Some(address),
            Target::Flow(pk) => {
                if self.keep_context {
                    cx.plan.context.shift_remove(TARGET);
                    cx.plan.context.insert(REDIRECTED.into(), cx.flow.slug.clone().into());
                    cx.plan.leads_to = Some(pk);
                }
                cx.flow_url(Some(pk))
            }
        }
    }
}

#[async_trait]
impl Stage for RedirectStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(self.leave(cx).map_or_else(|| Enter::Deny(NOWHERE.into()), Enter::Redirect))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(self.leave(cx).map_or_else(|| Outcome::Denied(NOWHERE.into()), Outcome::Redirect))
    }

    async fn suppose(&self, _: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        Ok(Some(Supposed::Leaves))
    }
}
