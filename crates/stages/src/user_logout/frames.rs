//! Applications that want to hear of the end of a session from the browser are opened in frames.

use async_trait::async_trait;
use serde_json::{Value, json};
use vestibule_flow::begin::{FAREWELL, FAREWELL_FRAMES, context};
use vestibule_flow::{Answer, BuiltIn, Enter, Outcome, Stage, StageCx};
use vestibule_kernel::ApiError;

const COMPONENT: &str = "ak-provider-iframe-logout";

/// Opens what applications want to be told by.
struct Frames;

/// As the executor knows it.
pub(crate) const BUILT_IN: BuiltIn = BuiltIn {
    pk: FAREWELL,
    component: COMPONENT,
    page: Some(include_str!("frames.html")),
    stage: &Frames,
    sample: || {
        json!({
            "component": COMPONENT,
            "logout_urls": [{"url": "https://wiki.example/logout", "provider_name": "Wiki", "binding": "redirect"}],
        })
    },
};

#[async_trait]
impl Stage for Frames {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let frames = cx.plan.context.get(FAREWELL_FRAMES).and_then(Value::as_array).cloned().unwrap_or_default();
        if frames.is_empty() {
            return Ok(Enter::Skip);
        }
        Ok(Enter::Ask(context([("component", COMPONENT.into()), ("logout_urls", frames.into())])))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        cx.plan.context.insert(FAREWELL_FRAMES.into(), json!([]));
        Ok(Outcome::Next)
    }
}
