//! Finding the object that the identifiers of an entry mean, and following objects that have other keys here.

use serde_json::Value;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Field, Kind, Principal, Registry, Verb, load_next, load_where};

use crate::apply::Applier;
use crate::lookup::{field_name, find_document, is_json, is_lookup, meets};
use crate::names::identifying_fields;

/// Most rows that are looked at together.
const ROWS: u32 = 500;

/// Objects that have another key here than the file says: `from` the file, and here.
#[derive(Default)]
pub(crate) struct Moved(Vec<(Value, Value)>);

impl Moved {
    /// Notes what an entry's object is called here.
    pub(crate) fn note(&mut self, kind: &Kind, identifiers: &Object, object: &Object) {
        for name in ["pk", kind.document_key()] {
            if let (Some(there), Some(here)) = (identifiers.get(name), object.get(name))
                && there != here
            {
                self.0.push((there.clone(), here.clone()));
            }
        }
    }

    /// Puts the keys of here in place of those of the file. Numbers are keys where a field refers to something.
    pub(crate) fn follow(&self, field: Option<&Field>, value: &mut Value) {
        match value {
            Value::String(_) | Value::Number(_) => {
                let refers = || field.is_some_and(|field| field.reference().is_some());
                let found = self.0.iter().find(|(there, _)| *there == *value && (value.is_string() || refers()));
                if let Some((_, here)) = found {
                    *value = here.clone();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.follow(field, item)),
            Value::Object(object) => object.values_mut().for_each(|item| self.follow(None, item)),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Identifiers by the names of fields here; of an object that has a `pk`, that counts.
pub(crate) fn plain(kind: &Kind, identifiers: Object) -> Object {
    let key = |value: Value| match value {
        Value::Object(mut object) if object.contains_key("pk") => object.remove("pk").unwrap_or_default(),
        value => value,
    };
    identifiers.into_iter().map(|(name, value)| (field_name(kind, &name).to_owned(), key(value))).collect()
}

/// Whether the fields exist, and whether these may be asked for. What finds an object tells something about it: who may
/// not view a kind finds its objects by what names them alone, as the API lets them do by its errors.
pub(crate) fn check(
    registry: &Registry,
    principal: &Principal,
    kind: &Kind,
    identifiers: &Object,
) -> Result<(), String> {
    let names = identifying_fields(kind);
    let view = kind.permission(Verb::View);
    for name in identifiers.keys() {
        let is_name = [kind.document_key(), "pk"].contains(&name.as_str()) || names.iter().any(|one| one.name == name);
        if !is_name && !principal.may(&view) {
            return Err(format!("you may not find {} by `{name}`, which takes the permission {view}", kind.model()));
        }
        criterion(registry, principal, kind, name)?;
    }
    Ok(())
}

/// Whether a criterion, `field` or `reference__field`, exists and may be asked for: secrets may not.
pub(crate) fn criterion(registry: &Registry, principal: &Principal, kind: &Kind, name: &str) -> Result<(), String> {
    let (head, tail) = name.split_once("__").map_or((name, None), |(head, tail)| (head, Some(tail)));
    let Some(field) = kind.field(field_name(kind, head)) else {
        return Err(format!("{} has no field `{head}` that could find it", kind.model()));
    };
    if !principal.superuser && (field.sealed || field.guarded || !field.is_readable()) {
        return Err(format!("nobody finds {} by its `{head}`", kind.model()));
    }
    let Some(tail) = tail.filter(|tail| !is_lookup(tail) && !is_json(field)) else { return Ok(()) };
    let members = field.reference().map(|(model, ..)| registry.members(model)).unwrap_or_default();
    let mut wrong = format!("`{head}` of {} leads to nothing that has a `{tail}`", kind.model());
    for member in members {
        let view = member.permission(Verb::View);
        match criterion(registry, principal, member, tail) {
            Ok(()) if principal.may(&view) => return Ok(()),
            Ok(()) => wrong = format!("you may not view {} ({view})", member.model()),
            Err(message) => wrong = message,
        }
    }
    Err(wrong)
}

impl Applier<'_> {
    /// The object that identifiers find: by its key, or by all else they say.
    pub(crate) async fn existing(&mut self, kind: &Kind, identifiers: &Object) -> Result<Option<Object>, ApiError> {
        let own = kind.document_key();
        let (keys, others): (Vec<_>, Vec<_>) = identifiers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .partition(|(name, _)| name == "pk" || name == own);
        for criteria in [keys, others].into_iter().filter(|criteria| !criteria.is_empty()) {
            let found = if kind.is_document() {
                find_document(self.registry, &self.change.configuration(), kind, &criteria)
            } else {
                self.row(kind, &criteria).await?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The row that meets every criterion: found by one of them that it is stored under, else among all.
    pub(crate) async fn row(&mut self, kind: &Kind, criteria: &[(String, Value)]) -> Result<Option<Object>, ApiError> {
        let (registry, configuration) = (self.registry, self.change.configuration());
        let fits = |object: &Object| {
            criteria.iter().all(|(name, value)| meets(registry, &configuration, kind, object, name, value))
        };
        for (name, value) in criteria {
            let name = field_name(kind, name);
            let Some(rows) = load_where(self.change.transaction(), kind, name, value, ROWS).await? else { continue };
            let few = rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
            let found = rows.into_iter().find(&fits);
            if few || found.is_some() {
                return Ok(found);
            }
        }
        let mut last: Option<Value> = None;
        loop {
            let rows = load_next(self.change.transaction(), kind, last.as_ref(), ROWS).await?;
            let Some(next) = rows.last().and_then(|row| row.get("pk")).cloned() else { return Ok(None) };
            if let Some(found) = rows.into_iter().find(&fits) {
                return Ok(Some(found));
            }
            last = Some(next);
        }
    }
}
