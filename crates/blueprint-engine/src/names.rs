//! What objects are called where keys would say nothing: by a slug, a name, or what they refer to.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Object;
use vestibule_resource::{Field, Kind, Shape};

/// Fields whose values name one object among its kind.
pub(crate) fn identifying_fields(kind: &Kind) -> Vec<&Field> {
    let slug = kind.fields.iter().find(|field| field.name == "slug" && field.unique.is_some());
    let unique = || kind.fields.iter().find(|field| field.unique.is_some() && field.is_writable() && !field.sealed);
    if let Some(field) = slug.or_else(unique) {
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
pub(crate) fn blank(kind: &Kind, pk: &Value, mut uuid: impl FnMut() -> Uuid) -> Object {
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
    object.insert("pk".into(), pk.clone());
    object
}
