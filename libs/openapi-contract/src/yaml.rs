//! Reads a YAML document into a JSON value, mappings in their order.

use std::fmt;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Number, Value};

/// Why a text could not be read as one JSON-like YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The text is no YAML; the parser's own words, with the place.
    Syntax(String),
    /// The text holds this many documents, where exactly one is wanted.
    Documents(usize),
    /// JSON has no such value: a mapping as a key, an infinite number, a scalar that is not what its tag says.
    Unsupported(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => write!(f, "not YAML: {message}"),
            Self::Documents(count) => write!(f, "one YAML document expected, found {count}"),
            Self::Unsupported(what) => write!(f, "JSON has no {what}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads one YAML document (YAML 1.2, so JSON as well) into a JSON value.
///
/// Keys that are no strings become strings (`200:` is `"200"`), tags are dropped once their scalar is read.
pub fn load_yaml(text: &str) -> Result<Value, LoadError> {
    let documents = Yaml::load_from_str(text).map_err(|error| LoadError::Syntax(error.to_string()))?;
    let count = documents.len();
    match <[Yaml<'_>; 1]>::try_from(documents) {
        Ok([document]) => value(document),
        Err(_) => Err(LoadError::Documents(count)),
    }
}

fn value(node: Yaml<'_>) -> Result<Value, LoadError> {
    match node {
        Yaml::Value(scalar) => from_scalar(scalar),
        Yaml::Sequence(items) => items.into_iter().map(value).collect::<Result<_, _>>().map(Value::Array),
        Yaml::Mapping(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (name, inner) in entries {
                map.insert(key(name)?, value(inner)?);
            }
            Ok(Value::Object(map))
        }
        Yaml::Tagged(_, inner) => value(*inner),
        other => Err(LoadError::Unsupported(format!("{other:?}"))),
    }
}

fn from_scalar(scalar: Scalar<'_>) -> Result<Value, LoadError> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(flag),
        Scalar::Integer(number) => Value::from(number),
        Scalar::FloatingPoint(number) => Number::from_f64(number.into_inner())
            .map(Value::Number)
            .ok_or_else(|| LoadError::Unsupported(format!("number {number}")))?,
        Scalar::String(text) => Value::String(text.into_owned()),
    })
}

fn key(node: Yaml<'_>) -> Result<String, LoadError> {
    match value(node)? {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err(LoadError::Unsupported("key that is a collection".to_owned())),
        scalar => Ok(scalar.to_string()),
    }
}
