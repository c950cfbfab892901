//! What lists of events are filtered by: kept in columns, so that nobody looks into the JSON.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Length of the spans that the volume of events is counted in, seconds.
const QUARTER_DAY: i64 = 6 * 60 * 60;

/// The columns beside an event's JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who acted.
    pub username: Option<String>,
    /// The name that somebody gave.
    pub context_username: Option<String>,
    /// The application of the model it is about.
    pub model_app: Option<String>,
    /// The model it is about.
    pub model_name: Option<String>,
    /// The key of what it is about, without dashes.
    pub model_pk: Option<String>,
    /// The key of the application that was authorized, without dashes.
    pub authorized_app: Option<String>,
    /// The key of the device, without dashes.
    pub device: Option<String>,
    /// The brand's name.
    pub brand_name: Option<String>,
}

impl Facts {
    /// What the JSON of an event says.
    pub fn of(user: &Value, context: &Value, brand: &Value) -> Self {
        let text = |value: &Value, pointer: &str| match value.pointer(pointer) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let key = |pointer: &str| text(context, pointer).map(|key| key.replace('-', ""));
        Self {
            username: text(user, "/username"),
            context_username: text(context, "/username"),
            model_app: text(context, "/model/app"),
            model_name: text(context, "/model/model_name"),
            model_pk: key("/model/pk"),
            authorized_app: key("/authorized_application/pk"),
            device: key("/device/pk"),
            brand_name: text(brand, "/name"),
        }
    }
}

/// The number of the quarter of a day, counted from 1970, that a moment lies in.
pub fn quarter_day(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(QUARTER_DAY)
}

/// When such a quarter begins.
pub fn quarter_begin(quarter: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(quarter.saturating_mul(QUARTER_DAY), 0).unwrap_or(DateTime::UNIX_EPOCH)
}
