//! Reads a request's body field by field and collects everything that is wrong with it.

mod number;
mod text;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{FieldErrors, Object};

use crate::field::{Choices, Field, Shape, has_integer_keys};

use number::{decode_float, decode_integer};
use text::decode_text;

/// What is wrong with a value.
pub(crate) enum Wrong {
    /// One message.
    Message(String),
    /// Messages by item.
    Items(FieldErrors),
    /// What is wrong with each of several objects, empty where nothing is.
    Objects(Vec<Value>),
}

impl From<&str> for Wrong {
    fn from(text: &str) -> Self {
        Self::Message(text.to_owned())
    }
}
impl From<String> for Wrong {
    fn from(text: String) -> Self {
        Self::Message(text)
    }
}

/// The given fields in their stored form. `partial`: required fields may be absent. References are checked later, by
/// whoever can look them up; here they are UUIDs or integers.
pub(crate) fn decode(fields: &[Field], body: &Object, partial: bool, errors: &mut FieldErrors) -> Object {
    let mut given = Object::new();
    for field in fields.iter().filter(|field| field.is_writable()) {
        let Some(value) = body.get(field.name) else {
            if field.required && !partial {
                errors.add(field.name, "This field is required.");
            }
            continue;
        };
        match decode_field(field, value) {
            Ok(value) => {
                given.insert(field.name.to_owned(), value);
            }
            Err(Wrong::Message(message)) => errors.add(field.name, message),
            Err(Wrong::Items(items)) => errors.add_nested(field.name, items),
            Err(Wrong::Objects(items)) => errors.insert(field.name, items.into()),
        }
    }
    given
}

fn decode_field(field: &Field, value: &Value) -> Result<Value, Wrong> {
    let blank_reference = matches!(field.shape, Shape::Reference(..)) && value.as_str() == Some("");
    if value.is_null() || blank_reference {
        return if field.nullable { Ok(Value::Null) } else { Err("This field may not be null.".into()) };
    }
    let decoded = decode_shape(&field.shape, value)?;
    if holds_null(&decoded) {
        return Err("Null characters are not allowed.".into());
    }
    if let (Shape::List(item), Some([])) = (&field.shape, decoded.as_array().map(Vec::as_slice))
        && field.required
        && !field.empty
        && !matches!(**item, Shape::Object(..))
    {
        return Err("This list may not be empty.".into());
    }
    Ok(decoded)
}

/// Whether a character is in it, however deep, that PostgreSQL cannot keep.
fn holds_null(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(object) => object.iter().any(|(name, value)| name.contains('\0') || holds_null(value)),
        _ => false,
    }
}

/// A value of a shape, in its stored form.
pub(crate) fn decode_shape(shape: &Shape, value: &Value) -> Result<Value, Wrong> {
    match shape {
        Shape::Text { min, max, blank, trim, format } => decode_text(value, *min, *max, *blank, *trim, *format),
        Shape::Boolean => decode_boolean(value).map(Value::Bool).ok_or_else(|| "Must be a valid boolean.".into()),
        Shape::Integer { min, max } => decode_integer(value, *min, *max),
        Shape::Float => decode_float(value),
        Shape::Uuid => decode_uuid(value),
        Shape::Time => decode_time(value),
        Shape::Choice(choices) => decode_choice(choices, value),
        Shape::List(item) => decode_list(item, value),
        Shape::Reference(model, _) => decode_reference(value, has_integer_keys(model)),
        Shape::Map => match value {
            Value::Object(_) => Ok(value.clone()),
            _ => Err("Value must be a dictionary, and not have any duplicate keys.".into()),
        },
        Shape::Object(_, fields) => decode_object(&fields(), value),
        Shape::Json | Shape::Schema(_) | Shape::Binary => Ok(value.clone()),
    }
}

/// The usual spellings of true and false.
pub fn decode_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "t" | "y" | "yes" | "true" | "on" | "1" => Some(true),
            "f" | "n" | "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A UUID in any of its usual spellings, in its canonical one.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text.trim()).ok()
}

fn decode_uuid(value: &Value) -> Result<Value, Wrong> {
    match value.as_str().and_then(parse_uuid) {
        Some(uuid) => Ok(uuid.to_string().into()),
        None => Err(format!("“{}” is not a valid UUID.", python(value)).into()),
    }
}

fn decode_time(value: &Value) -> Result<Value, Wrong> {
    const WRONG: &str = "Datetime has wrong format. Use one of these formats instead: \
                         YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    value.as_str().and_then(parse_time).map(|time| format_time(time).into()).ok_or_else(|| WRONG.into())
}

