//! Who refers to an object.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Configuration, Database};

use crate::access::Principal;
use crate::field::OnDelete;
use crate::kind::Kind;
use crate::object_permission::{ObjectKey, Scope};
use crate::registry::Registry;
use crate::table;

/// A document that refers to an object.
pub(crate) struct Referrer {
    pub model: &'static str,
    pub pk: Uuid,
    pub field: &'static str,
    pub on_delete: OnDelete,
    pub many: bool,
}

/// Every document that refers to an object, by each of its fields.
pub(crate) fn referrers(
    configuration: &Configuration,
    registry: &Registry,
    kind: &Kind,
    object: &Object,
) -> Vec<Referrer> {
    let mut found = Vec::new();
    for other in registry.kinds().iter().filter(|other| other.is_document()) {
        for field in other.fields.iter().filter(|field| field.is_stored()) {
            let Some((model, on_delete, many)) = field.reference() else { continue };
            let own = kind.key_field(model).and_then(|name| object.get(name));
            let Some(own) = own.filter(|key| !key.is_null()) else { continue };
            let refers = |value: &Value| match value {
                Value::Array(keys) => keys.contains(own),
                key => key == own,
            };
            let documents = configuration.documents(other.model());
            found.extend(documents.filter(|document| document.value.get(field.name).is_some_and(refers)).map(
                |document| Referrer { model: other.model(), pk: document.pk, field: field.name, on_delete, many },
            ));
        }
    }
    found
}

/// The answer of `used_by`: who refers to the object and what its deletion would do to them.
pub(crate) fn used_by(configuration: &Configuration, registry: &Registry, kind: &Kind, object: &Object) -> Vec<Value> {
    let mut answer: Vec<Value> = Vec::new();
    let mut found = referrers(configuration, registry, kind, object);
    let order = |referrer: &Referrer| {
        let document = configuration.document(referrer.model, referrer.pk)?;
        document.value.get("order").and_then(Value::as_i64)
    };
    found.sort_by_key(|referrer| (referrer.model, order(referrer)));
    for referrer in found {
        let Some(other) = registry.kind(referrer.model) else { continue };
        let Some(document) = configuration.document(referrer.model, referrer.pk) else { continue };
        // What belongs to one object alone does not use it, it is a part of it.
        if other.field(referrer.field).is_some_and(|field| field.unique.is_some()) {
            continue;
        }
        let action = match (referrer.many, referrer.on_delete) {
            (true, _) => "cascade_many",
            (false, OnDelete::Cascade) => "cascade",
            (false, OnDelete::SetNull) => "set_null",
            (false, OnDelete::SetDefault) => "set_default",
            (false, OnDelete::Protect) => "left_dangling",
        };
        let key = ObjectKey::of(&document.value).map(ObjectKey::text).unwrap_or_default();
        answer.push(entry(other.model(), &key, &other.describe(&document.value), action));
        // What is bound to it is used by it, and the other way round.
        let far = match other.spec.through {
            Some((one, far)) if one == referrer.field => Some(far),
            Some((far, one)) if one == referrer.field => Some(far),
            _ => None,
        };
        if let Some(value) = far.and_then(|far| document.value.get(far))
            && let Some((model, ..)) = far.and_then(|far| other.field(far)?.reference())
        {
            answer.extend(tied(configuration, registry, model, value));
        }
    }
    // A list of keys ties both ends.
    for field in &kind.fields {
        if let (Some((model, _, true)), Some(Value::Array(keys))) = (field.reference(), object.get(field.name)) {
            answer.extend(keys.iter().filter_map(|key| tied(configuration, registry, model, key)));
        }
    }
    let mut seen = Vec::new();
    answer.retain(|entry| {
        !seen.contains(entry) && {
            seen.push(entry.clone());
            true
        }
    });
    answer.sort_by_key(|entry| (entry["app"].to_string(), entry["model_name"].to_string()));
    answer
}

fn entry(model: &str, pk: &str, name: &str, action: &str) -> Value {
    let (app, model_name) = model.split_once('.').unwrap_or_default();
    json!({"app": app, "model_name": model_name, "pk": pk, "name": name, "action": action})
}

/// An object at the far end of a tie, under the model that the tie names (a family, often).
fn tied(configuration: &Configuration, registry: &Registry, model: &str, key: &Value) -> Option<Value> {
    let (kind, document) = registry.document(configuration, model, key)?;
    let name = match registry.family(model) {
        Some(family) => (family.describe)(&document.value),
        None => kind.describe(&document.value),
    };
    Some(entry(model, &ObjectKey::of(&document.value)?.text(), &name, "cascade_many"))
}

/// The rows of tables that refer to an object and would go with it.
pub(crate) async fn rows(
    database: &Database,
    registry: &Registry,
    kind: &Kind,
    object: &Object,
) -> Result<Vec<Value>, ApiError> {
    let mut answer = Vec::new();
    for other in registry.kinds().iter().filter(|other| !other.is_document()) {
        for field in other.fields.iter().filter(|field| table::is_column(field)) {
            let Some((model, on_delete, _)) = field.reference() else { continue };
            let Some(own) = kind.key_field(model).and_then(|name| object.get(name)) else { continue };
            let action = match on_delete {
                OnDelete::Cascade => "cascade",
                OnDelete::SetDefault => "set_default",
                OnDelete::SetNull | OnDelete::Protect => "set_null",
            };
            let tail = format!(" WHERE {} = $1", field.column);
            for row in table::select(database, other, &tail, vec![table::param(field, own)]).await? {
                let pk = ObjectKey::of(&row).map(ObjectKey::text).unwrap_or_default();
                answer.push(entry(other.model(), &pk, &other.describe(&row), action));
            }
        }
    }
    Ok(answer)
}

/// Of an answer, what a principal may see: one statement a model that they may not see all of.
pub(crate) async fn visible(
    database: &Database,
    principal: &Principal,
    answer: Vec<Value>,
) -> Result<Vec<Value>, ApiError> {
    let mut scopes: BTreeMap<String, Scope> = BTreeMap::new();
    let mut shown = Vec::new();
    for entry in answer {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let permission = format!("{}.view_{}", text("app"), text("model_name"));
        if !scopes.contains_key(&permission) {
            let scope = Scope::of(database, principal, &permission, None).await?;
            scopes.insert(permission.clone(), scope);
        }
        if scopes.get(&permission).is_some_and(|scope| scope.includes(ObjectKey::parse(text("pk")))) {
            shown.push(entry);
        }
    }
    Ok(shown)
}
