//! Objects of a table: rows to objects and back.

use chrono::DateTime;
use serde_json::{Value, json};
use vestibule_kernel::fold::fold;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_store::{Configuration, Database, Param, Row, StoreError, Transaction};

use crate::decode::{format_time, parse_uuid};
use crate::field::{Field, OnDelete, Shape, has_integer_keys};
use crate::kind::{Kind, Storage};
use crate::object_permission::ObjectKey;
use crate::registry::Registry;

/// Whether a field has a column: computed ones have none, and lists of keys live in tables of their own.
pub(crate) fn is_column(field: &Field) -> bool {
    field.is_stored() && !matches!(field.reference(), Some((_, _, true)))
}

/// A stored value as a parameter for its field's column.
pub(crate) fn param(field: &Field, value: &Value) -> Param {
    let text = || value.as_str().map(str::to_owned);
    match &field.shape {
        Shape::Boolean => Param::Bool(value.as_bool()),
        Shape::Integer { .. } => Param::Int(value.as_i64()),
        Shape::Float => Param::Float(value.as_f64()),
        Shape::Time => Param::Time(
            value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc()),
        ),
        Shape::Reference(..) if value.is_i64() => Param::Int(value.as_i64()),
        Shape::Reference(model, _) if has_integer_keys(model) => Param::Int(value.as_i64()),
        Shape::Uuid | Shape::Reference(..) => Param::Uuid(value.as_str().and_then(parse_uuid)),
        Shape::Text { .. } | Shape::Choice(_) => Param::Text(text()),
        Shape::List(_) | Shape::Json | Shape::Map | Shape::Object(..) | Shape::Schema(_) | Shape::Binary => {
            Param::Text(Some(value.to_string()))
        }
    }
}

/// A key as a parameter.
pub(crate) fn key_param(key: &Value, serial: bool) -> Option<Param> {
    if serial {
        let number = key.as_i64().or_else(|| key.as_str()?.parse().ok())?;
        return Some(number.into());
    }
    parse_uuid(key.as_str()?).map(Param::from)
}

fn value(field: &Field, row: &Row) -> Result<Value, StoreError> {
    let column = field.column;
    Ok(match &field.shape {
        Shape::Boolean => row.optional_bool(column)?.into(),
        Shape::Integer { .. } => row.optional_int(column)?.into(),
        Shape::Float => row.optional_float(column)?.into(),
        Shape::Uuid => row.optional_uuid(column)?.map(|uuid| uuid.to_string()).into(),
        Shape::Time => row.optional_time(column)?.map(format_time).into(),
        Shape::Reference(model, _) if has_integer_keys(model) => row.optional_int(column)?.into(),
        Shape::Reference(..) => row.optional_uuid(column)?.map(|uuid| uuid.to_string()).into(),
        Shape::Text { .. } | Shape::Choice(_) => row.optional_text(column)?.into(),
        _ => row.json(column)?,
    })
}

/// A row as an object.
pub(crate) fn object(kind: &Kind, row: &Row) -> Result<Object, StoreError> {
    let columns = kind.fields.iter().filter(|field| is_column(field));
    columns.map(|field| Ok((field.name.to_owned(), value(field, row)?))).collect()
}

/// The columns of a kind's fields, as SQL lists them.
pub(crate) fn columns(kind: &Kind) -> String {
    let columns: Vec<_> = kind.fields.iter().filter(|field| is_column(field)).map(|field| field.column).collect();
    columns.join(", ")
}

fn select_sql(kind: &Kind, tail: &str) -> Result<String, ApiError> {
    let Storage::Table { name, .. } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    Ok(format!("SELECT {} FROM {name}{tail}", columns(kind)))
}

/// Rows of a kind's table as objects. `tail` begins with a blank: ` WHERE ... ORDER BY ...`.
pub async fn select(database: &Database, kind: &Kind, tail: &str, params: Vec<Param>) -> Result<Vec<Object>, ApiError> {
    let rows = database.query(select_sql(kind, tail)?, params).await?;
    Ok(rows.iter().map(|row| object(kind, row)).collect::<Result<_, _>>()?)
}

