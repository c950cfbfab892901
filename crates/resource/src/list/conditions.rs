//! What a query's filters ask for, read and checked.

use serde_json::{Value, json};
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_store::{Configuration, Document, Param, Store};

use crate::among;
use crate::decode;
use crate::field::{Field, Shape, has_integer_keys};
use crate::filter::{Filter, Lookup};
use crate::http::Query;
use crate::kind::Storage;
use crate::registry::Registry;
use crate::table;

/// Said of a key that names nothing.
const NO_CHOICE: &str = "Select a valid choice. That choice is not one of the available choices.";

/// A condition, read from the query.
pub(crate) struct Condition<'a> {
    pub field: &'a Field,
    pub lookup: Lookup,
    pub value: Value,
    pub sql: Option<(String, Vec<Param>)>,
}

/// Reads the filters of a query. Values that make no sense are an error, except booleans, which are ignored.
pub(crate) async fn conditions<'a>(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    fields: &'a [Field],
    filters: &[Filter],
    query: &Query,
) -> Result<Vec<Condition<'a>>, ApiError> {
    let mut conditions = Vec::new();
    let mut errors = FieldErrors::new();
    for filter in filters {
        let Some(text) = query.get(filter.name).filter(|text| !text.is_empty()) else { continue };
        let Some(field) = fields.iter().find(|field| field.name == filter.field).or_else(|| fields.first()) else {
            continue;
        };
        if text.contains('\0') {
            errors.add(filter.name, "Null characters are not allowed.");
            continue;
        }
        let shape = filter.shape.as_ref().unwrap_or(&field.shape);
        let (is_list, all) = (matches!(shape, Shape::List(_)), query.all(filter.name).join(","));
        among::check(store.database(), filter, &all, &mut errors).await?;
        match &filter.lookup {
            Lookup::Ignored => {}
            Lookup::Sql(_) | Lookup::SqlOf(_) => {
                let made = match filter.lookup {
                    Lookup::Sql(condition) => condition(&all)?,
                    Lookup::SqlOf(condition) => condition(query)?,
                    _ => None,
                };
                if let Some((sql, params)) = made {
                    let sql = (store.database().speak(&sql), params);
                    conditions.push(Condition {
                        field,
                        lookup: filter.lookup.clone(),
                        value: Value::Null,
                        sql: Some(sql),
                    });
                }
            }
            Lookup::Named { table, column } => {
                let sql = format!("SELECT pk FROM {table} WHERE {column} = $1");
                let rows = store.database().query(sql, vec![text.into()]).await?;
                let keys = rows.iter().map(|row| Ok(row.uuid("pk")?.to_string().into()));
                let keys: Vec<Value> = keys.collect::<Result<_, vestibule_store::StoreError>>()?;
                conditions.push(Condition { field, lookup: filter.lookup.clone(), value: keys.into(), sql: None });
            }
            Lookup::OfDocument(name) => {
                let is_it = |document: &Document| document.value.get(*name).and_then(Value::as_str) == Some(text);
                let sql = among_documents(configuration, field, is_it);
                conditions.push(Condition { field, lookup: filter.lookup.clone(), value: Value::Null, sql: Some(sql) });
            }
            Lookup::IsNull => {
                if let Some(value) = decode::decode_boolean(&json!(text)) {
                    conditions.push(Condition { field, lookup: Lookup::IsNull, value: value.into(), sql: None });
                }
            }
            // A filter of several values may be given more than once.
            lookup => match filter_value(shape, if is_list { &all } else { text }) {
                Ok(None) => {}
                Ok(Some(mut value)) => {
                    if let Shape::Reference(model, _) = shape
                        && let Some(known) = registry.canonical_key(configuration, model, &value)
                    {
                        value = known;
                    }
                    if let Shape::Reference(model, _) = shape
                        && !exists(store, registry, configuration, model, &value).await?
                    {
                        errors.add(filter.name, NO_CHOICE);
                        continue;
                    }
                    if let (Some(model), Value::Array(keys)) = (many(shape), &value)
                        && let Some(key) = missing(store, registry, configuration, model, keys).await?
                    {
                        errors.add(filter.name, no_choice(&decode::python(key)));
                        continue;
                    }
                    if let (Lookup::Values, Some(unknown)) = (lookup, unknown(configuration, field.name, &value)) {
                        errors.add(filter.name, no_choice(unknown));
                        continue;
                    }
                    conditions.push(Condition { field, lookup: lookup.clone(), value, sql: None });
                }
                // (Of what refers to something, the message is another.)
                Err(_) if filter.shape.is_none() && matches!(field.shape, Shape::Uuid) => {
                    errors.add(filter.name, "Enter a valid UUID.");
                }
                Err(message) => errors.add(filter.name, message),
            },
        }
    }
    errors.into_result()?;
    Ok(conditions)
}

