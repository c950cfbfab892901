//! What can go wrong with a request, by what its client can do about it.

use std::fmt;

use serde_json::{Map, Value, json};

/// Messages keyed by field. A list's items are keyed by their index, a nested object by its own fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldErrors(Map<String, Value>);

/// The key of what concerns the whole body.
pub const NON_FIELD: &str = "non_field_errors";

impl FieldErrors {
    /// No errors.
    pub fn new() -> Self {
        Self::default()
    }

    /// One message for everything, which on the wire is a list of its own and under no field.
    pub fn whole(message: impl Into<String>) -> Self {
        Self::one("", message)
    }

    /// One message for one field.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Adds a message to a field's list.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        let message = Value::String(message.into());
        match self.0.get_mut(field) {
            Some(Value::Array(messages)) => messages.push(message),
            _ => {
                self.0.insert(field.to_owned(), Value::Array(vec![message]));
            }
        }
    }

    /// Adds errors of what lies inside a field (items by index, or fields of a nested object).
    pub fn add_nested(&mut self, field: &str, inner: FieldErrors) {
        if !inner.is_empty() {
            self.0.insert(field.to_owned(), Value::Object(inner.0));
        }
    }

    /// Puts a ready value under a field.
    pub fn insert(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is wrong with this field.
    pub fn contains(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Sorts the fields by the given order; fields that are not named in it come last.
    pub fn sort_by(&mut self, order: &[&str]) {
        let place = |name: &str| order.iter().position(|one| *one == name).unwrap_or(usize::MAX);
        let mut entries: Vec<(String, Value)> = std::mem::take(&mut self.0).into_iter().collect();
        entries.sort_by_key(|(name, _)| place(name));
        self.0 = entries.into_iter().collect();
    }

    /// `Ok(())` when nothing is wrong.
    pub fn into_result(self) -> Result<(), ApiError> {
        if self.is_empty() { Ok(()) } else { Err(ApiError::Invalid(self)) }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        if let Some(messages) = self.0.get("") {
            return messages.clone();
        }
        Value::Object(self.0.clone())
    }
}

/// Why a request was not answered as asked.
#[derive(Debug)]
pub enum ApiError {
    /// 400: the fields named are wrong; the client can mend and repeat.
    Invalid(FieldErrors),
    /// 400 with one sentence (`detail`), for bodies that could not be read at all.
    BadRequest(String),
    /// 403: no credentials were given.
    NotAuthenticated,
    /// 403: credentials were given and are not valid.
    InvalidToken,
    /// 403 with its reason, e.g. a missing CSRF proof.
    Refused(String),
    /// 403: known, but not allowed.
    Forbidden,
    /// 404 with its sentence.
    NotFound(String),
    /// 405: the method's name.
    MethodNotAllowed(String),
    /// 406: the `Accept` header excludes JSON.
    NotAcceptable,
    /// 413: the body exceeds the limit.
    TooLarge,
    /// 415: the media type as sent.
    UnsupportedMediaType(String),
    /// 429: seconds until it makes sense to try again.
    Throttled(u64),
    /// 409: what is asked for cannot be done in the present state.
    Conflict(String),
    /// 500: the cause goes to the log, the client sees a reference alone.
    Internal(String),
}

impl ApiError {
    /// The answer's status code.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::BadRequest(_) => 400,
            Self::NotAuthenticated | Self::InvalidToken | Self::Refused(_) | Self::Forbidden => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::NotAcceptable => 406,
            Self::Conflict(_) => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType(_) => 415,
            Self::Throttled(_) => 429,
            Self::Internal(_) => 500,
        }
    }

    /// The answer's body.
    pub fn body(&self) -> Value {
        let detail = match self {
            Self::Invalid(errors) => return errors.to_json(),
            Self::BadRequest(text) | Self::Refused(text) | Self::NotFound(text) | Self::Conflict(text) => text.clone(),
            Self::NotAuthenticated => "Authentication credentials were not provided.".into(),
            Self::InvalidToken => "Token invalid/expired".into(),
            Self::Forbidden => "You do not have permission to perform this action.".into(),
            Self::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed."),
            Self::NotAcceptable => "Could not satisfy the request Accept header.".into(),
            Self::TooLarge => "The request body is too large.".into(),
            Self::UnsupportedMediaType(given) => format!("Unsupported media type \"{given}\" in request."),
            Self::Throttled(seconds) => {
                format!("Request was throttled. Expected available in {seconds} seconds.")
            }
            Self::Internal(_) => "The server failed to answer. The request id names the entry in its log.".into(),
        };
        json!({"detail": detail})
    }

    /// The 404 of something that does not exist at a path.
    pub fn not_found() -> Self {
        Self::NotFound("Not found.".into())
    }

    /// A cause that the client can do nothing about.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(cause) => f.write_str(cause),
            other => write!(f, "{}", other.body()),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}