/// The same for what may look at the whole table: a page of a list.
pub(crate) async fn scan(
    database: &Database,
    kind: &Kind,
    tail: &str,
    params: Vec<Param>,
) -> Result<Vec<Object>, ApiError> {
    let rows = database.scan(select_sql(kind, tail)?, params).await?;
    Ok(rows.iter().map(|row| object(kind, row)).collect::<Result<_, _>>()?)
}

/// An object of a kind by its key, wherever it is kept.
pub async fn find(
    database: &Database,
    configuration: &Configuration,
    kind: &Kind,
    key: ObjectKey,
) -> Result<Option<Object>, ApiError> {
    match (kind.spec.storage, key) {
        (Storage::Documents, ObjectKey::Uuid(pk)) => {
            Ok(configuration.document(kind.model(), pk).map(|document| document.value.clone()))
        }
        (Storage::Table { key: column, serial, .. }, key) if serial == matches!(key, ObjectKey::Id(_)) => {
            let found = select(database, kind, &format!(" WHERE {column} = $1"), vec![key.param()]).await?;
            Ok(found.into_iter().next())
        }
        _ => Ok(None),
    }
}

/// One row by a field of it, inside a transaction.
pub async fn load_one(
    transaction: &mut Transaction,
    kind: &Kind,
    field: &str,
    key: &Value,
) -> Result<Option<Object>, ApiError> {
    let Some(field) = kind.field(field) else { return Ok(None) };
    let sql = select_sql(kind, &format!(" WHERE {} = $1", field.column))?;
    let row = transaction.query_one(sql, vec![param(field, key)]).await?;
    Ok(row.map(|row| object(kind, &row)).transpose()?)
}

/// Rows by a field of them, inside a transaction, by their keys; at most so many. `None`: the field has no column whose
/// value this could be.
pub async fn load_where(
    transaction: &mut Transaction,
    kind: &Kind,
    field: &str,
    value: &Value,
    limit: u32,
) -> Result<Option<Vec<Object>>, ApiError> {
    let Some(field) = kind.field(field).filter(|field| is_column(field)) else { return Ok(None) };
    let value = match (&field.shape, value) {
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => return Ok(None),
        (Shape::Text { .. }, Value::Number(number)) => Value::String(number.to_string()),
        (_, value) => value.clone(),
    };
    let Storage::Table { key, .. } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    let sql = select_sql(kind, &format!(" WHERE {} = $1 ORDER BY {key} LIMIT {limit}", field.column))?;
    let rows = transaction.query(sql, vec![param(field, &value)]).await?;
    Ok(Some(rows.iter().map(|row| object(kind, row)).collect::<Result<_, _>>()?))
}

/// The next rows of a table, inside a transaction, by their keys: those behind `after`.
pub async fn load_next(
    transaction: &mut Transaction,
    kind: &Kind,
    after: Option<&Value>,
    limit: u32,
) -> Result<Vec<Object>, ApiError> {
    let Storage::Table { key, serial, .. } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    let params: Vec<Param> = after.and_then(|after| key_param(after, serial)).into_iter().collect();
    let condition = if params.is_empty() { String::new() } else { format!(" WHERE {key} > $1") };
    let sql = select_sql(kind, &format!("{condition} ORDER BY {key} LIMIT {limit}"))?;
    let rows = transaction.query(sql, params).await?;
    Ok(rows.iter().map(|row| object(kind, row)).collect::<Result<_, _>>()?)
}

fn columns_of(field: &Field, value: &Value) -> Vec<(String, Param)> {
    let mut columns = vec![(field.column.to_owned(), param(field, value))];
    if field.folded {
        columns.push((format!("{}_folded", field.column), Param::Text(value.as_str().map(fold))));
    }
    columns
}

