//! A mapping is tried out on somebody: what it makes, or why it does not.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Value as Json, json};
use vestibule_directory::{Brand, ClientInfo, SystemSettings, current_brand};
use vestibule_expression::{Object, Value};
use vestibule_expression_host::{
    Circumstances, DirectoryHost, DocumentObject, GroupObject, HttpRequestObject, Outside, RequestObject,
};
use vestibule_kernel::ApiError;
use vestibule_resource::ObjectKey;
use vestibule_resource::call::{Answer, Call, ok};
use vestibule_resource::object_permission::may_on;
use vestibule_store::{Document, DocumentType};

use crate::evaluate::{evaluate, mapping_object};
use crate::mapping::text;

/// Runs the mapping that the path names.
pub(crate) async fn run(call: Call) -> Answer {
    let store = &call.api.store;
    let circumstances = Circumstances {
        program: text(&call.object, "name").to_owned(),
        actor: call.principal.actor.clone(),
        request: call.principal.request.clone(),
        trial: true,
        ..Circumstances::default()
    };
    let host = DirectoryHost::new(store.clone(), Outside::of_api(&call.api).ok()).under(circumstances);
    let mut inputs = match call.body.get("context").cloned().map(Value::from) {
        Some(Value::Dict(pairs)) => pairs,
        _ => Vec::new(),
    };
    inputs.retain(|(name, _)| !["user", "group", "request", "http_request", "context"].contains(&name.as_str()));
    let context = Value::Dict(inputs.clone());
    let mut user: Option<Arc<dyn Object>> = None;
    if let Some(pk) = call.body.get("user").and_then(Json::as_i64) {
        see(&call, "authentik_core.view_user", ObjectKey::Id(pk)).await?;
        let found = host.user(pk).await.map_err(|error| ApiError::internal(error.to_string()))?;
        user = Some(Arc::new(found.ok_or_else(ApiError::not_found)?));
    }
    if let Some(pk) = call.body.get("group").and_then(Json::as_str).and_then(|pk| pk.parse::<uuid::Uuid>().ok()) {
        see(&call, "authentik_core.view_group", ObjectKey::Uuid(pk)).await?;
        let group = GroupObject::by_pk(store, pk).await?.ok_or_else(ApiError::not_found)?;
        inputs.push(("group".into(), Value::object(group)));
    }
    let configuration = store.configuration();
    let asked = ClientInfo::of(&call.parts).host_name();
    let http: Arc<dyn Object> = Arc::new(HttpRequestObject {
        method: call.parts.method.to_string(),
        path: call.parts.uri.path().to_owned(),
        client_ip: call.principal.client_ip.to_string(),
        brand: configured(&call, Brand::KIND, current_brand(&configuration, &asked)),
        tenant: call.api.registry.kind(SystemSettings::KIND).map_or(Value::None, |kind| {
            Value::object(DocumentObject::of_kind(kind, &SystemSettings::object(&configuration)))
        }),
        ..HttpRequestObject::default()
    });
    let obj = Value::object(mapping_object(&call.object));
    let request = RequestObject { user: user.clone(), http_request: Some(http.clone()), obj, debug: true };
    inputs.push(("user".into(), user.map_or(Value::None, Value::Object)));
    inputs.push(("http_request".into(), Value::Object(http)));
    inputs.push(("request".into(), Value::object(request)));
    inputs.push(("context".into(), context));
    let format = call.query.get("format_result").is_some_and(|given| given.eq_ignore_ascii_case("true"));
    let (result, successful) = match evaluate(text(&call.object, "expression"), inputs, &host).await {
        Ok(outcome) => (shown(&outcome.value.to_json(), format)?, true),
        Err(failure) => (failure.to_string(), false),
    };
    ok(&json!({ "result": result, "successful": successful }))
}

/// A document, as expressions see it.
fn configured(call: &Call, kind: &str, document: Option<&Arc<Document>>) -> Value {
    let kind = call.api.registry.kind(kind);
    let object = kind.zip(document).map(|(kind, document)| DocumentObject::of_kind(kind, &document.value));
    object.map(Value::object).unwrap_or_default()
}

/// Whom one may not see is nobody to try a mapping out on.
async fn see(call: &Call, permission: &str, key: ObjectKey) -> Result<(), ApiError> {
    match may_on(call.api.store.database(), &call.principal, permission, Some(key)).await? {
        true => Ok(()),
        false => Err(ApiError::Forbidden),
    }
}

/// JSON as Python writes it: blanks after commas and colons, nothing beyond ASCII.
fn shown(value: &Json, format: bool) -> Result<String, ApiError> {
    let mut written = Vec::new();
    let done = match format {
        true => value.serialize(&mut Serializer::with_formatter(&mut written, PrettyFormatter::with_indent(b"    "))),
        false => value.serialize(&mut Serializer::with_formatter(&mut written, Spaced)),
    };
    done.map_err(|error| ApiError::internal(error.to_string()))?;
    let mut output = String::new();
    for letter in String::from_utf8_lossy(&written).chars() {
        if letter.is_ascii() {
            output.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            output.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Ok(output)
}

/// A line with blanks.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn json_is_written_as_python_does() {
        let value = json!({"a": [1, "\u{fc}\u{1f600}"], "b": {}});
        assert_eq!(shown(&value, false).unwrap(), r#"{"a": [1, "\u00fc\ud83d\ude00"], "b": {}}"#);
        assert_eq!(shown(&json!({"a": [1]}), true).unwrap(), "{\n    \"a\": [\n        1\n    ]\n}");
    }
}
