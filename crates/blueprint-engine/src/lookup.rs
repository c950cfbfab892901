//! What the tags of a blueprint ask: objects of the configuration, which is at hand, and rows of tables, which are
//! fetched between two tries, since tags cannot wait.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use vestibule_blueprints::Lookup;
use vestibule_kernel::Object;
use vestibule_kernel::fold::fold;
use vestibule_resource::{Field, Kind, Principal, Registry, Represent, Shape, Verb};
use vestibule_store::Configuration;

use crate::identify::criterion;
use crate::library::{Library, Origin};

/// What was asked of a table.
pub(crate) type Asked = (String, Vec<(String, Value)>);

/// The world as tags see it at one moment of a change.
pub(crate) struct World<'a> {
    pub registry: &'a Registry,
    pub configuration: &'a Configuration,
    /// Answers of tables so far.
    pub known: &'a [(Asked, Option<Object>)],
    /// The first question that no table was asked yet.
    pub wanted: Mutex<Option<Asked>>,
    /// Who asks: what they may not view is not found for them.
    pub principal: &'a Principal,
    pub library: &'a Library,
    pub origin: &'a Origin,
}

impl World<'_> {
    /// The object that meets every criterion.
    fn object(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Object>, String> {
        let model = model.to_ascii_lowercase();
        let members = self.registry.members(&model);
        if members.is_empty() {
            return Err(format!("there is no model {model}"));
        }
        'kinds: for kind in members {
            let permission = kind.permission(Verb::View);
            if !self.principal.may(&permission) {
                return Err(format!("you may not view {} ({permission})", kind.model()));
            }
            for (name, _) in criteria {
                match criterion(self.registry, self.principal, kind, name) {
                    // Of several kinds one may lack what another has.
                    Err(message) if self.registry.kind(&model).is_some() => return Err(message),
                    Err(_) => continue 'kinds,
                    Ok(()) => {}
                }
            }
            let found = if kind.is_document() {
                find_document(self.registry, self.configuration, kind, criteria)
            } else {
                self.row(kind, criteria)?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn row(&self, kind: &Kind, criteria: &[(String, Value)]) -> Result<Option<Object>, String> {
        let asked = (kind.model().to_owned(), criteria.to_vec());
        if let Some((_, row)) = self.known.iter().find(|(known, _)| *known == asked) {
            return Ok(row.clone());
        }
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(asked);
        Err("not asked yet".into())
    }
}

impl Lookup for World<'_> {
    fn find(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        Ok(self.object(model, criteria)?.and_then(|object| object.get("pk").cloned()))
    }

    fn find_object(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        let Some(object) = self.object(model, criteria)? else { return Ok(None) };
        let kind = self.registry.members(&model.to_ascii_lowercase()).into_iter().find(|kind| {
            !kind.is_document()
                || pk_of(kind, &object).is_some_and(|pk| self.configuration.document(kind.model(), pk).is_some())
        });
        let Some(kind) = kind else { return Ok(None) };
        let (configuration, registry) = (self.configuration, self.registry);
        // Whoever looks sees no more than the API shows them.
        let principal = Some(self.principal);
        Ok(Some(Represent { configuration, registry, kind, principal, origin: "", written: &[] }.object(&object)))
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.library.variable(self.origin, name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.origin.file(path)
    }
}

fn pk_of(kind: &Kind, object: &Object) -> Option<uuid::Uuid> {
    object.get(kind.document_key())?.as_str()?.parse().ok()
}

/// The document of a kind that meets every criterion.
pub(crate) fn find_document(
    registry: &Registry,
    configuration: &Configuration,
    kind: &Kind,
    criteria: &[(String, Value)],
) -> Option<Object> {
    let fits = |object: &Object| {
        criteria.iter().all(|(field, wanted)| meets(registry, configuration, kind, object, field, wanted))
    };
    configuration.documents(kind.model()).find(|document| fits(&document.value)).map(|document| document.value.clone())
}

/// The field that a criterion means: authentik's names for keys are `pk` here.
pub(crate) fn field_name<'a>(kind: &Kind, name: &'a str) -> &'a str {
    let key = name == "id" || name.ends_with("_uuid") || name == "uuid" || name.ends_with("_ptr");
    if key && kind.field(name).is_none() { "pk" } else { name }
}

