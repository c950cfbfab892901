//! What people have entered and nobody may read, on its way from the stage that asks to the stage that keeps it: a plan
//! lies in the database.

use serde_json::{Value, json};
use vestibule_flow::StageCx;
use vestibule_kernel::ApiError;

use crate::prompt::PROMPT_DATA;

/// How a sealed text looks.
const SEALED: &str = "$sealed";
/// What it is bound to.
const PLACE: &str = "plan/prompt_data";

/// Seals texts of the answers.
pub(crate) fn seal(cx: &mut StageCx<'_>, keys: &[String]) -> Result<(), ApiError> {
    let state = cx.state;
    let (seal, ctx) = (state.store().keys(), state.ctx());
    let Some(data) = cx.plan.context.get_mut(PROMPT_DATA).and_then(Value::as_object_mut) else { return Ok(()) };
    for key in keys {
        if let Some(Value::String(text)) = data.get(key) {
            let sealed = seal.seal(ctx, PLACE, text).map_err(|error| ApiError::internal(error.to_string()))?;
            data.insert(key.clone(), json!({ SEALED: sealed }));
        }
    }
    Ok(())
}

/// The text of an answer, sealed or not; `None`: it is neither.
pub(crate) fn open(cx: &StageCx<'_>, answer: &Value) -> Option<String> {
    match (answer, answer.get(SEALED)) {
        (Value::String(text), _) => Some(text.clone()),
        (_, Some(Value::String(sealed))) => cx.state.store().keys().open(PLACE, sealed).ok(),
        _ => None,
    }
}
