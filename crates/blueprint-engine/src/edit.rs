//! What an entry did to an object.

use serde_json::Value;
use vestibule_kernel::Object;
use vestibule_resource::Kind;

/// What an entry did to an object: its stored forms before and after.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub model: &'static str,
    /// Line of the entry; 0: no entry names the object, it went with another.
    pub line: usize,
    pub before: Option<Object>,
    pub after: Option<Object>,
}

impl Edit {
    pub(crate) fn new(kind: &Kind, line: usize, before: Option<&Object>, after: Option<&Object>) -> Self {
        Self { model: kind.model(), line, before: before.cloned(), after: after.cloned() }
    }

    /// The key of the object.
    pub(crate) fn key(&self) -> String {
        let object = self.after.as_ref().or(self.before.as_ref());
        object.and_then(|object| object.get("pk")).map(ToString::to_string).unwrap_or_default()
    }
}

/// What an entry did besides writing an object: a password or a key that it set, permissions that it gave.
#[derive(Clone, Debug)]
pub(crate) struct Besides {
    pub model: &'static str,
    /// The key of the object.
    pub key: String,
    /// The field that asks for it.
    pub field: &'static str,
    /// How it was before, and is now; nothing that is a secret.
    pub before: Value,
    pub after: Value,
}
