//! Pages for those who are signed in: what they may open, their own devices and sessions at `/if/user/`, their tokens,
//! consents and accounts elsewhere at `/if/user/access/`; and the page of the administrators' application at `/if/admin/`, with a test of mail beside
//! it.
//!
//! A page decides nothing. What it shows and what it changes it asks of the API, in this process and in the name of
//! whoever looks at it (see [`inside`]), so that permissions, checks and events are those of the API. A form is
//! answered by a redirect, or by the same form with what is wrong with it.

mod access;
mod accounts;
mod app;
mod content;
mod devices;
mod errors;
mod greeting;
mod impersonation;
mod inside;
mod mail;
mod sessions;
mod visitor;

use axum::Router;
use vestibule_flow::FlowState;

use crate::inside::Inside;

/// What the pages share. Cheap to clone.
#[derive(Clone)]
struct PagesState {
    flow: FlowState,
    inside: Inside,
}

/// The routes of every page.
pub fn routes(flow: &FlowState) -> Router {
    let inside = Inside::new(&flow.api);
    let state = PagesState { flow: flow.clone(), inside };
    Router::new()
        .merge(greeting::routes())
        .merge(access::routes())
        .merge(accounts::routes())
        .merge(devices::routes())
        .merge(impersonation::routes())
        .merge(app::routes())
        .merge(mail::routes())
        .with_state(state)
}
