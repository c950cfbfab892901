//! From nodes to JSON: what each tag stands for.

mod context;
mod enumerate;
mod format;
mod python;
mod resolver;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub use context::Context;

use crate::blueprint::{Entry, State, check_model};
use crate::error::BlueprintError;
use crate::yaml::Node;

/// What tags ask of the world outside. `Err` is a sentence for the person who wrote the file; the line is put before
/// it.
pub trait Lookup {
    /// `!Find [model, [field, value]...]`: primary key of the one object. `None` makes the tag an error.
    fn find(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String>;
    /// `!FindObject`: the object's representation. `None` makes the tag an error.
    fn find_object(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String>;
    /// `!Env`: the value of an environment variable.
    fn environment(&self, name: &str) -> Option<String>;
    /// `!File`: the content of a file.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// What an entry with an id became.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Primary key of the object.
    pub pk: Value,
    /// The second key of what policies can be bound to: `policybindingmodel_ptr_id`.
    pub policy_binding_model: Option<Value>,
}

/// What is known where a node is resolved.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Model of the entry. In one of `authentik_policies.policybinding`, `!KeyOf` gives the policy binding key.
    pub model: &'a str,
    /// `!Context`.
    pub context: &'a Context,
    /// `!KeyOf`: the ids of earlier entries.
    pub keys: &'a BTreeMap<String, Key>,
    /// Everything else.
    pub lookup: &'a dyn Lookup,
}

/// A node as JSON, each tag replaced by what it stands for.
pub fn resolve(node: &Node, scope: &Scope<'_>) -> Result<Value, BlueprintError> {
    resolver::Resolver::new(*scope).node(node)
}

/// Whether an entry is to be applied: all its conditions are true as Python sees it (empty, zero and null are false).
pub fn conditions_hold(entry: &Entry, scope: &Scope<'_>) -> Result<bool, BlueprintError> {
    for condition in &entry.conditions {
        if !resolver::Resolver::new(*scope).question(condition)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The model of an entry, as it is written.
pub fn model_of(entry: &Entry, scope: &Scope<'_>) -> Result<String, BlueprintError> {
    let name = resolver::Resolver::new(*scope).text(&entry.model)?;
    check_model(&entry.model, &name)?;
    Ok(name)
}

/// What becomes of the object of an entry.
pub fn state_of(entry: &Entry, scope: &Scope<'_>) -> Result<State, BlueprintError> {
    let Some(node) = &entry.state else { return Ok(State::default()) };
    State::read(node, &resolver::Resolver::new(*scope).text(node)?)
}
