//! What pages outside of flows are made with: who asks, the frame of the brand, answers that browsers understand.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use vestibule_kernel::ApiError;

use crate::json::cookies;
pub use crate::json::{Arrived, arrive};
use crate::next::{Next, resolve};
pub use crate::page::{comes_from_elsewhere, dead_link, error_page, found, html, see_other, shell};
use crate::settle::{Effect, settle};
use crate::state::FlowState;
use crate::views::LOGIN;

/// Keeps what was noted in a visitor's session, and lets the browser find it again.
///
/// # Errors
/// The database.
pub async fn keep_session(state: &FlowState, arrived: &mut Arrived, response: &mut Response) -> Result<(), ApiError> {
    let Arrived { session, visit, .. } = arrived;
    let settled = settle(state, session, Effect::Save, visit).await?;
    cookies(response, state, &visit.client, session, &settled);
    Ok(())
}

/// A page that says why somebody cannot be sent on: `what` names the sentence. With `next`, it leads back to the login on
/// the way there.
pub fn explain(state: &FlowState, arrived: &Arrived, what: &str, next: Option<&str>, status: StatusCode) -> Response {
    let shell = shell(&state.store().configuration(), &arrived.visit, "");
    let login = next.map(|next| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        format!("{LOGIN}?{query}")
    });
    let content = json!({"status": what, "login": login, "request_id": arrived.visit.request_id});
    html(state, "error", &shell, &content, status)
}

/// Where somebody wanted to go, if that is on this host; else where it begins.
pub fn here(arrived: &Arrived, next: &str) -> String {
    match resolve(Some(next), &arrived.visit.client.host) {
        Next::Here(path) => path,
        Next::Dangerous => "/".into(),
    }
}

/// A page that says that something is not for them.
pub fn denied(state: &FlowState, arrived: &Arrived, messages: &[String]) -> Response {
    let mut shell = shell(&state.store().configuration(), &arrived.visit, "");
    shell.cancel_url = Some("/".into());
    let said = if messages.is_empty() { "Permission denied".to_owned() } else { messages.join("\n") };
    let username = arrived.session.user.as_ref().map(|user| user.username.clone());
    let content = json!({
        "component": "ak-stage-access-denied",
        "error_message": said,
        "pending_user": username.unwrap_or_default(),
    });
    html(state, "ak-stage-access-denied", &shell, &content, StatusCode::FORBIDDEN)
}
