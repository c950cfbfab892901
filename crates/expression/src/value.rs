//! What goes into a program and comes out of it.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::object::Object;

/// A value of a program.
#[derive(Clone, Default)]
pub enum Value {
    /// `None`.
    #[default]
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment.
    DateTime(DateTime<Utc>),
    /// A list; tuples and sets come out as one, too.
    List(Vec<Value>),
    /// A dictionary, in its order. Keys that are no texts come out as their `str()`.
    Dict(Vec<(String, Value)>),
    /// Something of the host.
    Object(Arc<dyn Object>),
}

impl Value {
    /// Whether Python takes it for true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(value) => !value.is_empty(),
            Self::Bytes(value) => !value.is_empty(),
            Self::List(values) => !values.is_empty(),
            Self::Dict(pairs) => !pairs.is_empty(),
            Self::DateTime(_) | Self::Object(_) => true,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// What a dictionary holds under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Dict(pairs) => pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value as JSON: bytes and objects as text, moments by RFC 3339, what is no number as null.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::None => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Self::Str(text) => Json::String(text.clone()),
            Self::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Self::DateTime(moment) => Json::String(moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Dict(pairs) => {
                Json::Object(pairs.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
            Self::Object(object) => object.to_json(),
        }
    }

    /// A dictionary.
    pub fn dict<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Dict(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An object of the host.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            Json::String(text) => Self::Str(text),
            Json::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Json::Object(object) => Self::Dict(object.into_iter().map(|(key, value)| (key, value.into())).collect()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(f, "<{}>", object.class()),
            other => write!(f, "{}", other.to_json()),
        }
    }
}

/// Equal as JSON.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }
}
