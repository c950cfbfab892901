//! The walk over a node, and every tag but `!Enumerate`.

use serde_json::Value;

use super::format::format;
use super::python::{display, truthy};
use super::{Key, Scope};
use crate::error::BlueprintError;
use crate::yaml::{Node, NodeValue};

/// The most a node may grow to while it is resolved, in values and pieces of text of 64 bytes.
const BUDGET: usize = 1_000_000;
/// Most values of the context that lead to one another.
const LEADS: usize = 16;
const POLICY_BINDING: &str = "authentik_policies.policybinding";

pub(super) struct Resolver<'a> {
    scope: Scope<'a>,
    /// The `!Enumerate`s around, outermost first, each with its current index and value.
    pub(super) frames: Vec<Option<(Value, Value)>>,
    budget: usize,
    /// The values of the context that are being resolved.
    leads: Vec<String>,
    /// Whether it is a condition that is resolved: there, what `!Find` does not find is null, so that one can ask whether
    /// something is there.
    asking: bool,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope, frames: Vec::new(), budget: BUDGET, leads: Vec::new(), asking: false }
    }

    /// Whether a condition holds.
    pub(super) fn question(&mut self, node: &Node) -> Result<bool, BlueprintError> {
        Ok(truthy(&self.asking(node)?))
    }

    /// What a part of a condition is.
    fn asking(&mut self, node: &Node) -> Result<Value, BlueprintError> {
        let before = std::mem::replace(&mut self.asking, true);
        let value = self.node(node);
        self.asking = before;
        value
    }

    pub(super) fn node(&mut self, node: &Node) -> Result<Value, BlueprintError> {
        self.spend(node, 1)?;
        node.convert(&mut |node, tag, inner| {
            let value = self.tag(node, tag, inner)?;
            self.spend(node, weight(&value))?;
            Ok(value)
        })
    }

    pub(super) fn spend(&mut self, node: &Node, cost: usize) -> Result<(), BlueprintError> {
        self.budget = self
            .budget
            .checked_sub(cost)
            .ok_or_else(|| node.error("the tags here expand to more than a blueprint may hold"))?;
        Ok(())
    }

    fn tag(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        match tag {
            "!KeyOf" => self.key_of(node, scalar(node, tag, inner)?),
            "!Context" => self.context(node, tag, inner),
            "!Env" => self.env(node, tag, inner),
            "!File" => self.file(node, tag, inner),
            "!Find" | "!FindObject" => self.find(node, tag, inner),
            "!Format" => self.format(node, tag, inner),
            "!If" => self.choose(node, tag, inner),
            "!Condition" => self.condition(node, tag, inner),
            "!Enumerate" => self.enumerate(node, tag, inner),
            "!Index" => self.frame(node, tag, inner).map(|(index, _)| index),
            "!Value" => self.frame(node, tag, inner).map(|(_, value)| value),
            "!AtIndex" => self.at_index(node, tag, inner),
            "!ParseJSON" => serde_json::from_str(scalar(node, tag, inner)?)
                .map_err(|error| node.error(format!("!ParseJSON: this is not JSON: {error}"))),
            _ => Err(node.error(format!("unknown tag {tag}"))),
        }
    }

    fn key_of(&self, node: &Node, id: &str) -> Result<Value, BlueprintError> {
        let Some(Key { pk, policy_binding_model }) = self.scope.keys.get(id) else {
            return Err(node.error(format!("!KeyOf: no entry before this one has the id `{id}`")));
        };
        let binding = policy_binding_model.as_ref().filter(|_| self.scope.model.eq_ignore_ascii_case(POLICY_BINDING));
        Ok(binding.unwrap_or(pk).clone())
    }

    /// A whole key comes first, then `a.b.0` leads into mappings and lists. What is not there is null.
    fn context(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let (name, default) = self.name_and_default(node, tag, inner)?;
        let context = self.scope.context;
        let found = match context.get(&name) {
            Some(whole) => Some(self.lead(node, &name, whole)?),
            None => match name.split_once('.').and_then(|(first, rest)| Some((first, context.get(first)?, rest))) {
                Some((first, whole, rest)) => {
                    let whole = self.lead(node, first, whole)?;
                    rest.split('.')
                        .try_fold(&whole, |value, part| match value {
                            Value::Object(object) => object.get(part),
                            Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
                            _ => None,
                        })
                        .cloned()
                }
                None => None,
            },
        };
        match (found, default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.node(default),
            (None, None) => Ok(Value::Null),
        }
    }

    /// Resolves a value of the context, which may lead to others.
    fn lead(&mut self, node: &Node, name: &str, value: &Node) -> Result<Value, BlueprintError> {
        if self.leads.iter().any(|known| known == name) {
            return Err(node.error(format!("!Context: `{name}` of the context leads back to itself")));
        }
        if self.leads.len() >= LEADS {
            return Err(node.error(format!("!Context: more than {LEADS} values of the context lead to one another")));
        }
        self.leads.push(name.to_owned());
        let value = self.node(value);
        self.leads.pop();
        value
    }

    fn env(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let (name, default) = self.name_and_default(node, tag, inner)?;
        // An empty variable says as little as none.
        match (self.scope.lookup.environment(&name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => Ok(Value::String(value)),
            (None, Some(default)) => self.node(default),
            (None, None) => Ok(Value::Null),
        }
    }

    fn file(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let (path, default) = self.name_and_default(node, tag, inner)?;
        match (self.scope.lookup.file(&path), default) {
            (Ok(content), _) => Ok(Value::String(content.trim().to_owned())),
            (Err(_), Some(default)) => self.node(default),
            (Err(reason), None) => Err(node.error(format!("!File: {path}: {reason}"))),
        }
    }

    fn find(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let expected = "[model, [field, value], ...]";
        let Some((model, pairs)) = arguments(node, tag, inner, 2..=usize::MAX, expected)?.split_first() else {
            return Err(node.error(format!("{tag} needs {expected}")));
        };
        let model = self.text(model)?;
        let mut criteria = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let NodeValue::Sequence(items) = &pair.value else {
                return Err(pair.error(format!("{tag} needs {expected}, this is {}", pair.kind())));
            };
            let [field, value] = items.as_slice() else {
                return Err(pair.error(format!("{tag} needs {expected}, this list has {} items", items.len())));
            };
            criteria.push((self.text(field)?, self.node(value)?));
        }
        let lookup = self.scope.lookup;
        let found = if tag == "!Find" { lookup.find(&model, &criteria) } else { lookup.find_object(&model, &criteria) };
        let found = found.map_err(|reason| node.error(format!("{tag}: {reason}")))?;
        if found.is_none() && self.asking {
            return Ok(Value::Null);
        }
        found.ok_or_else(|| {
            let wanted: Vec<_> = criteria.iter().map(|(field, value)| format!("{field} {value}")).collect();
            node.error(format!("{tag}: there is no {model} with {}", wanted.join(" and ")))
        })
    }

    fn format(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let items = arguments(node, tag, inner, 1..=usize::MAX, "[text, argument, ...]")?;
        let values: Vec<_> = items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?;
        match values.split_first() {
            Some((Value::String(template), values)) => format(template, values)
                .map(Value::String)
                .map_err(|message| node.error(format!("!Format: {message} in `{template}`"))),
            _ => Err(node.error("!Format: the first argument must be text")),
        }
    }

    /// Only the branch that is taken is resolved.
    fn choose(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let expected = "[condition] or [condition, then, else]";
        let items = arguments(node, tag, inner, 1..=3, expected)?;
        let Some(condition) = items.first() else { return Err(node.error(format!("{tag} needs {expected}"))) };
        let holds = self.question(condition)?;
        match items {
            [_] => Ok(Value::Bool(holds)),
            [_, then, otherwise] => self.node(if holds { then } else { otherwise }),
            _ => Err(node.error(format!("{tag} needs {expected}, this list has {} items", items.len()))),
        }
    }

    fn condition(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let items = arguments(node, tag, inner, 1..=usize::MAX, "[mode, value, ...]")?;
        let mut values: Vec<_> = items.iter().map(|item| self.asking(item)).collect::<Result<_, _>>()?;
        let mode = values.remove(0);
        let Some(first) = values.first() else {
            return Err(node.error("!Condition needs at least one value after its mode"));
        };
        let odd = || values.iter().filter(|value| truthy(value)).count() % 2 == 1;
        // A single value is compared with nothing: what counts is whether it is true.
        let equal = || if values.len() == 1 { truthy(first) } else { values.iter().all(|value| value == first) };
        let result = match display(&mode).to_ascii_uppercase().as_str() {
            "AND" => values.iter().all(truthy),
            "NAND" => !values.iter().all(truthy),
            "OR" => values.iter().any(truthy),
            "NOR" => !values.iter().any(truthy),
            "XOR" => odd(),
            "XNOR" => !odd(),
            "EQ" => equal(),
            "NEQ" => !equal(),
            other => {
                let expected = "AND, NAND, OR, NOR, XOR, XNOR, EQ or NEQ";
                return Err(node.error(format!("!Condition: unknown mode `{other}`, expected {expected}")));
            }
        };
        Ok(Value::Bool(result))
    }

    /// A list counts from its end when the index is negative.
    fn at_index(&mut self, node: &Node, tag: &str, inner: &Node) -> Result<Value, BlueprintError> {
        let expected = "[collection, index] or [collection, index, default]";
        let items = arguments(node, tag, inner, 2..=3, expected)?;
        let (collection, index, default) = match items {
            [collection, index] => (collection, index, None),
            [collection, index, default] => (collection, index, Some(default)),
            _ => return Err(node.error(format!("{tag} needs {expected}"))),
        };
        let (collection, index) = (self.node(collection)?, self.node(index)?);
        let found = match &collection {
            Value::Array(items) => {
                let Some(place) = index.as_i64() else {
                    return Err(node.error(format!("!AtIndex: the index {index} of a list must be a whole number")));
                };
                let from_end = usize::try_from(place.unsigned_abs()).ok().and_then(|n| items.len().checked_sub(n));
                let place = if place < 0 { from_end } else { usize::try_from(place).ok() };
                place.and_then(|place| items.get(place))
            }
            Value::Object(object) => object.get(&display_key(&index)),
            Value::Null if default.is_some() => None,
            other => return Err(node.error(format!("!AtIndex: {other} is neither a list nor a mapping"))),
        };
        match (found, default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => self.node(default),
            (None, None) => Err(node.error(format!("!AtIndex: there is nothing at {index}, and no default is given"))),
        }
    }

    /// `!Tag name` or `!Tag [name, default]`.
    fn name_and_default<'n>(
        &mut self,
        node: &Node,
        tag: &str,
        inner: &'n Node,
    ) -> Result<(String, Option<&'n Node>), BlueprintError> {
        if let Some(name) = inner.as_str() {
            return Ok((name.to_owned(), None));
        }
        match arguments(node, tag, inner, 1..=2, "a name or [name, default]")? {
            [name] => Ok((self.text(name)?, None)),
            [name, default] => Ok((self.text(name)?, Some(default))),
            _ => Err(node.error(format!("{tag} needs a name or [name, default]"))),
        }
    }

    /// A value that has to be text; a number is taken as its digits.
    pub(super) fn text(&mut self, node: &Node) -> Result<String, BlueprintError> {
        match self.node(node)? {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(node.error(format!("text is expected here, this is {other}"))),
        }
    }
}

/// The text of a tag that takes nothing else.
pub(super) fn scalar<'n>(node: &Node, tag: &str, inner: &'n Node) -> Result<&'n str, BlueprintError> {
    inner.as_str().ok_or_else(|| node.error(format!("{tag} needs a single value, this is {}", inner.kind())))
}

/// The items of a tag that takes a list.
pub(super) fn arguments<'n>(
    node: &Node,
    tag: &str,
    inner: &'n Node,
    count: std::ops::RangeInclusive<usize>,
    expected: &str,
) -> Result<&'n [Node], BlueprintError> {
    match &inner.value {
        NodeValue::Sequence(items) if count.contains(&items.len()) => Ok(items),
        NodeValue::Sequence(items) => {
            Err(node.error(format!("{tag} needs {expected}, this list has {} items", items.len())))
        }
        _ => Err(node.error(format!("{tag} needs {expected}, this is {}", inner.kind()))),
    }
}

/// A value as the key that it is in a JSON object.
pub(super) fn display_key(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a value costs of the budget.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 64,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(object) => {
            object.iter().map(|(key, value)| 1 + key.len() / 64 + weight(value)).sum::<usize>() + 1
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
