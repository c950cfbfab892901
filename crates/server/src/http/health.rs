//! Whether the server lives, and whether it can be asked.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use http::StatusCode;

use super::Front;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes(front: &Front) -> Router {
    Router::new()
        .route("/-/health/live/", get(|| async { Html("") }))
        .route("/-/health/ready/", get(ready))
        .with_state(front.clone())
}

async fn ready(State(front): State<Front>) -> Response {
    if front.draining.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match tokio::time::timeout(PATIENCE, front.store.state("ready")).await {
        Ok(Ok(_)) => Html("").into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(_) => {
            tracing::warn!("not ready: the database does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
