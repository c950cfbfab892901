//! The page after the login: a greeting, what may be opened, and one's own sessions, to see and to end.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::Request;
use serde_json::json;
use vestibule_flow::Library;
use vestibule_flow::pages::found;

use crate::visitor::{Visitor, either};
use crate::{PagesState, devices, sessions};

const HOME: &str = "/if/user/";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route(HOME, get(show)).route("/if/user/sessions/{session}/end/", get(async || found(HOME)).post(end))
}

async fn show(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        let configuration = state.flow.store().configuration();
        let applications = match state.flow.api.extensions.get::<Arc<dyn Library>>() {
            Some(library) => library.applications(&configuration, &visitor.user.actor(), &visitor.visit.request).await,
            None => Ok(Vec::new()),
        };
        let applications = applications.map_err(|error| visitor.error(error.status()))?;
        let content = json!({
            "applications": applications,
            "is_admin": visitor.user.is_superuser,
            "admin_url": visitor.administers().then_some("/if/admin/"),
            "settings_url": visitor.settings_url(),
            "devices": devices::of(&visitor).await,
            "sessions": sessions::of(&visitor, visitor.user.pk, &visitor.user.username).await,
        });
        Ok(visitor.page("library", content))
    };
    either(answer.await)
}

async fn end(State(state): State<PagesState>, Path(session): Path<String>, request: Request<Body>) -> Response {
    match Visitor::enter(&state, request, Some(HOME)).await {
        Ok(visitor) => sessions::end(&visitor, &session, HOME).await,
        Err(response) => response,
    }
}
