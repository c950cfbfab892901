//! The end of an impersonation: back to whoever began it, at the page of whom they acted as.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::Request;
use http::header::SET_COOKIE;
use vestibule_flow::pages::{found, see_other};

use crate::PagesState;
use crate::visitor::Visitor;

const HOME: &str = "/if/user/";

pub(crate) fn routes() -> Router<PagesState> {
    Router::new().route("/if/user/impersonation/end/", get(async || found(HOME)).post(end))
}

async fn end(State(state): State<PagesState>, request: Request<Body>) -> Response {
    let visitor = match Visitor::enter(&state, request, Some(HOME)).await {
        Ok(visitor) => visitor,
        Err(response) => return response,
    };
    match visitor.end_impersonation().await {
        Ok(cookies) => {
            // Whoever acts as nobody else stays where they are.
            let page =
                if cookies.is_empty() { HOME.to_owned() } else { format!("/if/admin/core/users/{}/", visitor.user.pk) };
            let mut response = see_other(&page);
            for cookie in cookies {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Err(refusal) => visitor.refused(&refusal),
    }
}
