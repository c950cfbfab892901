//! What `!Context` finds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml::{Node, NodeValue};

/// Values under names, their tags unresolved: a tag of the context means what it means where it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Context(BTreeMap<String, Node>);

impl Context {
    /// The server's own values, the blueprint's over them, and the instance's over both. Mappings are merged and lists
    /// joined, of anything else the later one counts.
    pub fn new(own: &Map<String, Value>, blueprint: &[(String, Node)], instance: &Map<String, Value>) -> Self {
        let json = |(name, value): (&String, &Value)| (name.clone(), Node::from_json(value));
        let mut context = Self(own.iter().map(json).collect());
        for (name, node) in blueprint.iter().cloned().chain(instance.iter().map(json)) {
            match context.0.get_mut(&name) {
                Some(present) => merge(present, node),
                None => {
                    context.0.insert(name, node);
                }
            }
        }
        context
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.0.get(name)
    }
}

fn merge(into: &mut Node, from: Node) {
    match (&mut into.value, from.value) {
        (NodeValue::Mapping(pairs), NodeValue::Mapping(more)) => {
            for (key, value) in more {
                let name = key.to_text();
                match pairs.iter_mut().find(|(known, _)| known.to_text() == name) {
                    Some((_, present)) => merge(present, value),
                    None => pairs.push((key, value)),
                }
            }
        }
        (NodeValue::Sequence(items), NodeValue::Sequence(more)) => items.extend(more),
        (_, value) => *into = Node { value, ..from },
    }
}
