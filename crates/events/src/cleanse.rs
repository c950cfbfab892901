//! Keeps secrets out of events: values under names that secrets have are not shown.

use serde_json::Value;

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "********************";

/// Parts of names that secrets have.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "key_data",
    "credential",
    "signature",
    "authorization",
    "cookie",
];
/// Names that are secret as a whole or at their end.
const SECRET_END: [&str; 3] = ["key", "code", "pass"];
/// Names that sound like secrets and are none.
const HARMLESS: [&str; 4] = ["password_change_date", "auth_method", "auth_method_args", "passing"];

/// Whether a value under this name may be a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if HARMLESS.contains(&name.as_str()) {
        return false;
    }
    SECRET.iter().any(|part| name.contains(part))
        || SECRET_END.iter().any(|end| name == *end || name.strip_suffix(end).is_some_and(|head| head.ends_with('_')))
}

/// A value without the secrets in it; `name` is what it is called.
pub fn cleanse(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), cleanse(name, value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| cleanse(name, item)).collect(),
        Value::Null | Value::Bool(_) => value.clone(),
        Value::String(text) if text.is_empty() => value.clone(),
        _ if is_secret_name(name) => HIDDEN.into(),
        _ => value.clone(),
    }
}
