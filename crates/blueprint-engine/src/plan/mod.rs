//! What a blueprint would change, before it does: applied to a change that is then dropped, and compared.

mod api;
mod text;

pub(crate) use api::operation;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Field, Kind, load_one};
use vestibule_store::{Configuration, Document, Edited};

use crate::apply::Applier;
use crate::edit::Edit;
use crate::links;
use crate::names::identifying_fields;

/// What stands where a secret would.
const SECRET: &str = "(secret)";

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is written otherwise.
    Change,
    /// It is deleted.
    Delete,
}

impl Action {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// A field that gets another value. References are the names of what they lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The field.
    pub field: &'static str,
    /// Its value now; null for a new object.
    pub before: Value,
    /// Its value then.
    pub after: Value,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What.
    pub action: Action,
    /// Its model.
    pub model: &'static str,
    /// What it is called: the values of the fields that tell it from others.
    pub name: String,
    /// Line of the entry; 0: it goes with another object.
    pub line: usize,
    /// Its fields that change, in their order.
    pub fields: Vec<FieldChange>,
}

/// What a blueprint would change. `Display` is a text for people, the same for the same plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of the entries; what goes with other objects comes last.
    pub changes: Vec<Planned>,
    /// Objects that are as they should be.
    pub unchanged: usize,
}

impl Plan {
    /// How many objects are so treated.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|planned| planned.action == action).count()
    }
}

/// The plan of what was applied so far.
pub(crate) async fn plan_of(applier: &mut Applier<'_>) -> Result<Plan, ApiError> {
    let mut plan = Plan::default();
    for edit in merged(applier) {
        let Some(kind) = applier.registry.kind(edit.model).cloned() else { continue };
        let action = match (&edit.before, &edit.after) {
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Delete,
            (Some(_), Some(_)) => Action::Change,
            (None, None) => continue,
        };
        let Some(object) = edit.after.as_ref().or(edit.before.as_ref()) else { continue };
        let name = name(applier, &kind, object).await?;
        let mut fields = fields(applier, &kind, &edit).await?;
        if action != Action::Delete {
            let key = edit.key();
            let besides = applier.besides.iter().filter(|one| one.model == edit.model && one.key == key);
            fields.extend(besides.map(|one| FieldChange {
                field: one.field,
                before: one.before.clone(),
                after: one.after.clone(),
            }));
        }
        if action == Action::Change && fields.is_empty() {
            plan.unchanged += 1;
            continue;
        }
        plan.changes.push(Planned { action, model: edit.model, name, line: edit.line, fields });
    }
    Ok(plan)
}

/// One edit an object, with those that no entry names: what is deleted or let go together with another.
fn merged(applier: &Applier<'_>) -> Vec<Edit> {
    let mut places: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut edits: Vec<Edit> = Vec::new();
    for edit in &applier.edits {
        match places.get(&(edit.model, edit.key())).and_then(|place| edits.get_mut(*place)) {
            Some(known) => known.after.clone_from(&edit.after),
            None => {
                places.insert((edit.model, edit.key()), edits.len());
                edits.push(edit.clone());
            }
        }
    }
    for Edited { kind, pk, before, after } in applier.change.edited() {
        let value = |document: Option<Arc<Document>>| document.map(|document| document.value.clone());
        let edit = Edit { model: kind, line: 0, before: value(before), after: value(after) };
        match places.get(&(kind, json!(pk).to_string())).and_then(|place| edits.get_mut(*place)) {
            // What an entry wrote, another may have let go of since.
            Some(known) => known.after = edit.after,
            None => edits.push(edit),
        }
    }
    edits
}

async fn fields(applier: &mut Applier<'_>, kind: &Kind, edit: &Edit) -> Result<Vec<FieldChange>, ApiError> {
    let Some(after) = &edit.after else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    for field in kind.fields.iter().filter(|field| field.is_stored() && field.is_writable()) {
        let new = after.get(field.name).unwrap_or(&Value::Null);
        let old = match &edit.before {
            Some(before) => before.get(field.name).cloned().unwrap_or_default(),
            None => field.default.map_or(Value::Null, |default| default()),
        };
        if same(kind, field, &old, new) || (edit.before.is_none() && is_nothing(new)) {
            continue;
        }
        let before = match edit.before {
            Some(_) => show(applier, field, &old).await?,
            None => Value::Null,
        };
        changes.push(FieldChange { field: field.name, before, after: show(applier, field, new).await? });
    }
    Ok(changes)
}

/// Whether a field has a value already.
fn same(kind: &Kind, field: &Field, old: &Value, new: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut keys: Vec<String> = value.as_array().into_iter().flatten().map(ToString::to_string).collect();
        keys.sort();
        keys
    };
    old == new || (links::is_set(kind, field.name) && old.is_array() && sorted(old) == sorted(new))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as people read it: no secrets, and names in place of keys.
async fn show(applier: &mut Applier<'_>, field: &Field, value: &Value) -> Result<Value, ApiError> {
    if (field.sealed || !field.is_readable()) && !is_nothing(value) {
        return Ok(SECRET.into());
    }
    match (field.reference(), value) {
        (Some((model, _, true)), Value::Array(keys)) => {
            let mut names = Vec::new();
            for key in keys {
                names.push(referred(applier, model, key).await?);
            }
            Ok(Value::Array(names))
        }
        (Some((model, _, false)), key) if !key.is_null() => referred(applier, model, key).await,
        (_, value) => Ok(value.clone()),
    }
}

/// The model and name of what a key leads to; the key, where it leads nowhere.
async fn referred(applier: &mut Applier<'_>, model: &str, key: &Value) -> Result<Value, ApiError> {
    let configuration = applier.change.configuration();
    let pk = key.as_str().and_then(|text| text.parse().ok());
    for kind in applier.registry.members(model).into_iter().cloned().collect::<Vec<_>>() {
        let found = if kind.is_document() {
            // What this very change deletes is still known to the store.
            let find = |all: &Configuration| pk.and_then(|pk| all.document(kind.model(), pk)).cloned();
            let found = find(&configuration).or_else(|| find(&applier.change.store().configuration()));
            found.map(|document| document.value.clone())
        } else {
            load_one(applier.change.transaction(), &kind, "pk", key).await?
        };
        if let Some(object) = found {
            return Ok(format!("{} {}", kind.model(), Box::pin(name(applier, &kind, &object)).await?).into());
        }
    }
    Ok(key.clone())
}

/// What an object is called: the value of the field that tells it from others, or of all that do together.
async fn name(applier: &mut Applier<'_>, kind: &Kind, object: &Object) -> Result<String, ApiError> {
    let fields: Vec<Field> = identifying_fields(kind).into_iter().cloned().collect();
    let mut values = Vec::new();
    for field in &fields {
        let value = object.get(field.name).unwrap_or(&Value::Null);
        let shown = match (field.reference(), value) {
            (Some((model, _, false)), key) if !key.is_null() => Box::pin(referred(applier, model, key)).await?,
            (_, value) => value.clone(),
        };
        values.push((field.name, shown));
    }
    Ok(match values.as_slice() {
        [] => object.get("pk").unwrap_or(&Value::Null).to_string(),
        [(_, value)] => value.to_string(),
        several => {
            let several = several.iter().filter(|(_, value)| !value.is_null());
            several.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
    })
}
