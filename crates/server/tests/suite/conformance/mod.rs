//! What must hold for every kind that is served, whatever it is: a new kind is tested by being registered.

mod access;
mod declared;
mod exports;
mod lists;
mod references;
mod round_trip;
mod secrets;

use serde_json::Value;
use vestibule_resource::{Field, Kind};

use crate::fixtures::Object;

/// Collects what is wrong, so that a run shows all of it.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn check(&mut self, holds: bool, say: impl FnOnce() -> String) {
        if !holds {
            self.0.push(say());
        }
    }

    pub(crate) fn none(self) {
        assert!(self.0.is_empty(), "{} findings:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// The fields that a client may set and see again as they were set.
fn visible(kind: &Kind) -> impl Iterator<Item = &Field> {
    kind.fields.iter().filter(|field| field.is_writable() && field.is_readable() && field.computed.is_none())
}

/// Which of the given fields an object shows otherwise.
fn differing<'f>(kind: &'f Kind, given: &Object, shown: &Object) -> Vec<&'f str> {
    let differs = |field: &&Field| given.get(field.name).is_some_and(|value| shown.get(field.name) != Some(value));
    visible(kind).filter(differs).map(|field| field.name).collect()
}

/// A PATCH of one field, with what this kind wants in every write.
fn patch_of(kind: &Kind, field: &str, value: Value, object: &Object) -> Value {
    let mut body = Object::new();
    if kind.model() == "authentik_stages_identification.identificationstage" {
        body.insert("user_fields".into(), object["user_fields"].clone());
    }
    // A token that is described anew is one of the API unless the description says otherwise.
    if (kind.model(), field) == ("authentik_core.token", "identifier") {
        body.insert("intent".into(), object["intent"].clone());
    }
    body.insert(field.into(), value);
    body.into()
}
