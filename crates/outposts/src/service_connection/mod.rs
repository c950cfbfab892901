//! Service connections: where outposts are deployed.

mod docker;
mod kubernetes;

pub use docker::DockerServiceConnection;
pub use kubernetes::KubernetesServiceConnection;

use http::Method;
use serde_json::json;
use uuid::Uuid;
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::{Computed, Family, Field, Fields, Kind, Operation, Shape, Verb, shapes};

/// The fields that every service connection begins with.
#[derive(Clone, Debug, Fields)]
pub struct ServiceConnectionBase {
    /// The key.
    #[field(read_only, label = "Uuid")]
    pub pk: Uuid,
    /// What administrators call it.
    #[field(unique = "Outpost Service-Connection with this name already exists.")]
    pub name: String,
    /// Whether it leads to the machine or cluster that this server runs on.
    #[field(default = false)]
    pub local: bool,
    /// The form that edits it.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// What people call its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What people call many of its kind.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its kind, as an application and a model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
}

/// All service connections.
pub static SERVICE_CONNECTIONS: Family = Family {
    model: "authentik_outposts.outpostserviceconnection",
    path: "outposts/service_connections/all",
    schema: "ServiceConnection",
    verbose_name: "Outpost Service-Connection",
    verbose_name_plural: "Outpost Service-Connections",
    lookup: "pk",
    parameter: "uuid",
    fields: ServiceConnectionBase::fields,
    whole: false,
    filters: &["name"],
    search: &["name"],
    ordering: &["name"],
    describe: |object| format!("Outpost service connection {}", crate::outpost::text(object, "name")),
};

pub(crate) fn docker() -> Kind {
    Kind::document::<DockerServiceConnection>()
}

pub(crate) fn kubernetes() -> Kind {
    Kind::document::<KubernetesServiceConnection>()
}

fn state_fields() -> Vec<Field> {
    vec![Field::of::<bool>("healthy", "").read_only(), Field::of::<String>("version", "").read_only()]
}

/// Operations of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let types = || {
        let kind = |name: &str, description: &str, component: &str, model: &str| {
            json!({
                "name": name, "description": description, "component": component, "model_name": model,
                "icon_url": "", "requires_enterprise": false, "deprecated": false,
            })
        };
        let docker = "A Docker engine, by its socket or over TLS.";
        let kubernetes = "A Kubernetes cluster, by its kubeconfig or from the inside.";
        json!([
            kind(docker::VERBOSE.0, docker, docker::COMPONENT, "dockerserviceconnection"),
            kind(kubernetes::VERBOSE.0, kubernetes, kubernetes::COMPONENT, "kubernetesserviceconnection"),
        ])
    };
    vec![
        Operation::new(
            Method::GET,
            "outposts/service_connections/all/types/",
            "outposts_service_connections_all_types_list",
            Some(shapes::type_create()),
            move |_| async move { ok(&types()) },
        )
        .permission(Permission::Named("authentik_outposts.view_outpostserviceconnection"))
        .doc("Kinds of service connections that can be created."),
        Operation::new(
            Method::GET,
            "outposts/service_connections/all/{}/state/",
            "outposts_service_connections_all_state_retrieve",
            Some(Shape::Object("ServiceConnectionState", state_fields)),
            // Nothing is deployed over a connection yet, so none was ever seen to work.
            |_| async { ok(&json!({"healthy": false, "version": ""})) },
        )
        .permission(Permission::Verb(Verb::View))
        .doc("Whether the connection works, and what answers at its other end: none was tried so far."),
    ]
}
