//! A flow with its stages and bindings as a blueprint.

use axum::response::IntoResponse as _;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use vestibule_kernel::ApiError;
use vestibule_resource::{Call, Kind};
use vestibule_store::{Configuration, DocumentType as _};

use crate::binding::FlowStageBinding;
use crate::flow::{Flow, pk_of};
use crate::program::Program;

pub(crate) async fn flow(call: Call) -> vestibule_resource::call::Answer {
    let pk = pk_of(&call.object).ok_or_else(ApiError::not_found)?;
    let flow = call.configuration.get::<Flow>(pk).ok_or_else(ApiError::not_found)?;
    let document = blueprint(&call, flow)?;
    let text = vestibule_blueprints::write::write_value(&document);
    let name = format!("attachment; filename=\"{}.yaml\"", flow.slug);
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-yaml"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn blueprint(call: &Call, flow: &Flow) -> Result<Value, ApiError> {
    let configuration: &Configuration = &call.configuration;
    let program = configuration.index::<Program>();
    let mut stages: Vec<Uuid> = program.bindings(flow.pk).iter().map(|bound| bound.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    let mut entries = vec![entry(call, Flow::KIND, flow.pk, &["slug"])?];
    let mut named: Vec<(&str, Uuid)> =
        stages.iter().filter_map(|pk| configuration.find(*pk).map(|document| (document.text("name"), *pk))).collect();
    named.sort_unstable();
    for (_, pk) in named {
        let kind = configuration.find(pk).map(|document| document.kind).unwrap_or_default();
        entries.push(entry(call, kind, pk, &["name"])?);
    }
    for bound in program.bindings(flow.pk) {
        entries.push(entry(call, FlowStageBinding::KIND, bound.binding, &["order", "stage", "target"])?);
    }
    Ok(json!({
        "context": {},
        "entries": entries,
        "metadata": {
            "labels": {"blueprints.goauthentik.io/generated": "true"},
            "name": format!("vestibule export of {}", flow.slug),
        },
        "version": 1,
    }))
}

fn entry(call: &Call, model: &str, pk: Uuid, identifiers: &[&str]) -> Result<Value, ApiError> {
    let kind: &Kind = call.api.registry.kind(model).ok_or_else(ApiError::not_found)?;
    let document = call.configuration.document(model, pk).ok_or_else(ApiError::not_found)?;
    let mut attributes: Vec<(&str, Value)> = kind
        .fields
        .iter()
        .filter(|field| {
            field.is_writable() && field.is_readable() && !field.sealed && !identifiers.contains(&field.name)
        })
        .map(|field| (field.name, document.value.get(field.name).cloned().unwrap_or(Value::Null)))
        .collect();
    attributes.sort_by_key(|(name, _)| *name);
    let attributes: Map<String, Value> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut found: Vec<(&str, Value)> =
        identifiers.iter().map(|name| (*name, document.value.get(*name).cloned().unwrap_or(Value::Null))).collect();
    found.push(("pk", pk.to_string().into()));
    found.sort_by_key(|(name, _)| *name);
    let found: Map<String, Value> = found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(json!({
        "attrs": attributes, "conditions": [], "identifiers": found, "model": model, "permissions": [], "state": "present",
    }))
}
