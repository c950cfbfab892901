//! The administrators' application: one page for every address below `/if/admin/`, whose scripts ask the API for all else.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::Request;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use vestibule_web::{app_page, app_policy};

use crate::PagesState;
use crate::visitor::{MAIL, Visitor, either};

/// What authentik gives to those who may see its administration, whatever they may do there.
const INTERFACE: &str = "authentik_rbac.access_admin_interface";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route("/if/admin/", get(show)).route("/if/admin/{*path}", get(show))
}

async fn show(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        if !is_welcome(&visitor).await {
            return Err(visitor.error(403));
        }
        let nonce = state.flow.ctx().token(32);
        // The nonce is for one visit.
        let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
        let page = app_page(&nonce, visitor.visit.locale);
        Ok((headers, [(CONTENT_SECURITY_POLICY, app_policy(&nonce))], page).into_response())
    };
    either(answer.await)
}

/// Whether there is something for them to see. What it is, the API decides.
async fn is_welcome(visitor: &Visitor<'_>) -> bool {
    if visitor.administers() || visitor.may(INTERFACE, None).await || visitor.may(MAIL, None).await {
        return true;
    }
    for path in ["core/users/", "events/events/"] {
        if visitor.get(path, &[("page_size", "1")]).await.is_ok() {
            return true;
        }
    }
    false
}