/// Whether an object meets `field` or `reference__field`, compared exactly or as `iexact`, `icontains` or `in` say.
pub(crate) fn meets(
    registry: &Registry,
    configuration: &Configuration,
    kind: &Kind,
    object: &Object,
    criterion: &str,
    wanted: &Value,
) -> bool {
    let Some((head, tail)) = criterion.split_once("__") else {
        let name = field_name(kind, criterion);
        let value = object.get(name).unwrap_or(&Value::Null);
        // What is found by its own key may be known here by another.
        let known = || {
            let (model, ..) = kind.field(name)?.reference()?;
            registry.canonical_key(configuration, model, wanted)
        };
        return same(value, wanted) || known().is_some_and(|known| *value == known);
    };
    let value = object.get(field_name(kind, head)).unwrap_or(&Value::Null);
    if is_lookup(tail) {
        return compares(value, tail, wanted);
    }
    match kind.field(head).filter(|field| is_json(field)) {
        Some(_) => inside(value, tail, wanted),
        None => referred(registry, configuration, kind.field(head), value)
            .is_some_and(|(kind, object)| meets(registry, configuration, kind, &object, tail, wanted)),
    }
}

/// Whether one asks for what lies inside of a field's value.
pub(crate) fn is_json(field: &Field) -> bool {
    matches!(field.shape, Shape::Json | Shape::Map)
}

/// The same of what a path, `a__b__0`, leads to inside of a value; its end may say how to compare.
fn inside(value: &Value, path: &str, wanted: &Value) -> bool {
    if is_lookup(path) {
        return compares(value, path, wanted);
    }
    let (head, tail) = path.split_once("__").map_or((path, None), |(head, tail)| (head, Some(tail)));
    let inner = match value {
        Value::Object(object) => object.get(head),
        Value::Array(items) => head.parse::<usize>().ok().and_then(|place| items.get(place)),
        _ => None,
    };
    match (inner, tail) {
        (Some(inner), Some(tail)) => inside(inner, tail, wanted),
        (Some(inner), None) => inner == wanted,
        (None, tail) => tail == Some("isnull") && wanted == &Value::Bool(true),
    }
}

fn compares(value: &Value, lookup: &str, wanted: &Value) -> bool {
    let folded = |value: &Value| value.as_str().map(fold);
    match lookup {
        "exact" => same(value, wanted),
        "contains" if !value.is_string() => contains(value, wanted),
        "contains" => part(value, wanted).is_some_and(|(text, part)| text.contains(part)),
        "startswith" => part(value, wanted).is_some_and(|(text, part)| text.starts_with(part)),
        "endswith" => part(value, wanted).is_some_and(|(text, part)| text.ends_with(part)),
        "iexact" => folded(value) == folded(wanted),
        "icontains" => match (folded(value), folded(wanted)) {
            (Some(text), Some(part)) => text.contains(&part),
            _ => false,
        },
        "in" => wanted.as_array().is_some_and(|values| values.iter().any(|one| same(value, one))),
        "isnull" => value.is_null() == wanted.as_bool().unwrap_or(true),
        _ => false,
    }
}

/// Whether the end of a criterion says how to compare.
pub(crate) fn is_lookup(tail: &str) -> bool {
    matches!(tail, "exact" | "iexact" | "contains" | "icontains" | "startswith" | "endswith" | "in" | "isnull")
}

fn part<'v>(value: &'v Value, wanted: &'v Value) -> Option<(&'v str, &'v str)> {
    Some((value.as_str()?, wanted.as_str()?))
}

/// Whether a value has all of another in it: a mapping its keys, a list its items, in any order.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| contains(value, wanted)))
        }
        (Value::Array(value), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| value.iter().any(|value| contains(value, wanted)))
        }
        (value, wanted) => value == wanted,
    }
}

/// The document that a reference leads to.
fn referred<'a>(
    registry: &'a Registry,
    configuration: &Configuration,
    field: Option<&Field>,
    key: &Value,
) -> Option<(&'a Kind, Object)> {
    let (model, ..) = field?.reference()?;
    let (kind, document) = registry.document(configuration, model, key)?;
    Some((kind.as_ref(), document.value.clone()))
}

/// Equal; keys are equal however their UUID is written.
pub(crate) fn same(value: &Value, wanted: &Value) -> bool {
    if value == wanted {
        return true;
    }
    let uuid = |value: &Value| value.as_str().and_then(|text| text.parse::<uuid::Uuid>().ok());
    match (value, wanted) {
        (Value::String(_), Value::String(_)) => uuid(value).is_some() && uuid(value) == uuid(wanted),
        (Value::Object(_), Value::Object(_)) => contains(value, wanted),
        (value, Value::Array(any)) if !value.is_array() => any.contains(value),
        (value, wanted) => *wanted == json!(value.to_string()),
    }
}
