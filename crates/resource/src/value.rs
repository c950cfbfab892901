//! How Rust types are fields: what shape they have, and how they are read from their stored form.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Object;

use crate::field::{Field, Shape};

/// A struct that describes itself as fields.
pub trait Fields: Sized + Send + Sync + 'static {
    /// The table, in wire order.
    fn fields() -> Vec<Field>;
    /// The struct from its stored form.
    ///
    /// # Errors
    /// The first field that does not fit.
    fn read(object: &Object) -> Result<Self, String>;
}

/// A Rust type that a field can have.
pub trait FieldValue: Sized {
    /// Whether null is a value of it.
    const NULLABLE: bool = false;
    /// Its shape.
    fn shape() -> Shape;
    /// Reads its stored form.
    fn read(value: &Value) -> Option<Self>;
}

/// Reads one field; what a stored object lacks, because the field is newer, is its default.
///
/// # Errors
/// The field's name.
pub fn read_field<T: FieldValue>(object: &Object, name: &str) -> Result<T, String> {
    T::read(object.get(name).unwrap_or(&Value::Null)).ok_or_else(|| format!("field `{name}` does not fit"))
}

/// A field that is computed from the others: it takes no room in the struct.
#[derive(Clone, Copy, Debug, Default)]
pub struct Computed;

impl FieldValue for Computed {
    fn shape() -> Shape {
        Shape::TEXT
    }
    fn read(_: &Value) -> Option<Self> {
        Some(Self)
    }
}

macro_rules! field_value {
    ($($type:ty, $shape:expr, $read:expr;)*) => {$(
        impl FieldValue for $type {
            fn shape() -> Shape { $shape }
            fn read(value: &Value) -> Option<Self> { ($read)(value) }
        }
    )*};
}

field_value! {
    String, Shape::TEXT, |value: &Value| value.as_str().map(str::to_owned);
    bool, Shape::Boolean, Value::as_bool;
    i64, Shape::INTEGER, Value::as_i64;
    f64, Shape::Float, Value::as_f64;
    Uuid, Shape::Uuid, |value: &Value| value.as_str()?.parse().ok();
    DateTime<Utc>, Shape::Time, |value: &Value| Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc());
    Value, Shape::Json, |value: &Value| Some(value.clone());
    Object, Shape::Map, |value: &Value| value.as_object().cloned();
}

impl<T: FieldValue> FieldValue for Option<T> {
    const NULLABLE: bool = true;
    fn shape() -> Shape {
        T::shape()
    }
    fn read(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value).map(Some) }
    }
}

impl<T: FieldValue> FieldValue for Vec<T> {
    fn shape() -> Shape {
        T::shape().list()
    }
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
}

/// The defaults of a field table, for objects that are made from nothing.
pub(crate) fn defaults(fields: &[Field]) -> Object {
    let value = |field: &Field| match field.default {
        Some(default) => default(),
        None => match field.shape {
            Shape::List(_) if !field.nullable => json!([]),
            _ => Value::Null,
        },
    };
    fields.iter().filter(|field| field.is_stored()).map(|field| (field.name.to_owned(), value(field))).collect()
}

/// Declares a closed set of texts as an enum.
///
/// ```ignore
/// choices! {
///     /// Attributes of a user that may identify them.
///     pub enum UserField: "UserFieldsEnum" { Email = "email" "E-mail", Username = "username" "Username" }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    ($(#[$doc:meta])* pub enum $name:ident: $schema:literal { $($case:ident = $value:literal $label:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $label] $case,)*
        }
        impl $name {
            /// The set, for the field table.
            pub const CHOICES: $crate::Choices = $crate::Choices { name: $schema, values: &[$(($value, $label)),*] };
            /// Its text on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $value,)* }
            }
        }
        impl $crate::FieldValue for $name {
            fn shape() -> $crate::Shape { $crate::Shape::Choice(&Self::CHOICES) }
            fn read(value: &$crate::__Value) -> Option<Self> {
                match value.as_str()? { $($value => Some(Self::$case),)* _ => None }
            }
        }
    };
}
