//! Answers of the endpoints: JSON that nobody keeps, and which pages of other sites may read it.

use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CACHE_CONTROL, ORIGIN, PRAGMA, VARY,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use url::Url;
use vestibule_kernel::ApiError;
use vestibule_resource::call::json_answer;

use crate::client::Client;
use crate::error::{TokenError, token_sentence};

/// JSON that no cache may keep (RFC 6749, section 5.1).
pub(crate) fn fresh(status: StatusCode, value: &Value) -> Response {
    let mut response = json_answer(status, value);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// An error in the protocol's words, with what names the request in logs.
pub(crate) fn refusal(error: TokenError, status: StatusCode, parts: &Parts) -> Response {
    match error {
        TokenError::Said(code, sentence) => {
            let sentence = sentence.unwrap_or_else(|| token_sentence(code).to_owned());
            fresh(status, &json!({"error": code, "error_description": sentence, "request_id": request_id(parts)}))
        }
        TokenError::Failed(error) => failure(&error, parts),
    }
}

/// Something failed here: it is logged, and told without its cause.
pub(crate) fn failure(error: &ApiError, parts: &Parts) -> Response {
    if let ApiError::Internal(cause) = error {
        tracing::error!(error = %cause, path = parts.uri.path(), "an endpoint of OAuth 2 failed");
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = if status.is_server_error() { "server_error" } else { "invalid_request" };
    let sentence = if status.is_server_error() { "The server encountered an error" } else { token_sentence(code) };
    fresh(status, &json!({"error": code, "error_description": sentence, "request_id": request_id(parts)}))
}

fn request_id(parts: &Parts) -> &str {
    parts.headers.get("x-authentik-id").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What a request for a protected resource is told that brought no good token (RFC 6750, section 3).
pub(crate) fn bearer_refusal(code: &str) -> Response {
    let (status, sentence) = match code {
        "insufficient_scope" => {
            (StatusCode::FORBIDDEN, "The request requires higher privileges than provided by the access token")
        }
        "invalid_dpop_proof" => {
            let value = HeaderValue::from_static("DPoP error=\"invalid_dpop_proof\"");
            return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, value)]).into_response();
        }
        _ => (
            StatusCode::UNAUTHORIZED,
            "The access token provided is expired, revoked, malformed, or invalid for other reasons",
        ),
    };
    let told = format!("error=\"{code}\", error_description=\"{sentence}\"");
    let told = HeaderValue::from_str(&told).unwrap_or(HeaderValue::from_static("error=\"invalid_token\""));
    let mut response = (status, [(WWW_AUTHENTICATE, told)]).into_response();
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A method that an endpoint does not know.
pub(crate) fn wrong_method(known: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, HeaderValue::from_static(known))]).into_response()
}

/// Lets pages of a client's own sites read an answer (Fetch, section 3.2). A browser that asks beforehand names no client: it
/// is told yes, and finds out with the request itself.
pub(crate) fn allow_origin(mut response: Response, parts: &Parts, client: Option<Client<'_>>) -> Response {
    let asking_first = parts.method == http::Method::OPTIONS;
    let Some(origin) = parts.headers.get(ORIGIN).cloned() else { return response };
    let given = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    let Some(given) = given else { return response };
    let registered = client.is_some_and(|client| {
        let addresses = client.addresses("authorization").chain(client.addresses("logout"));
        addresses.filter_map(|(_, url)| Url::parse(url).ok()).any(|url| url.origin() == given.origin())
    });
    if !(asking_first || registered) {
        return response;
    }
    let asked = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    vary_by_origin(headers);
    if asking_first {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        if let Some(asked) = asked {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    response
}

fn vary_by_origin(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
