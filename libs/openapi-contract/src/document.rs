//! An OpenAPI document and the operations in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The methods an operation is looked for under.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// What our own document (and a proxied one) may put before every path.
const PREFIX: &str = "/api/v3";
/// References to references are followed this far, so that a circle ends.
const HOPS: usize = 32;

/// An OpenAPI document, its operations sorted by path and method.
#[derive(Debug, Clone)]
pub struct Document {
    root: Value,
    /// Path without the prefix and method in lower case, to the path as it is written.
    operations: BTreeMap<(String, String), String>,
}

impl Document {
    /// Indexes a document. One without `paths` has no operations.
    ///
    /// Where any path begins with `/api/v3/`, that prefix is cut off all of them.
    pub fn new(root: Value) -> Self {
        let mut operations = BTreeMap::new();
        if let Some(paths) = root.get("paths").and_then(Value::as_object) {
            let prefixed = paths.keys().any(|path| path.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('/')));
            let cut = if prefixed { PREFIX.len() } else { 0 };
            for (path, item) in paths {
                for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
                    operations.insert((path.chars().skip(cut).collect(), method.to_owned()), path.clone());
                }
            }
        }
        Self { root, operations }
    }

    /// The document itself, as [`validate`](crate::validate()) wants it for its references.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Every operation as (method, path): the method in upper case, the path without `/api/v3`.
    pub fn operations(&self) -> impl Iterator<Item = (String, &str)> {
        self.operations.keys().map(|(path, method)| (method.to_uppercase(), path.as_str()))
    }

    /// The operation object at a method (any case) and a path as [`operations`](Self::operations) gives it.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let method = method.to_lowercase();
        self.item(&method, path)?.get(&method)
    }

    /// The schema of an operation's JSON answer with this status; `None` where the document names none.
    ///
    /// The status is looked for as it is, then as its range (`2XX`), then as `default`.
    pub fn answer_schema(&self, method: &str, path: &str, status: u16) -> Option<&Value> {
        let responses = self.operation(method, path)?.get("responses")?;
        let range = format!("{}XX", status / 100);
        let response =
            [status.to_string(), range, "default".to_owned()].iter().find_map(|code| responses.get(code.as_str()))?;
        self.content(response)?
            .iter()
            .find(|(kind, _)| kind.contains("json"))
            .and_then(|(_, media)| media.get("schema"))
    }

    /// The operation and the parameters its path shares with the other methods.
    pub(crate) fn parts(&self, method: &str, path: &str) -> Option<(&Value, &[Value])> {
        let item = self.item(method, path)?;
        Some((item.get(method)?, list(item, "parameters")))
    }

    /// The operations as (path, method in lower case), in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.operations.keys().map(|(path, method)| (path.as_str(), method.as_str()))
    }

    /// What a request body or a response (or a reference to one) holds, by media type.
    pub(crate) fn content<'a>(&'a self, node: &'a Value) -> Option<&'a Map<String, Value>> {
        resolve(&self.root, node)?.get("content")?.as_object()
    }

    fn item(&self, method: &str, path: &str) -> Option<&Value> {
        let written = self.operations.get(&(path.to_owned(), method.to_owned()))?;
        self.root.get("paths")?.get(written)
    }
}

/// The list under a key; none where there is none.
pub(crate) fn list<'a>(node: &'a Value, key: &str) -> &'a [Value] {
    node.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Follows references until there is none; `None` where one leads nowhere, or round in circles.
pub(crate) fn resolve<'a>(root: &'a Value, node: &'a Value) -> Option<&'a Value> {
    let mut node = node;
    for _ in 0..HOPS {
        let Some(reference) = node.get("$ref").and_then(Value::as_str) else { return Some(node) };
        node = root.pointer(&format!("/{}", reference.trim_start_matches(['#', '/'])))?;
    }
    None
}
