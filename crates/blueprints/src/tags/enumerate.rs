//! `!Enumerate` with `!Index` and `!Value`.

use serde_json::{Map, Value};

use super::resolver::{Resolver, arguments, display_key, scalar, weight};
use crate::error::BlueprintError;
use crate::yaml::Node;

impl Resolver<'_> {
    /// `!Enumerate [iterable, SEQ | MAP, body]`: the body once for each item. Already the iterable is inside: there,
    /// depth 0 is this tag, which has no item yet, and depth 1 the one around it.
    pub(super) fn enumerate(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let expected = "[iterable, SEQ or MAP, body]";
        let [iterable, output, body] = arguments(node, tag, inner, 3..=3, expected)? else {
            return Err(node.error(format!("{tag} needs {expected}")));
        };
        self.frames.push(None);
        let result = self.iterate(node, iterable, output, body);
        self.frames.pop();
        result
    }

    fn iterate(&mut self, node: &Node, iterable: &Node, output: &Node, body: &Node) -> Result<Value, BlueprintError> {
        let items = items(self.node(iterable)?).map_err(|message| iterable.error(message))?;
        let output_kind = self.node(output)?;
        match output_kind.as_str().map(str::to_ascii_uppercase).as_deref() {
            Some("SEQ") => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(self.item(item, body)?);
                }
                Ok(Value::Array(list))
            }
            Some("MAP") => {
                let mut object = Map::new();
                for item in items {
                    match self.item(item, body)? {
                        Value::Object(more) => merge(&mut object, more),
                        Value::Array(pair) => {
                            let [key, value] = <[Value; 2]>::try_from(pair).map_err(|pair| {
                                body.error(format!("!Enumerate: MAP needs [key, value], not {} items", pair.len()))
                            })?;
                            merge(&mut object, Map::from_iter([(display_key(&key), value)]));
                        }
                        other => {
                            return Err(
                                body.error(format!("!Enumerate: MAP needs [key, value] or a mapping, not {other}"))
                            );
                        }
                    }
                }
                Ok(Value::Object(object))
            }
            _ => Err(node.error(format!("!Enumerate: unknown output {output_kind}, expected SEQ or MAP"))),
        }
    }

    fn item(&mut self, item: (Value, Value), body: &Node) -> Result<Value, BlueprintError> {
        if let Some(frame) = self.frames.last_mut() {
            *frame = Some(item);
        }
        let value = self.node(body)?;
        self.spend(body, weight(&value))?;
        Ok(value)
    }

    /// Index and value of the `!Enumerate` that is `depth` levels up.
    pub(super) fn frame(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<(Value, Value), BlueprintError> {
        let text = scalar(node, tag, inner)?;
        let depth: usize =
            text.trim().parse().map_err(|_| node.error(format!("{tag} needs a depth from 0, this is `{text}`")))?;
        match self.frames.iter().rev().nth(depth) {
            Some(Some(item)) => Ok(item.clone()),
            Some(None) => Err(node.error(format!(
                "{tag} {depth} stands in what the !Enumerate goes through, which cannot be its own item; use {}",
                depth + 1
            ))),
            None => Err(node.error(format!("{tag} {depth} needs {} !Enumerate around it", depth + 1))),
        }
    }
}

/// Pairs of index and value, of key and value, of index and letter.
fn items(iterable: Value) -> Result<Vec<(Value, Value)>, String> {
    let numbered = |values: Vec<Value>| values.into_iter().enumerate().map(|(i, v)| (Value::from(i), v)).collect();
    match iterable {
        Value::Array(values) => Ok(numbered(values)),
        Value::Object(object) => Ok(object.into_iter().map(|(key, value)| (Value::String(key), value)).collect()),
        Value::String(text) => Ok(numbered(text.chars().map(|letter| Value::String(letter.into())).collect())),
        other => Err(format!("!Enumerate needs a list, a mapping or text to go through, not {other}")),
    }
}

/// Mappings are merged, lists are joined, of anything else the later one stays.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new),
            (Some(old), new) => *old = new,
            (None, new) => {
                into.insert(key, new);
            }
        }
    }
}
