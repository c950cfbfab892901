//! Values to YAML, the same text for the same value, read alike by YAML 1.1 and YAML 1.2.

#[cfg(test)]
mod tests;
mod text;

use serde_json::Value;

use text::{literal, number, scalar};

/// A key this long is written with `?`: readers look only so far ahead for the colon (1,024 characters).
const LONG_KEY: usize = 900;

/// What can be written: JSON, and tags.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A value without tags.
    Value(Value),
    /// A list.
    Sequence(Vec<Output>),
    /// A mapping, in this order.
    Mapping(Vec<(String, Output)>),
    /// A tag, named with its `!`, before what it is about. That is written on the tag's line.
    Tagged(String, Box<Output>),
}

impl Output {
    /// `!KeyOf id`.
    pub fn key_of(id: impl Into<String>) -> Self {
        Self::Tagged("!KeyOf".to_owned(), Box::new(Self::Value(Value::String(id.into()))))
    }

    /// `!Find [model, [field, value]...]`.
    pub fn find(model: impl Into<String>, criteria: impl IntoIterator<Item = (String, Output)>) -> Self {
        let mut items = vec![Self::from(Value::String(model.into()))];
        items.extend(
            criteria.into_iter().map(|(field, value)| Self::Sequence(vec![Self::from(Value::String(field)), value])),
        );
        Self::Tagged("!Find".to_owned(), Box::new(Self::Sequence(items)))
    }
}

impl From<Value> for Output {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// A whole document, with a line break at its end.
pub fn write(output: &Output) -> String {
    let mut writer = Writer { text: String::new() };
    writer.block(&Item::from(output), 0, Place::Here);
    writer.text.push('\n');
    writer.text
}

/// A whole document of a value without tags.
pub fn write_value(value: &Value) -> String {
    let mut writer = Writer { text: String::new() };
    writer.block(&Item::from(value), 0, Place::Here);
    writer.text.push('\n');
    writer.text
}

/// Either kind of tree, seen as one.
enum Item<'a> {
    Scalar(&'a Value),
    Sequence(Vec<Item<'a>>),
    Mapping(Vec<(&'a str, Item<'a>)>),
    Tagged(&'a str, Box<Item<'a>>),
}

impl<'a> From<&'a Value> for Item<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Array(items) => Self::Sequence(items.iter().map(Self::from).collect()),
            Value::Object(object) => Self::Mapping(object.iter().map(|(k, v)| (k.as_str(), Self::from(v))).collect()),
            scalar => Self::Scalar(scalar),
        }
    }
}

impl<'a> From<&'a Output> for Item<'a> {
    fn from(output: &'a Output) -> Self {
        match output {
            Output::Value(value) => Self::from(value),
            Output::Sequence(items) => Self::Sequence(items.iter().map(Self::from).collect()),
            Output::Mapping(pairs) => Self::Mapping(pairs.iter().map(|(k, v)| (k.as_str(), Self::from(v))).collect()),
            Output::Tagged(tag, inner) => Self::Tagged(tag, Box::new(Self::from(inner.as_ref()))),
        }
    }
}

/// What stands before the item on its line.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing, or `- `: a collection may begin on this line.
    Here,
    /// `key:` without a space behind it.
    Colon,
}

struct Writer {
    text: String,
}

impl Writer {
    /// Writes an item whose lines begin at `indent`, without the last line break.
    fn block(&mut self, item: &Item<'_>, indent: usize, place: Place) {
        match item {
            Item::Sequence(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.line(indent, index == 0 && place == Place::Here);
                    self.text.push_str("- ");
                    self.block(item, indent + 2, Place::Here);
                }
            }
            Item::Mapping(pairs) if !pairs.is_empty() => {
                for (index, (key, value)) in pairs.iter().enumerate() {
                    self.line(indent, index == 0 && place == Place::Here);
                    self.pair(key, value, indent);
                }
            }
            item => {
                if place == Place::Colon {
                    self.text.push(' ');
                }
                match item {
                    Item::Scalar(Value::String(text)) => match literal(text, indent.max(2)) {
                        Some(literal) => self.text.push_str(&literal),
                        None => self.text.push_str(&scalar(text, false)),
                    },
                    item => self.flow(item),
                }
            }
        }
    }

    /// Begins a line, but for the first one of a collection that stands where it is.
    fn line(&mut self, indent: usize, here: bool) {
        if !here {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
    }

    fn pair(&mut self, key: &str, value: &Item<'_>, indent: usize) {
        let key = scalar(key, false);
        if key.len() > LONG_KEY {
            self.text.push_str("? ");
            self.text.push_str(&key);
            self.line(indent, false);
        } else {
            self.text.push_str(&key);
        }
        self.text.push(':');
        self.block(value, indent + 2, Place::Colon);
    }

    /// On one line.
    fn flow(&mut self, item: &Item<'_>) {
        match item {
            Item::Scalar(Value::String(text)) => self.text.push_str(&scalar(text, true)),
            Item::Scalar(Value::Number(value)) => self.text.push_str(&number(value)),
            Item::Scalar(value) => self.text.push_str(&value.to_string()),
            Item::Sequence(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.text.push_str(if index == 0 { "" } else { ", " });
                    self.flow(item);
                }
                self.text.push(']');
            }
            Item::Mapping(pairs) => {
                self.text.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    self.text.push_str(if index == 0 { "" } else { ", " });
                    let key = scalar(key, true);
                    self.text.push_str(if key.len() > LONG_KEY { "? " } else { "" });
                    self.text.push_str(&key);
                    self.text.push_str(": ");
                    self.flow(value);
                }
                self.text.push('}');
            }
            Item::Tagged(tag, inner) => {
                self.text.push_str(tag);
                self.text.push(' ');
                self.flow(inner);
            }
        }
    }
}
