//! A Docker engine.

use uuid::Uuid;
use vestibule_resource::{Fields, Resource, Spec};
use vestibule_store::DocumentType;

use super::{SERVICE_CONNECTIONS, ServiceConnectionBase};

pub(super) const COMPONENT: &str = "ak-service-connection-docker-form";
pub(super) const VERBOSE: (&str, &str) = ("Docker Service-Connection", "Docker Service-Connections");

/// A Docker engine.
#[derive(Clone, Debug, Fields)]
pub struct DockerServiceConnection {
    /// What every service connection has.
    #[field(flatten)]
    pub connection: ServiceConnectionBase,
    /// Where it listens: `unix:///var/run/docker.sock`, or `https://host:2376`.
    pub url: String,
    /// The authority that its certificate must come from; none: any certificate will do.
    #[field(references = "authentik_crypto.certificatekeypair", on_delete = SetDefault)]
    pub tls_verification: Option<Uuid>,
    /// The certificate that this server shows it.
    #[field(references = "authentik_crypto.certificatekeypair", on_delete = SetDefault)]
    pub tls_authentication: Option<Uuid>,
}

impl DocumentType for DockerServiceConnection {
    const KIND: &'static str = "authentik_outposts.dockerserviceconnection";
}

impl Resource for DockerServiceConnection {
    fn spec() -> Spec {
        Spec::new("outposts/service_connections/docker", Self::KIND, "DockerServiceConnection")
            .verbose(VERBOSE.0, VERBOSE.1)
            .component(COMPONENT)
            .family(&SERVICE_CONNECTIONS)
            .describe(|object| format!("Docker Service-Connection {}", crate::outpost::text(object, "name")))
            .filter(&["local", "name", "tls_authentication", "tls_verification", "url"])
    }
}
