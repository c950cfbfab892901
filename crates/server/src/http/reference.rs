//! `GET /api/v3/`: the API reference, an HTML page whatever the client says that it accepts, as recorded.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use vestibule_flow::FlowState;
use vestibule_kernel::Ctx;
use vestibule_web::{reference_page, reference_policy};

use super::{Front, fallback};

pub(super) fn routes(front: &Front, flow: &FlowState) -> Router {
    let page = get(page).with_state(front.ctx.clone());
    Router::new().route("/api/v3/", page.fallback(fallback::answer).with_state(flow.clone()))
}

async fn page(State(ctx): State<Ctx>) -> Response {
    let nonce = ctx.token(32);
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // The nonce is for one visit.
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, [(CONTENT_SECURITY_POLICY, reference_policy(&nonce))], reference_page(&nonce)).into_response()
}
