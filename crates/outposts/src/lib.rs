//! Outposts: programs beside the server that speak for it where it cannot be itself, and the connections over which they
//! are deployed. Objects so far: nothing connects yet, and what they say about themselves is that.

mod config;
mod outpost;
mod provider;
mod service_connection;

pub use outpost::{EMBEDDED, Outpost, ensure_embedded};
pub use service_connection::{DockerServiceConnection, KubernetesServiceConnection, SERVICE_CONNECTIONS};

use vestibule_resource::{Family, Kind, Operation};

/// Outposts, and every kind of service connection.
pub fn kinds() -> Vec<Kind> {
    vec![service_connection::docker(), service_connection::kubernetes(), Kind::document::<Outpost>()]
}

/// The family of all service connections.
pub fn families() -> Vec<&'static Family> {
    vec![&SERVICE_CONNECTIONS]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    service_connection::operations()
}
