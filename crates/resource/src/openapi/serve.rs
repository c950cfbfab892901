//! `GET schema/`: the document itself, as YAML or JSON.

use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::languages::LANGUAGES;
use crate::call::{Call, Operation, Permission};
use crate::field::{Choices, Shape};

const YAML: &str = "application/vnd.oai.openapi";
const JSON: &str = "application/vnd.oai.openapi+json";

/// What the document is written in.
static FORMATS: Choices = Choices { name: "FormatEnum", values: &[("json", "JSON"), ("yaml", "YAML")] };

/// The document in both forms, each made when it is first asked for.
struct Written {
    extra: Map<String, Value>,
    yaml: OnceLock<Form>,
    json: OnceLock<Form>,
}

/// The document in one form.
struct Form {
    bytes: Bytes,
    /// Names it, weakly (RFC 9110, section 8.8.1): it goes out compressed in different ways.
    tag: String,
}

impl Form {
    fn of(text: String) -> Self {
        let hash = Sha256::digest(&text);
        let tag = hash.iter().take(16).fold("W/\"".to_owned(), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
        Self { bytes: text.into(), tag }
    }

    /// Whether a client has it already (RFC 9110, section 13.1.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        known.flat_map(|list| list.split(',')).any(|tag| matches!(tag.trim(), tag if tag == self.tag || tag == "*"))
    }
}

/// The operation that answers with the document of everything that is served beside it. What no field table describes
/// comes in `extra_components`, as for [`document`](super::document).
pub fn operations(extra_components: Map<String, Value>) -> Vec<Operation> {
    let written = Arc::new(Written { extra: extra_components, yaml: OnceLock::new(), json: OnceLock::new() });
    let handler = move |call: Call| std::future::ready(Ok(answer(&written, &call)));
    let operation = Operation::new(Method::GET, "schema/", "schema_retrieve", Some(Shape::Map), handler)
        .doc("This document. Its format follows the parameter `format`, else the header `Accept`; YAML unless asked.")
        .permission(Permission::Public)
        .parameter("format", Shape::Choice(&FORMATS))
        .parameter("lang", Shape::Choice(&LANGUAGES))
        .produces(&[YAML, "application/yaml", JSON, "application/json"]);
    vec![operation]
}

fn answer(written: &Written, call: &Call) -> Response {
    let accept = call.parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media(call.query.get("format"), accept);
    let document = || super::document(&call.api.registry, &written.extra);
    let (form, extension) = if media.ends_with("json") {
        (written.json.get_or_init(|| Form::of(document().to_string())), "json")
    } else {
        (written.yaml.get_or_init(|| Form::of(vestibule_blueprints::write::write_value(&document()))), "yaml")
    };
    // Kept, and asked about each time: it changes when the server does.
    let caching = [(header::ETAG, form.tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if form.is_known(&call.parts.headers) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let disposition = format!("inline; filename=\"vestibule.{extension}\"");
    let described = [(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (caching, described, form.bytes.clone()).into_response()
}

/// The media type to answer with: the parameter decides, then the first range that names one exactly.
fn media(format: Option<&str>, accept: &str) -> &'static str {
    match format {
        Some("json") => return JSON,
        Some(_) => return YAML,
        None => {}
    }
    let ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let known = [YAML, "application/yaml", JSON, "application/json"];
    ranges.into_iter().find_map(|range| known.into_iter().find(|known| *known == range)).unwrap_or(YAML)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_follows_the_parameter_then_the_header() {
        assert_eq!(media(None, ""), YAML);
        assert_eq!(media(None, "*/*"), YAML);
        assert_eq!(media(None, "text/html, application/json;q=0.9, */*;q=0.1"), "application/json");
        assert_eq!(media(None, "application/yaml, application/json"), "application/yaml");
        assert_eq!(media(Some("json"), "application/yaml"), JSON);
        assert_eq!(media(Some("yaml"), "application/json"), YAML);
    }
}
