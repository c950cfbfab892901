//! YAML text to a tree of nodes that know their line, with limits on everything a hostile file can grow.

mod builder;
mod scalar;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

use crate::error::BlueprintError;

/// Largest document, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of sequences and mappings, aliases expanded.
pub const MAX_DEPTH: usize = 64;
/// Most nodes, aliases expanded.
pub const MAX_NODES: usize = 100_000;
/// Most bytes of text in all scalars, aliases expanded: a long text is copied by each alias.
pub const MAX_TEXT: usize = 16 * MAX_BYTES;

/// A value and where it starts in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Line, from 1. What an alias or a merge key brought in keeps the line where it is written.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What a node can be.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// An integer, between the least `i64` and the greatest `u64`.
    Int(i128),
    /// A float; may be infinite or not a number, which JSON has no place for.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file. Keys are scalars and differ from one another.
    Mapping(Vec<(Node, Node)>),
    /// A value with a tag of its own, the name with its `!`. A scalar below a tag is always a `String`, as it is
    /// written.
    Tagged(String, Box<Node>),
}

/// Parses one YAML document. Nothing at all is null.
pub fn parse(text: &str) -> Result<Node, BlueprintError> {
    if text.len() > MAX_BYTES {
        return Err(BlueprintError::new(1, 1, format!("the document is larger than {MAX_BYTES} bytes")));
    }
    builder::build(text.strip_prefix('\u{feff}').unwrap_or(text))
}

impl Node {
    /// An error at this node.
    pub fn error(&self, message: impl Into<String>) -> BlueprintError {
        BlueprintError::new(self.line, self.column, message)
    }

    /// The text of a string node.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value below a text key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            NodeValue::Mapping(pairs) => pairs.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Whether it has a tag of its own.
    pub fn is_tag(&self) -> bool {
        matches!(self.value, NodeValue::Tagged(..))
    }

    /// A JSON value as a node, which stands nowhere in a file: at its first line.
    pub fn from_json(value: &Value) -> Self {
        let number = |number: &Number| match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => NodeValue::Int(value.into()),
            (None, Some(value)) => NodeValue::Int(value.into()),
            (None, None) => NodeValue::Float(number.as_f64().unwrap_or(f64::NAN)),
        };
        let value = match value {
            Value::Null => NodeValue::Null,
            Value::Bool(value) => NodeValue::Bool(*value),
            Value::Number(value) => number(value),
            Value::String(text) => NodeValue::String(text.clone()),
            Value::Array(items) => NodeValue::Sequence(items.iter().map(Self::from_json).collect()),
            Value::Object(object) => NodeValue::Mapping(
                object
                    .iter()
                    .map(|(key, value)| (Self::from_json(&key.as_str().into()), Self::from_json(value)))
                    .collect(),
            ),
        };
        Self { value, line: 1, column: 1 }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Int(_) | NodeValue::Float(_) => "a number",
            NodeValue::String(_) => "text",
            NodeValue::Sequence(_) => "a list",
            NodeValue::Mapping(_) => "a mapping",
            NodeValue::Tagged(..) => "a tag",
        }
    }

    /// A scalar as text: the name that a mapping key has in JSON. `None` for what is no scalar.
    pub fn to_text(&self) -> Option<String> {
        match &self.value {
            NodeValue::Null => Some("null".to_owned()),
            NodeValue::Bool(value) => Some(value.to_string()),
            NodeValue::Int(value) => Some(value.to_string()),
            NodeValue::Float(value) => Some(format!("{value:?}")),
            NodeValue::String(text) => Some(text.clone()),
            NodeValue::Sequence(_) | NodeValue::Mapping(_) | NodeValue::Tagged(..) => None,
        }
    }

    /// The node as JSON. A tag is an error here: [`crate::tags::resolve`] is for those.
    pub fn to_value(&self) -> Result<Value, BlueprintError> {
        self.convert(&mut |node, tag, _| Err(node.error(format!("the tag {tag} is not allowed here"))))
    }

    /// The node as JSON, where `tagged` says what a tag stands for.
    pub(crate) fn convert<F>(&self, tagged: &mut F) -> Result<Value, BlueprintError>
    where
        F: FnMut(&Node, &str, &Node) -> Result<Value, BlueprintError>,
    {
        match &self.value {
            NodeValue::Null => Ok(Value::Null),
            NodeValue::Bool(value) => Ok(Value::Bool(*value)),
            NodeValue::Int(value) => self.integer(*value),
            NodeValue::Float(value) => Number::from_f64(*value)
                .map(Value::Number)
                .ok_or_else(|| self.error(format!("the number {value} has no place in JSON"))),
            NodeValue::String(text) => Ok(Value::String(text.clone())),
            NodeValue::Sequence(items) => {
                items.iter().map(|item| item.convert(tagged)).collect::<Result<_, _>>().map(Value::Array)
            }
            NodeValue::Mapping(pairs) => {
                let mut object = Map::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let name = key.to_text().ok_or_else(|| key.error("a key must be a single value"))?;
                    object.insert(name, value.convert(tagged)?);
                }
                Ok(Value::Object(object))
            }
            NodeValue::Tagged(tag, inner) => tagged(self, tag, inner),
        }
    }

    fn integer(&self, value: i128) -> Result<Value, BlueprintError> {
        let number = i64::try_from(value).map(Number::from).or_else(|_| u64::try_from(value).map(Number::from));
        number.map(Value::Number).map_err(|_| self.error(format!("the integer {value} does not fit into 64 bits")))
    }
}
