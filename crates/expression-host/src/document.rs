//! Objects of the configuration, as expressions see them: applications, brands, entitlements.

use async_trait::async_trait;
use serde_json::Value as Json;
use vestibule_expression::{Object, Value};
use vestibule_kernel::Object as JsonObject;
use vestibule_resource::{Access, Kind};

/// An object of the configuration.
#[derive(Clone, Debug)]
pub struct DocumentObject {
    class: &'static str,
    fields: Vec<(String, Value)>,
}

impl DocumentObject {
    /// An object with these fields; `class` is what Python calls it.
    pub fn new<const N: usize>(class: &'static str, fields: [(&str, Value); N]) -> Self {
        Self { class, fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    /// The document of a kind: what is kept of it, but for what not every reader may see.
    pub fn of_kind(kind: &Kind, document: &JsonObject) -> Self {
        let shown = kind.fields.iter().filter(|field| {
            field.is_stored()
                && !field.sealed
                && !field.guarded
                && field.shown.is_none()
                && field.access != Access::WriteOnly
        });
        let names: Vec<&str> = shown.map(|field| field.name).collect();
        Self::of(kind.schema(), document, &names)
    }

    /// Some fields of a document; `class` is what Python calls it.
    pub fn of(class: &'static str, document: &JsonObject, names: &[&str]) -> Self {
        let field = |name: &&str| Some(((*name).to_owned(), Value::from(document.get(*name)?.clone())));
        Self { class, fields: names.iter().filter_map(field).collect() }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name)?.1.as_str()
    }
}

#[async_trait]
impl Object for DocumentObject {
    fn class(&self) -> &'static str {
        self.class
    }

    fn identity(&self) -> Option<String> {
        self.text("pk").map(|pk| format!("{}:{pk}", self.class))
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        self.fields.clone()
    }

    fn to_json(&self) -> Json {
        let name = ["name", "domain", "pk"].iter().find_map(|field| self.text(field));
        Json::String(name.unwrap_or(self.class).to_owned())
    }
}