/// The error of a write that somebody else's write came before: a value that must be unique is taken by now.
fn taken(kind: &Kind, error: StoreError) -> ApiError {
    let violates = |constraint: &str, column: &str| {
        constraint.ends_with(&format!("_{column}_key")) || constraint.ends_with(&format!(".{column}"))
    };
    let field = error.unique_violation().and_then(|constraint| {
        kind.fields.iter().find_map(|field| violates(constraint, field.column).then_some((field.name, field.unique?)))
    });
    match field {
        Some((name, message)) => FieldErrors::one(name, message).into(),
        None => error.into(),
    }
}

/// Inserts an object; a key that the database makes is put into it.
pub(crate) async fn insert(transaction: &mut Transaction, kind: &Kind, object: &mut Object) -> Result<(), ApiError> {
    let Storage::Table { name, key, serial } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    let mut columns = Vec::new();
    for field in kind.fields.iter().filter(|field| is_column(field) && !(serial && field.column == key)) {
        columns.extend(columns_of(field, object.get(field.name).unwrap_or(&Value::Null)));
    }
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let (names, params): (Vec<String>, Vec<Param>) = columns.into_iter().unzip();
    let sql = format!("INSERT INTO {name} ({}) VALUES ({}) RETURNING {key}", names.join(", "), places.join(", "));
    let row = transaction.query_one(sql, params).await.map_err(|error| taken(kind, error))?;
    if let (true, Some(row)) = (serial, row) {
        object.insert("pk".into(), json!(row.int(key)?));
    }
    Ok(())
}

/// Writes the fields that differ.
pub(crate) async fn update(
    transaction: &mut Transaction,
    kind: &Kind,
    before: &Object,
    after: &Object,
) -> Result<(), ApiError> {
    let Storage::Table { name, key, serial } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    let mut columns = Vec::new();
    for field in kind.fields.iter().filter(|field| is_column(field) && before.get(field.name) != after.get(field.name))
    {
        columns.extend(columns_of(field, after.get(field.name).unwrap_or(&Value::Null)));
    }
    let Some(key_value) = key_param(after.get("pk").unwrap_or(&Value::Null), serial) else { return Ok(()) };
    if columns.is_empty() {
        return Ok(());
    }
    let (names, mut params): (Vec<String>, Vec<Param>) = columns.into_iter().unzip();
    let sets: Vec<String> = names.iter().zip(1..).map(|(name, number)| format!("{name} = ${number}")).collect();
    let sql = format!("UPDATE {name} SET {} WHERE {key} = ${}", sets.join(", "), params.len() + 1);
    params.push(key_value);
    transaction.execute(sql, params).await.map_err(|error| taken(kind, error))?;
    Ok(())
}

/// Deletes an object's row; rows that hang on it go with it.
pub(crate) async fn delete(transaction: &mut Transaction, kind: &Kind, object: &Object) -> Result<(), ApiError> {
    let Storage::Table { name, key, serial } = kind.spec.storage else { return Err(ApiError::internal("not a table")) };
    let name = kind.spec.base.unwrap_or(name);
    if let Some(param) = key_param(object.get("pk").unwrap_or(&Value::Null), serial) {
        transaction.execute(format!("DELETE FROM {name} WHERE {key} = $1"), vec![param]).await?;
    }
    Ok(())
}

/// Does with the rows that refer to a document what their fields declare, before it is deleted.
pub(crate) async fn release(
    transaction: &mut Transaction,
    registry: &Registry,
    kind: &Kind,
    object: &Object,
) -> Result<(), ApiError> {
    for other in registry.kinds() {
        let Storage::Table { name, .. } = other.spec.storage else { continue };
        for field in other.fields.iter().filter(|field| is_column(field)) {
            let Some((model, on_delete, _)) = field.reference() else { continue };
            let Some(own) = kind.key_field(model).and_then(|key| object.get(key)) else { continue };
            let sql = match on_delete {
                OnDelete::SetNull | OnDelete::SetDefault => {
                    format!("UPDATE {name} SET {0} = NULL WHERE {0} = $1", field.column)
                }
                OnDelete::Cascade | OnDelete::Protect => format!("DELETE FROM {name} WHERE {} = $1", field.column),
            };
            transaction.execute(sql, vec![param(field, own)]).await?;
        }
    }
    Ok(())
}
