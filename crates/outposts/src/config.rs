//! What an outpost is told about itself: its defaults, and what may be changed to what.

use serde_json::{Value, json};
use vestibule_kernel::{Object, duration};
use vestibule_resource::python_type;

/// The defaults, for outposts that reach this server at `host`.
pub(crate) fn defaults(host: &str) -> Value {
    json!({
        "authentik_host": host,
        "authentik_host_insecure": false,
        "authentik_host_browser": "",
        "log_level": "info",
        "object_naming_template": "ak-outpost-%(name)s",
        "refresh_interval": "minutes=5",
        "container_image": null,
        "docker_network": null,
        "docker_map_ports": true,
        "docker_labels": null,
        "kubernetes_replicas": 1,
        "kubernetes_namespace": "default",
        "kubernetes_ingress_annotations": {},
        "kubernetes_ingress_secret_name": "authentik-outpost-tls",
        "kubernetes_ingress_class_name": null,
        "kubernetes_ingress_path_type": null,
        "kubernetes_httproute_annotations": {},
        "kubernetes_httproute_parent_refs": [],
        "kubernetes_service_type": "ClusterIP",
        "kubernetes_disabled_components": [],
        "kubernetes_image_pull_secrets": [],
        "kubernetes_json_patches": null,
        "kubernetes_disable_x509_strict": false,
    })
}

/// Settings that are null unless somebody sets them, and what they are then.
const OPTIONAL: [(&str, &str); 6] = [
    ("container_image", "str"),
    ("docker_network", "str"),
    ("docker_labels", "dict"),
    ("kubernetes_ingress_class_name", "str"),
    ("kubernetes_ingress_path_type", "str"),
    ("kubernetes_json_patches", "dict"),
];

/// What is wrong with a configuration, if anything is. Settings that are not known are kept: a newer outpost may know
/// them.
pub(crate) fn check(config: &Object) -> Option<String> {
    let defaults = defaults("");
    for (name, value) in config {
        let Some(default) = defaults.get(name) else { continue };
        let optional = OPTIONAL.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        let wanted = optional.unwrap_or_else(|| python_type(default));
        if !(python_type(value) == wanted || optional.is_some() && value.is_null()) {
            let (value, found) = (text(value), python_type(value));
            return Some(format!(
                "Failed to validate config: wrong value type for field \"{name}\" - should be \"{wanted}\" instead of \
                 value \"{value}\" of type \"{found}\""
            ));
        }
    }
    let interval = config.get("refresh_interval").and_then(Value::as_str).unwrap_or("minutes=5");
    duration::parse(interval).err()?;
    Some(format!("{interval} is not in the correct format of 'hours=3;minutes=1'."))
}

/// How often an outpost asks for changes, seconds.
pub(crate) fn refresh_interval(config: Option<&Value>) -> i64 {
    let interval = config.and_then(|config| config.get("refresh_interval")).and_then(Value::as_str);
    duration::parse(interval.unwrap_or("minutes=5")).map_or(300, |interval| interval.num_seconds())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(config: &Value) -> Option<String> {
        check(config.as_object()?)
    }

    #[test]
    fn values_are_what_they_should_be() {
        assert_eq!(wrong(&defaults("https://id.example/")), None);
        assert_eq!(wrong(&json!({"docker_labels": {"a": "b"}, "container_image": "x", "of_tomorrow": 5})), None);
        assert!(wrong(&json!({"kubernetes_replicas": "x"})).is_some_and(|text| text.contains("\"int\"")));
        assert!(wrong(&json!({"kubernetes_replicas": null})).is_some());
        assert!(wrong(&json!({"docker_labels": []})).is_some());
        assert_eq!(
            wrong(&json!({"refresh_interval": "5 apples"})).as_deref(),
            Some("5 apples is not in the correct format of 'hours=3;minutes=1'.")
        );
    }

    #[test]
    fn an_interval_is_counted_in_seconds() {
        assert_eq!(refresh_interval(None), 300);
        assert_eq!(refresh_interval(Some(&json!({"refresh_interval": "hours=1;seconds=2"}))), 3602);
    }
}
