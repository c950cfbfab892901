//! A schema with everything but the wire stripped from it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::document::resolve;

/// The formats that change what a client reads; others (`int64`, `double`) do not count.
const FORMATS: [&str; 6] = ["uuid", "date-time", "date", "uri", "binary", "email"];
/// Deeper than this, everything is taken for untyped.
const DEPTH: usize = 7;

/// What a schema says about the wire.
#[derive(Debug, Clone)]
pub(crate) struct Shape<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) nullable: bool,
}

/// What a value looks like.
#[derive(Debug, Clone)]
pub(crate) enum Kind<'a> {
    /// Untyped, or too deep, or a schema within itself.
    Any,
    /// A request body that is not JSON.
    Form,
    /// One of several, by the discriminator's values or else the schemas' names, sorted.
    Union(Vec<&'a str>),
    /// One of these values, sorted, as text.
    Enum(Vec<String>),
    Type {
        name: &'a str,
        format: Option<&'a str>,
    },
    Array(Box<Shape<'a>>),
    /// An open object names no fields of its own.
    Object {
        fields: Vec<(&'a str, Shape<'a>)>,
        required: BTreeSet<&'a str>,
        open: bool,
    },
}

/// One comparable side of a shape that is no object and no array.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Facet<'a> {
    None,
    Text(&'a str),
    List(Vec<&'a str>),
}

impl fmt::Display for Facet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Text(text) => f.write_str(text),
            Self::List(values) => write!(f, "{}", quoted(values)),
        }
    }
}

impl<'a> Shape<'a> {
    pub(crate) const ANY: Self = Self { kind: Kind::Any, nullable: false };

    /// The shape of a schema in the document `root`; no schema at all is untyped.
    pub(crate) fn of(root: &'a Value, schema: Option<&'a Value>) -> Self {
        Shaper { root, seen: Vec::new() }.shape(schema, 0)
    }

    /// The sides to compare where this is no object and no array, each with its name.
    pub(crate) fn facets(&self) -> [(&'static str, Facet<'_>); 4] {
        let (mut values, mut kind, mut format, mut union) = (Facet::None, Facet::None, Facet::None, Facet::None);
        match &self.kind {
            Kind::Enum(found) => values = Facet::List(found.iter().map(String::as_str).collect()),
            Kind::Union(found) => union = Facet::List(found.clone()),
            Kind::Type { name, format: found } => {
                kind = Facet::Text(name);
                format = found.map_or(Facet::None, Facet::Text);
            }
            Kind::Any | Kind::Form | Kind::Array(_) | Kind::Object { .. } => {}
        }
        [("enum", values), ("type", kind), ("format", format), ("union", union)]
    }
}

/// Names between quotes, in brackets.
pub(crate) fn quoted(names: &[&str]) -> String {
    format!("[{}]", names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "))
}

/// Builds a shape; `seen` are the references on the way down.
struct Shaper<'a> {
    root: &'a Value,
    seen: Vec<&'a str>,
}

impl<'a> Shaper<'a> {
    fn shape(&mut self, node: Option<&'a Value>, depth: usize) -> Shape<'a> {
        let Some(node) = node else { return Shape::ANY };
        let reference = node.get("$ref").and_then(Value::as_str);
        if depth > DEPTH || reference.is_some_and(|name| self.seen.contains(&name)) {
            return Shape::ANY;
        }
        let Some(map) = resolve(self.root, node).and_then(Value::as_object) else { return Shape::ANY };
        self.seen.extend(reference);
        let shape = self.resolved(map, depth);
        if reference.is_some() {
            self.seen.pop();
        }
        shape
    }

    fn resolved(&mut self, map: &'a Map<String, Value>, depth: usize) -> Shape<'a> {
        let mut nullable = map.get("nullable").and_then(Value::as_bool).unwrap_or(false);
        if !map.contains_key("properties")
            && let Some(parts) = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|key| map.get(key))
        {
            return self.composed(map, parts.as_array().map_or(&[], Vec::as_slice), nullable, depth);
        }
        let kind = match map.get("type") {
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Array(names)) => {
                nullable = nullable || names.iter().any(|name| name == "null");
                names.iter().filter_map(Value::as_str).find(|name| *name != "null")
            }
            _ => None,
        };
        if let Some(values) = map.get("enum").and_then(Value::as_array) {
            nullable = nullable || values.iter().any(Value::is_null);
            let mut values: Vec<String> = values.iter().filter(|value| !value.is_null()).map(text).collect();
            values.sort();
            return Shape { kind: Kind::Enum(values), nullable };
        }
        if let Some(only) = map.get("const") {
            return Shape { kind: Kind::Enum(vec![text(only)]), nullable };
        }
        let kind = match kind {
            Some("array") => Kind::Array(Box::new(self.shape(map.get("items"), depth + 1))),
            Some("object") => self.object(map, depth),
            _ if map.contains_key("properties") => self.object(map, depth),
            Some(name) => {
                let format = map.get("format").and_then(Value::as_str).filter(|format| FORMATS.contains(format));
                Kind::Type { name, format }
            }
            None => return Shape::ANY,
        };
        Shape { kind, nullable }
    }

    /// A composition. One without its null and blank parts that has a single part left is that part.
    fn composed(&mut self, map: &'a Map<String, Value>, all: &'a [Value], nullable: bool, depth: usize) -> Shape<'a> {
        let mut parts: Vec<&'a Value> = all.iter().filter(|part| !self.is_null(part)).collect();
        let nullable = nullable || parts.len() < all.len();
        parts.retain(|part| !self.has_only_value(part, &Value::from("")));
        if let [only] = parts.as_slice() {
            let mut inner = self.shape(Some(only), depth);
            inner.nullable = inner.nullable || nullable;
            return inner;
        }
        let mapping = map.get("discriminator").and_then(|found| found.get("mapping")).and_then(Value::as_object);
        let mut names: Vec<&str> = match mapping {
            Some(mapping) if !mapping.is_empty() => mapping.keys().map(String::as_str).collect(),
            _ => parts.iter().map(|part| reference_name(part)).collect(),
        };
        names.sort_unstable();
        Shape { kind: Kind::Union(names), nullable }
    }

    fn object(&mut self, map: &'a Map<String, Value>, depth: usize) -> Kind<'a> {
        let Some(properties) = map.get("properties").and_then(Value::as_object).filter(|found| !found.is_empty())
        else {
            return Kind::Object { fields: Vec::new(), required: BTreeSet::new(), open: true };
        };
        let fields =
            properties.iter().map(|(name, inner)| (name.as_str(), self.shape(Some(inner), depth + 1))).collect();
        let required = map.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Kind::Object { fields, required: required.iter().filter_map(Value::as_str).collect(), open: false }
    }

    fn is_null(&self, part: &Value) -> bool {
        let named = resolve(self.root, part).and_then(|part| part.get("type")).is_some_and(|kind| kind == "null");
        named || self.has_only_value(part, &Value::Null)
    }

    fn has_only_value(&self, part: &Value, wanted: &Value) -> bool {
        let values = resolve(self.root, part).and_then(|part| part.get("enum")).and_then(Value::as_array);
        values.is_some_and(|values| matches!(values.as_slice(), [only] if only == wanted))
    }
}

/// The last part of a reference.
fn reference_name(part: &Value) -> &str {
    part.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()).unwrap_or("?")
}

/// An enum's value as text, so that `1` and `"1"` are one.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}