/// A table's condition: its column holds the key of one of these documents of the model that its field refers to.
pub(super) fn among_documents(
    configuration: &Configuration,
    field: &Field,
    wanted: impl Fn(&Document) -> bool,
) -> (String, Vec<Param>) {
    let documents = field.reference().into_iter().flat_map(|(model, ..)| configuration.documents(model));
    let keys: Vec<Param> = documents.filter(|one| wanted(one)).map(|one| one.pk.into()).collect();
    match keys.len() {
        0 => ("1 = 0".to_owned(), keys),
        amount => (format!("{} IN ({})", field.column, vec!["$?"; amount].join(", ")), keys),
    }
}

/// Said of one of several values that names nothing.
fn no_choice(text: &str) -> String {
    format!("Select a valid choice. {text} is not one of the available choices.")
}

/// The model whose keys a list holds.
fn many(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::List(item) => match **item {
            Shape::Reference(model, _) => Some(model),
            _ => None,
        },
        _ => None,
    }
}

/// The first of some keys that names nothing.
async fn missing<'v>(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    model: &str,
    keys: &'v [Value],
) -> Result<Option<&'v Value>, ApiError> {
    for key in keys {
        if !exists(store, registry, configuration, model, key).await? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The first of some values that no document has in a field.
fn unknown<'v>(configuration: &Configuration, field: &str, wanted: &'v Value) -> Option<&'v str> {
    let has = |value: &&Value| configuration.all_documents().any(|document| document.value.get(field) == Some(value));
    wanted.as_array()?.iter().find(|value| !has(value))?.as_str()
}

/// Whether the object that a key names exists.
pub async fn exists(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    model: &str,
    key: &Value,
) -> Result<bool, ApiError> {
    for kind in registry.members(model) {
        let found = match (kind.spec.storage, key) {
            (Storage::Documents, key) => registry.document(configuration, model, key).is_some(),
            (Storage::Table { name, key: column, serial }, key) => match table::key_param(key, serial) {
                Some(param) => {
                    let sql = format!("SELECT {column} FROM {name} WHERE {column} = $1");
                    store.database().query_one(sql, vec![param]).await?.is_some()
                }
                None => false,
            },
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A filter's value in the stored form of its field; `None`: it is to be ignored.
pub(crate) fn filter_value(shape: &Shape, text: &str) -> Result<Option<Value>, String> {
    let value = json!(text);
    Ok(match shape {
        Shape::Boolean => decode::decode_boolean(&value).map(Value::Bool),
        Shape::Choice(choices) if choices.values.iter().any(|(one, _)| *one == text) => Some(value),
        Shape::Choice(_) => return Err(no_choice(text)),
        Shape::Reference(model, _) if has_integer_keys(model) => match text.trim().parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => return Err(NO_CHOICE.into()),
        },
        Shape::Uuid | Shape::Reference(..) => match decode::parse_uuid(text) {
            Some(uuid) => Some(uuid.to_string().into()),
            None => return Err(format!("“{text}” is not a valid UUID.")),
        },
        Shape::Integer { .. } | Shape::Float => match (text.trim().parse::<i64>(), text.trim().parse::<f64>()) {
            (Ok(number), _) => Some(json!(number)),
            (_, Ok(number)) if number.is_finite() => Some(json!(number)),
            _ => return Err("Enter a number.".into()),
        },
        Shape::Time => match decode::parse_time(text) {
            Some(time) => Some(decode::format_time(time).into()),
            None => return Err("Enter a valid date/time.".into()),
        },
        Shape::List(item) => {
            let is_number = matches!(**item, Shape::Reference(model, _) if has_integer_keys(model));
            let wrong =
                |one: &str, message| if is_number { format!("“{one}” is not a valid value.") } else { message };
            let read = |one| filter_value(item, one).map_err(|message| wrong(one, message));
            let items: Result<Vec<_>, _> = text.split(',').map(read).collect();
            Some(Value::Array(items?.into_iter().flatten().collect()))
        }
        _ => Some(value),
    })
}
