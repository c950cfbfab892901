//! Between HTTP and the engine: reading requests, writing errors. The one place that writes JSON error bodies.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use vestibule_kernel::{ApiError, FieldErrors, Object};

use crate::call::json_answer;
use crate::decode::python_type;

/// The parameters of an address, in the order given.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// From the text after the `?`.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }
    /// The last value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// The same with a number that is at most so large; what is no number stays as it is.
    #[must_use]
    pub fn with_most(mut self, name: &str, most: usize) -> Self {
        for (_, value) in self.0.iter_mut().filter(|(key, _)| key == name) {
            if value.trim().parse::<usize>().is_ok_and(|number| number > most) {
                *value = most.to_string();
            }
        }
        self
    }
    /// Every value of a parameter.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// An error as an answer. What the client can do nothing about goes to the log.
pub fn error_answer(error: &ApiError) -> Response {
    if let ApiError::Internal(cause) = error {
        tracing::error!(error = %cause, "a request failed");
    }
    let status = http::StatusCode::from_u16(error.status()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_answer(status, &error.body());
    if let ApiError::Throttled(seconds) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}

/// Sets the `Allow` header.
pub(crate) fn allow(mut response: Response, methods: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// 406 or 404 for a client that wants neither JSON nor one of the media types in `also`.
pub(crate) fn negotiate(parts: &Parts, query: &Query, also: &[&str]) -> Result<(), ApiError> {
    if let Some(format) = query.get("format") {
        let named = |media: &&str| media.split(['/', '+']).skip(1).any(|part| part == format);
        if format != "json" && !also.iter().any(named) {
            return Err(ApiError::not_found());
        }
    }
    let Some(accept) = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return Ok(()) };
    let fits = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(range.as_str(), "" | "*/*" | "application/*" | "application/json") || also.contains(&range.as_str())
    };
    if accept.split(',').any(fits) { Ok(()) } else { Err(ApiError::NotAcceptable) }
}

/// The whole body, if it is within the limit.
pub async fn read_body(request: Request<Body>, limit: usize) -> Result<(Parts, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok((parts, collected.to_bytes())),
        Err(error) if is_too_large(error.as_ref()) => Err(ApiError::TooLarge),
        Err(_) => Err(ApiError::BadRequest("The request body could not be read.".into())),
    }
}

/// Whether a limit ended the reading: ours, or one further out, whose error others have wrapped.
fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<LengthLimitError>)
}

/// The media type of a request without its parameters.
pub fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// A JSON object from a body; an empty body counts as an empty object.
pub fn json_object(parts: &Parts, body: &Bytes) -> Result<Object, ApiError> {
    if body.is_empty() {
        return Ok(Object::new());
    }
    if !media_type(&parts.headers).eq_ignore_ascii_case("application/json") {
        let given = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        return Err(ApiError::UnsupportedMediaType(given.unwrap_or_default().to_owned()));
    }
    match parse_json(body).map_err(ApiError::BadRequest)? {
        Value::Object(object) => Ok(object),
        Value::Null => Err(FieldErrors::one(vestibule_kernel::error::NON_FIELD, "No data provided").into()),
        other => {
            let message = format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
            Err(FieldErrors::one(vestibule_kernel::error::NON_FIELD, message).into())
        }
    }
}

/// JSON from bytes, or what is wrong and where.
pub fn parse_json(body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("JSON parse error - {}", not_utf8(body, error)))?;
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or_default();
        let (reason, at) = place(reason, text, byte_offset(text, &error));
        let head = text.get(..at).unwrap_or(text);
        let line = head.matches('\n').count() + 1;
        let column = head.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("JSON parse error - {reason}: line {line} column {column} (char {})", head.chars().count())
    })
}

/// What is no UTF-8, in the words that clients know.
fn not_utf8(body: &[u8], error: std::str::Utf8Error) -> String {
    let start = error.valid_up_to();
    let byte = body.get(start).copied().unwrap_or_default();
    let end = error.error_len().map_or(body.len(), |length| start + length);
    let reason = match error.error_len() {
        None => "unexpected end of data",
        Some(_) if matches!(byte, 0xc2..=0xf4) => "invalid continuation byte",
        Some(_) => "invalid start byte",
    };
    if end - start > 1 {
        return format!("'utf-8' codec can't decode bytes in position {start}-{}: {reason}", end - 1);
    }
    format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {start}: {reason}")
}

/// The byte at which the parser gave up: it counts lines and the bytes of a line from one.
fn byte_offset(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (before + error.column()).saturating_sub(1).min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The reason in the words that clients know, and the byte that they are told.
fn place<'a>(reason: &'a str, text: &str, at: usize) -> (&'a str, usize) {
    let head = text.get(..at).unwrap_or(text);
    match reason {
        // The parser may stop inside of the word; the message names its beginning.
        "expected ident" | "expected value" => {
            ("invalid literal", head.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len())
        }
        "trailing comma" => ("trailing comma is not allowed", head.rfind(',').unwrap_or(at)),
        "trailing characters" => ("unexpected content after document", at),
        other if other.starts_with("EOF while parsing") => ("unexpected end of data", text.len()),
        other => (other, at),
    }
}

/// Whether a method changes nothing (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Values of a path template's parameters.
pub(crate) type PathValues = BTreeMap<String, String>;
