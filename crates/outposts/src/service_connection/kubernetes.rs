//! A Kubernetes cluster.

use serde_json::{Map, Value};
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Fields, Represent, Resource, Spec, Validation, Verb};
use vestibule_store::DocumentType;

use super::{SERVICE_CONNECTIONS, ServiceConnectionBase};

pub(super) const COMPONENT: &str = "ak-service-connection-kubernetes-form";
pub(super) const VERBOSE: (&str, &str) = ("Kubernetes Service-Connection", "Kubernetes Service-Connections");

/// A Kubernetes cluster.
#[derive(Clone, Debug, Fields)]
pub struct KubernetesServiceConnection {
    /// What every service connection has.
    #[field(flatten)]
    pub connection: ServiceConnectionBase,
    /// How to reach it; its present context is used. Credentials in it are shown to those who may change them.
    #[field(sealed, shown = shown, default = {})]
    pub kubeconfig: Object,
    /// Whether the certificate of its API is checked.
    #[field(default = true)]
    pub verify_ssl: bool,
}

impl DocumentType for KubernetesServiceConnection {
    const KIND: &'static str = "authentik_outposts.kubernetesserviceconnection";
}

impl Resource for KubernetesServiceConnection {
    fn spec() -> Spec {
        Spec::new("outposts/service_connections/kubernetes", Self::KIND, "KubernetesServiceConnection")
            .verbose(VERBOSE.0, VERBOSE.1)
            .component(COMPONENT)
            .family(&SERVICE_CONNECTIONS)
            .describe(|object| format!("Kubernetes Service-Connection {}", crate::outpost::text(object, "name")))
            .filter(&["local", "name"])
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let Some(Value::Object(kubeconfig)) = cx.object.get("kubeconfig") else { return };
        if kubeconfig.is_empty() && cx.object.get("local") != Some(&Value::Bool(true)) {
            errors.add("kubeconfig", "You can only use an empty kubeconfig when connecting to a local cluster.");
        } else if !kubeconfig.is_empty() && !is_kubeconfig(kubeconfig) {
            errors.add("kubeconfig", "Invalid kubeconfig");
        }
    }
}

/// Whether the present context leads to a cluster and a user.
fn is_kubeconfig(config: &Map<String, Value>) -> bool {
    let named = |list: &str, name: &str| {
        let entries = config.get(list).and_then(Value::as_array).into_iter().flatten();
        entries.into_iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))
    };
    let Some(context) = config.get("current-context").and_then(Value::as_str) else { return false };
    let Some(context) = named("contexts", context).and_then(|entry| entry.get("context")) else { return false };
    let leads = |list: &str, part: &str| {
        context.get(part).and_then(Value::as_str).is_some_and(|name| named(list, name).is_some())
    };
    leads("clusters", "cluster") && leads("users", "user")
}

/// Whole for those who may change it, else without what its users authenticate with.
fn shown(represent: &Represent<'_>, object: &Object) -> Value {
    let mut config = object.get("kubeconfig").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let permission = represent.kind.permission(Verb::Change);
    if represent.principal.is_some_and(|principal| principal.may(&permission)) {
        return config;
    }
    for entry in config.get_mut("users").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(user) = entry.get_mut("user") {
            *user = Value::Object(Map::new());
        }
    }
    config
}
