//! What is answered where nothing is: a page for those who look, 405 without words for those who act, as recorded.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, StatusCode};
use vestibule_flow::{FlowState, not_found_page};

/// What a page can be asked.
const METHODS: &str = "GET, HEAD, OPTIONS";
const HTML: &str = "text/html; charset=utf-8";

/// `inner`, with an answer for every path that it does not know.
pub(super) fn add(inner: Router, flow: &FlowState) -> Router {
    let flow = Arc::new(flow.clone());
    let fallback = Router::new().fallback(answer).with_state(Arc::clone(&flow));
    inner.fallback_service(fallback).layer(from_fn_with_state(flow, no_empty_names))
}

/// A path parameter may be empty for the router; for us nothing is called nothing.
async fn no_empty_names(state: State<Arc<FlowState>>, request: Request, next: Next) -> Response {
    if request.uri().path().contains("//") {
        return answer(state, request).await;
    }
    next.run(request).await
}

/// A page that says so, or no more than the methods that a page knows.
pub(super) async fn answer(State(flow): State<Arc<FlowState>>, request: Request) -> Response {
    let status = match *request.method() {
        Method::GET | Method::HEAD => return not_found_page(&flow, &request.into_parts().0),
        Method::OPTIONS => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    (status, [(ALLOW, METHODS), (CONTENT_TYPE, HTML)]).into_response()
}
