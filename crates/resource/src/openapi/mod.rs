//! The OpenAPI document: made from what is mounted, in the shape that authentik's own document has.
//!
//! [`document`] walks the same list of routes as the router. Components are made when something refers to them, so that
//! none is left over and none is missing; [`dangling`] says where a declaration names what nobody describes.

mod components;
mod languages;
mod paths;
mod serve;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::engine;
use crate::registry::Registry;
use components::Components;

pub use serve::operations;

/// Where the paths of the document begin.
const SERVER: &str = "/api/v3";

/// The OpenAPI 3.0 document of everything in a registry. `extra_components` are schemas that no field table describes
/// (those that [`Shape::Schema`](crate::Shape::Schema) and [`Body::Schema`](crate::call::Body::Schema) name); they win
/// over what would be generated under the same name.
pub fn document(registry: &Registry, extra_components: &Map<String, Value>) -> Value {
    let mut components = Components::new(registry, extra_components);
    let mut paths: Vec<(String, Value)> = Vec::new();
    for (path, target) in engine::targets(registry) {
        let beside = !path.starts_with(SERVER);
        let path = path.strip_prefix(SERVER).unwrap_or(&path);
        let (path, mut item) = paths::item(&mut components, path, &target);
        if let (true, Some(item)) = (beside, item.as_object_mut()) {
            item.insert("servers".to_owned(), json!([{ "url": "/" }]));
        }
        paths.push((path, item));
    }
    paths.sort_by(|(one, _), (other, _)| one.cmp(other));
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Vestibule",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An identity provider, wire-compatible with authentik.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": Value::Object(paths.into_iter().collect()),
        "components": {
            "parameters": paths::shared_parameters(),
            "responses": paths::shared_responses(),
            "schemas": Value::Object(components.finish()),
            "securitySchemes": { "authentik": { "type": "http", "scheme": "bearer" } },
        },
        "servers": [{ "url": SERVER }],
    })
}

/// The references of a document that lead nowhere, sorted.
pub fn dangling(document: &Value) -> Vec<String> {
    fn collect<'a>(node: &'a Value, found: &mut BTreeSet<&'a str>) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|item| collect(item, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(document, &mut found);
    let leads_nowhere = |name: &&str| document.pointer(name.trim_start_matches('#')).is_none();
    found.into_iter().filter(leads_nowhere).map(str::to_owned).collect()
}
