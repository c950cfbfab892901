//! Sources: where users may come from besides this server's own directory. One folder a kind.
//!
//! A source's login and callback find out who somebody is there ([`oauth`]); [`arrival`] decides who they are here, and
//! begins the flow that lets them in; [`connections`] remembers it. [`buttons`] is what login pages show of sources.

mod arrival;
mod built_in;
mod buttons;
mod connections;
mod domains;
mod groups;
mod oauth;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use vestibule_flow::{BuiltIn, FlowState};
use vestibule_http_client::HttpClient;
use vestibule_resource::{Family, Kind, Operation};
use vestibule_tasks::{Actor, Schedule};

pub use built_in::ensure_built_in;
pub use buttons::Sources;
pub use domains::SourceDomain;
pub use oauth::{CodeAuthentication, OAuthSource, Pkce, ProviderType};
pub use source::{GroupMatchingMode, SOURCES, SourceBase, UserMatchingMode};

/// Every kind of source and of connection to one, as a resource.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![built_in::kind(), domains::kind(), oauth::kind()];
    kinds.extend(connections::kinds());
    kinds
}

/// The family of all sources.
pub fn families() -> Vec<&'static Family> {
    vec![&SOURCES]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    source::operations()
}

/// Stages that no administrator arranges.
pub fn built_in() -> Vec<BuiltIn> {
    vec![arrival::BUILT_IN]
}

/// Who does the tasks of sources.
pub fn actors(http: &Arc<HttpClient>) -> Vec<Actor> {
    oauth::actors(http)
}

/// When they are done.
pub fn schedules() -> Vec<Schedule> {
    oauth::schedules()
}

/// Where people leave for a source, and come back.
pub fn routes(state: &FlowState) -> Router {
    Router::new()
        .route("/source/oauth/login/{slug}/", get(oauth::login))
        .route("/source/oauth/callback/{slug}/", get(oauth::callback).post(oauth::callback))
        .with_state(state.clone())
}
