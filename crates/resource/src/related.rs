//! Texts that a search finds a document by although they are written in another: `policy__name` is the name of what its
//! field `policy` refers to, `name<authentik_core.application.provider` that of what refers to it.

use serde_json::Value;
use vestibule_kernel::fold::fold;
use vestibule_store::{Configuration, Document};

/// Whether a name in a search's list means a text of another document.
pub(crate) fn is_related(name: &str) -> bool {
    name.contains("__") || name.contains('<')
}

/// Whether a field of a document, or a text of what it is tied to, contains a folded term.
pub(crate) fn contains(configuration: &Configuration, document: &Document, name: &str, term: &str) -> bool {
    let has = |other: &Document, field: &str| fold(other.text(field)).contains(term);
    if let Some((field, referrer)) = name.split_once('<') {
        let Some((model, reference)) = referrer.rsplit_once('.') else { return false };
        let own = document.value.get("pk");
        let refers = |other: &Document| match other.value.get(reference) {
            Some(Value::Array(keys)) => own.is_some_and(|own| keys.contains(own)),
            key => key.is_some_and(|key| !key.is_null()) && key == own,
        };
        return configuration.documents(model).any(|other| refers(other) && has(other, field));
    }
    let Some((reference, field)) = name.split_once("__") else { return has(document, name) };
    let keys = match document.value.get(reference) {
        Some(Value::Array(keys)) => keys.as_slice(),
        Some(key) => std::slice::from_ref(key),
        None => &[],
    };
    keys.iter().any(|key| match key {
        Value::String(key) => {
            key.parse().ok().and_then(|pk| configuration.find(pk)).is_some_and(|other| has(other, field))
        }
        Value::Number(_) => {
            configuration.all_documents().any(|other| other.value.get("pk") == Some(key) && has(other, field))
        }
        _ => false,
    })
}
