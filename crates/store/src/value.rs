//! Parameters and rows, the same on both databases.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Statement, ToSql};
use serde_json::Value;
use sqlx::{Column as _, Row as _};
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
    Value => Text(value) serde_json::to_string(&value).unwrap_or_default();
    &Value => Text(value) serde_json::to_string(value).unwrap_or_default();
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |value| Ok(ToSqlOutput::Owned(value));
        match self {
            Self::Bool(Some(value)) => owned(SqliteValue::Integer(i64::from(*value))),
            Self::Int(Some(value)) => owned(SqliteValue::Integer(*value)),
            Self::Float(Some(value)) => owned(SqliteValue::Real(*value)),
            Self::Text(Some(value)) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))),
            Self::Bytes(Some(value)) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(value))),
            Self::Uuid(Some(value)) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes()))),
            // Of one length, so that the order of the texts is the order of the moments.
            Self::Time(Some(value)) => owned(SqliteValue::Text(value.to_rfc3339_opts(SecondsFormat::Micros, false))),
            _ => owned(SqliteValue::Null),
        }
    }
}

/// A value as SQLite keeps it.
pub(crate) type Stored = SqliteValue;

/// The names of an answer's columns: behind one another, since they are made for every question.
#[derive(Default)]
pub(crate) struct Columns {
    names: String,
    ends: Vec<usize>,
}

impl Columns {
    pub(crate) fn of(statement: &Statement<'_>) -> Self {
        let mut columns = Self::default();
        for index in 0..statement.column_count() {
            columns.names.push_str(statement.column_name(index).unwrap_or_default());
            columns.ends.push(columns.names.len());
        }
        columns
    }

    fn position(&self, column: &str) -> Option<usize> {
        let mut begin = 0;
        self.ends.iter().position(|&end| {
            let name = self.names.get(begin..end);
            begin = end;
            name == Some(column)
        })
    }
}

/// A row of SQLite's.
pub struct SqliteRow {
    pub(crate) columns: Arc<Columns>,
    pub(crate) values: Vec<Stored>,
}

impl SqliteRow {
    fn get(&self, column: &str) -> Result<&Stored, StoreError> {
        let found = self.columns.position(column).and_then(|index| self.values.get(index));
        found.ok_or_else(|| wrong(column, "there is no such column"))
    }
}

fn wrong(column: &str, reason: &'static str) -> StoreError {
    StoreError::Column { column: column.to_owned(), reason }
}

/// What a value of SQLite's, which is not null, is in Rust.
trait FromStored: Sized {
    fn from_stored(value: &Stored) -> Option<Self>;
}

macro_rules! from_stored {
    ($($type:ty: $pattern:pat => $convert:expr;)*) => {$(
        impl FromStored for $type {
            fn from_stored(value: &Stored) -> Option<Self> {
                match value { $pattern => $convert, _ => None }
            }
        }
    )*};
}

from_stored! {
    bool: SqliteValue::Integer(value) => Some(*value != 0);
    i64: SqliteValue::Integer(value) => Some(*value);
    String: SqliteValue::Text(value) => Some(value.clone());
    Vec<u8>: SqliteValue::Blob(value) => Some(value.clone());
    Uuid: SqliteValue::Blob(value) => Uuid::from_slice(value).ok();
    DateTime<Utc>: SqliteValue::Text(value) => DateTime::parse_from_rfc3339(value).ok().map(|time| time.to_utc());
}

impl FromStored for f64 {
    fn from_stored(value: &Stored) -> Option<Self> {
        match value {
            SqliteValue::Real(value) => Some(*value),
            // A whole number in a column without a type.
            SqliteValue::Integer(value) => value.to_string().parse().ok(),
            _ => None,
        }
    }
}

/// Where a column is: there are few of them, and looking at each takes less than the driver's table of names.
fn place(row: &sqlx::postgres::PgRow, column: &str) -> Result<usize, StoreError> {
    let found = row.columns().iter().position(|one| one.name() == column);
    found.ok_or_else(|| wrong(column, "there is no such column"))
}

/// A row of an answer; columns by name.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $optional(&self, column: &str) -> Result<Option<$type>, StoreError> {
            match self {
                Self::Sqlite(row) => match row.get(column)? {
                    SqliteValue::Null => Ok(None),
                    value => match FromStored::from_stored(value) {
                        Some(value) => Ok(Some(value)),
                        None => Err(wrong(column, "a value of another type")),
                    },
                },
                Self::Postgres(row) => Ok(row.try_get::<Option<$type>, _>(place(row, column)?)?),
            }
        }
        $(#[$doc])* /// Null is an error.
        pub fn $name(&self, column: &str) -> Result<$type, StoreError> {
            self.$optional(column)?.ok_or_else(|| wrong(column, "unexpected null"))
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
        Ok(match self.optional_text(column)? {
            // Most have nothing to say.
            Some(text) if text == "{}" => Value::Object(serde_json::Map::new()),
            Some(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
            None => Value::Null,
        })
    }
}
