//! Parameters and rows, the same on both databases.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use crate::StoreError;

/// A parameter of a statement. `None` is SQL's null, typed because PostgreSQL wants to know of what.
#[derive(Clone, Debug)]
pub enum Param {
    /// True or false.
    Bool(Option<bool>),
    /// 64-bit integer.
    Int(Option<i64>),
    /// Double.
    Float(Option<f64>),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// UUID: native on PostgreSQL, 16 bytes on SQLite.
    Uuid(Option<Uuid>),
    /// A moment: `timestamptz` on PostgreSQL, RFC 3339 text on SQLite.
    Time(Option<DateTime<Utc>>),
}

macro_rules! param_from {
    ($($type:ty => $case:ident($value:ident) $convert:expr;)*) => {$(
        impl From<$type> for Param {
            fn from($value: $type) -> Self { Self::$case(Some($convert)) }
        }
        impl From<Option<$type>> for Param {
            fn from(value: Option<$type>) -> Self { Self::$case(value.map(|$value| $convert)) }
        }
    )*};
}

param_from! {
    bool => Bool(value) value;
    i64 => Int(value) value;
    f64 => Float(value) value;
    String => Text(value) value;
    &str => Text(value) value.to_owned();
    &String => Text(value) value.clone();
    Vec<u8> => Bytes(value) value;
    Uuid => Uuid(value) value;
    DateTime<Utc> => Time(value) value;
    Value => Text(value) value.to_string();
    &Value => Text(value) value.to_string();
}

/// Binds every parameter of `params` to a query of one driver.
macro_rules! bind {
    ($query:expr, $params:expr) => {{
        let mut query = $query;
        for param in $params {
            query = match param {
                $crate::value::Param::Bool(value) => query.bind(value),
                $crate::value::Param::Int(value) => query.bind(value),
                $crate::value::Param::Float(value) => query.bind(value),
                $crate::value::Param::Text(value) => query.bind(value),
                $crate::value::Param::Bytes(value) => query.bind(value),
                $crate::value::Param::Uuid(value) => query.bind(value),
                $crate::value::Param::Time(value) => query.bind(value),
            };
        }
        query
    }};
}
pub(crate) use bind;

/// A row of an answer; columns by name.
pub enum Row {
    /// From SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $optional(&self, column: &str) -> Result<Option<$type>, StoreError> {
            Ok(match self {
                Self::Sqlite(row) => {
                    if row.try_get_raw(column)?.is_null() { None } else { Some(row.try_get_unchecked::<$type, _>(column)?) }
                }
                Self::Postgres(row) => row.try_get::<Option<$type>, _>(column)?,
            })
        }
        $(#[$doc])* /// Null is an error.
        pub fn $name(&self, column: &str) -> Result<$type, StoreError> {
            self.$optional(column)?.ok_or_else(|| {
                sqlx::Error::ColumnDecode { index: column.into(), source: "unexpected null".into() }.into()
            })
        }
    };
}

impl Row {
    getter!(/// True or false.
        bool, optional_bool, bool);
    getter!(/// 64-bit integer.
        int, optional_int, i64);
    getter!(/// Double.
        float, optional_float, f64);
    getter!(/// Text.
        text, optional_text, String);
    getter!(/// Bytes.
        bytes, optional_bytes, Vec<u8>);
    getter!(/// UUID.
        uuid, optional_uuid, Uuid);
    getter!(/// A moment.
        time, optional_time, DateTime<Utc>);

    /// A column that holds JSON text; text that is none counts as null.
    pub fn json(&self, column: &str) -> Result<Value, StoreError> {
        Ok(self.optional_text(column)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null))
    }
}
