//! What the resources of this crate share: fields that hooks attach, and what a query asks to be shown.

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Field, Validation};

/// What a hook attached to an object under a name.
pub(crate) fn attached(object: &Object, name: &str) -> Value {
    object.get(name).cloned().unwrap_or(Value::Null)
}

/// Whether a query asks for a part that is shown by `default`.
pub(crate) fn shows(query: &Query, name: &str, default: bool) -> bool {
    match query.get(name).map(str::to_lowercase).as_deref() {
        Some("true" | "1" | "t" | "yes" | "on") => true,
        Some("false" | "0" | "f" | "no" | "off") => false,
        _ => default,
    }
}

/// Field tables say by `Option` that null is allowed; on the wire some fields may be left out but never be null.
pub(crate) fn never_null(mut fields: Vec<Field>, names: &[&str]) -> Vec<Field> {
    for field in fields.iter_mut().filter(|field| names.contains(&field.name)) {
        field.nullable = false;
        field.required = false;
    }
    fields
}

/// Refuses keys of what does not exist as a kind yet.
pub(crate) fn refuse_keys(cx: &Validation<'_>, field: &str, errors: &mut FieldErrors) {
    let first = match cx.given.get(field) {
        Some(Value::Array(keys)) => keys.first(),
        other => other,
    };
    if let Some(Value::String(key)) = first {
        errors.add(field, format!("Invalid pk \"{key}\" - object does not exist."));
    }
}

/// The keys of an object's list.
pub(crate) fn uuids(object: &Object, field: &str) -> Vec<Uuid> {
    let keys = object.get(field).and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| key.as_str()?.parse().ok()).collect()
}

/// An object's integer key.
pub(crate) fn pk(object: &Object) -> i64 {
    object.get("pk").and_then(Value::as_i64).unwrap_or_default()
}

/// An object's UUID key.
pub(crate) fn pk_uuid(object: &Object) -> Uuid {
    object.get("pk").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or_default()
}