/// A moment as people and clients write it; without a zone it is UTC.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(time.to_utc());
    }
    let text = text.replacen(' ', "T", 1);
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    naive
        .or_else(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
        .map(|naive| naive.and_utc())
}

/// The wire form of a moment.
pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn decode_choice(choices: &Choices, value: &Value) -> Result<Value, Wrong> {
    let text = python(value);
    if value.is_null() {
        return Err("This field may not be null.".into());
    }
    match choices.values.iter().find(|(one, _)| *one == text) {
        Some((one, _)) if !value.is_array() && !value.is_object() => Ok((*one).into()),
        _ => Err(format!("\"{text}\" is not a valid choice.").into()),
    }
}

fn decode_list(item: &Shape, value: &Value) -> Result<Value, Wrong> {
    let Value::Array(values) = value else {
        let message = format!("Expected a list of items but got type \"{}\".", python_type(value));
        return Err(match item {
            Shape::Object(..) => Wrong::Items(FieldErrors::one(NON_FIELD, message)),
            _ => message.into(),
        });
    };
    if let Shape::Object(_, fields) = item {
        return decode_objects(&fields(), values);
    }
    let mut decoded = Vec::with_capacity(values.len());
    let mut errors = FieldErrors::new();
    for (position, value) in values.iter().enumerate() {
        let found = match (item, value) {
            (Shape::Json, _) => Ok(value.clone()),
            (_, Value::Null) => Err("This field may not be null.".into()),
            _ => decode_shape(item, value),
        };
        match found {
            Ok(value) => decoded.push(value),
            // Keys of other objects are not told apart by their place.
            Err(wrong) if matches!(item, Shape::Reference(..)) => return Err(wrong),
            Err(Wrong::Message(message)) => errors.add(&position.to_string(), message),
            Err(Wrong::Items(items)) => errors.add_nested(&position.to_string(), items),
            Err(Wrong::Objects(items)) => errors.insert(&position.to_string(), items.into()),
        }
    }
    if errors.is_empty() { Ok(Value::Array(decoded)) } else { Err(Wrong::Items(errors)) }
}

/// A list of objects; what is wrong is said of each, in their order.
fn decode_objects(fields: &[Field], values: &[Value]) -> Result<Value, Wrong> {
    let mut decoded = Vec::with_capacity(values.len());
    let mut wrong = Vec::with_capacity(values.len());
    for value in values {
        match decode_object(fields, value) {
            Ok(value) => {
                decoded.push(value);
                wrong.push(json!({}));
            }
            Err(Wrong::Items(items)) => wrong.push(items.to_json()),
            Err(Wrong::Objects(items)) => wrong.push(items.into()),
            Err(Wrong::Message(message)) => wrong.push(FieldErrors::one(NON_FIELD, message).to_json()),
        }
    }
    if decoded.len() == values.len() { Ok(Value::Array(decoded)) } else { Err(Wrong::Objects(wrong)) }
}

/// A key: a UUID in canonical form, or an integer. Whether it exists is found out later.
fn decode_reference(value: &Value, integer: bool) -> Result<Value, Wrong> {
    let wrong_type = || Err(format!("Incorrect type. Expected pk value, received {}.", python_type(value)).into());
    match value {
        Value::Null => Err("This field may not be null.".into()),
        Value::Bool(_) => wrong_type(),
        Value::Number(number) if number.is_i64() => Ok(value.clone()),
        Value::String(text) if integer => text.trim().parse::<i64>().map(Value::from).or_else(|_| wrong_type()),
        _ if integer => wrong_type(),
        _ => decode_uuid(value),
    }
}

fn decode_object(fields: &[Field], value: &Value) -> Result<Value, Wrong> {
    let Value::Object(body) = value else {
        let message = format!("Invalid data. Expected a dictionary, but got {}.", python_type(value));
        return Err(Wrong::Items(FieldErrors::one(NON_FIELD, message)));
    };
    let mut errors = FieldErrors::new();
    let mut whole = crate::value::defaults(fields);
    whole.extend(decode(fields, body, false, &mut errors));
    if errors.is_empty() { Ok(Value::Object(whole)) } else { Err(Wrong::Items(errors)) }
}

/// What the wire calls a JSON type.
pub fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// How the wire's messages quote a value.
pub(crate) fn python(value: &Value) -> String {
    fn inner(value: &Value) -> String {
        match value {
            Value::String(text) => format!("'{text}'"),
            other => python(other),
        }
    }
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let pairs = object.iter().map(|(key, value)| format!("'{key}': {}", inner(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}
