//! What objects are called where keys would say nothing: by a slug, a name, or what they refer to.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Object;
use vestibule_resource::{Field, Kind, Shape};

/// Fields whose values name one object among its kind.
pub(crate) fn identifying_fields(kind: &Kind) -> Vec<&Field> {
    let slug = kind.fields.iter().find(|field| field.name == "slug" && field.unique.is_some());
    let unique = |nullable: bool| {
        let names = |field: &&Field| field.unique.is_some() && field.is_writable() && !field.sealed;
        kind.fields.iter().filter(names).find(|field| field.nullable == nullable)
    };
    // What may be null names some of them at best.
    if let Some(field) = slug.or_else(|| unique(false)).or_else(|| unique(true)) {
        return vec![field];
    }
    let together = kind.spec.unique_together_fields();
    if !together.is_empty() {
        return together.iter().filter_map(|name| kind.field(name)).collect();
    }
    // A tie between others: what it ties, and its place among its like.
    let ties = |field: &&Field| matches!(field.reference(), Some((_, _, false))) || field.name == "order";
    kind.fields.iter().filter(|field| field.is_stored() && field.is_writable()).filter(ties).collect()
}

/// A new object of a kind, under a key that is given, before anything is known of it.
pub(crate) fn blank(kind: &Kind, key: &Value, mut uuid: impl FnMut() -> Uuid) -> Object {
    let mut object = Object::new();
    for field in kind.fields.iter().filter(|field| field.is_stored()) {
        let made = matches!(field.shape, Shape::Uuid) && !field.nullable && !field.is_writable();
        let value = match (field.default, &field.shape) {
            (Some(default), _) => default(),
            (None, _) if made => uuid().to_string().into(),
            (None, Shape::List(_)) if !field.nullable => json!([]),
            _ => Value::Null,
        };
        object.insert(field.name.to_owned(), value);
    }
    object.insert(kind.document_key().to_owned(), key.clone());
    object
}

/// Fields that blueprints call otherwise than the API does.
const ALIASES: &[(&str, &str, &str)] = &[("authentik_core.application", "icon", "meta_icon")];

/// The field that a blueprint means.
pub(crate) fn alias(kind: &Kind, name: String) -> String {
    let known = ALIASES.iter().find(|(model, called, _)| *model == kind.model() && *called == name);
    known.map_or(name, |(.., field)| (*field).to_owned())
}

/// Joins a value to another: mappings are merged, lists joined, of anything else the later one counts.
pub(crate) fn join(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                join(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from),
        (into, from) => *into = from,
    }
}
