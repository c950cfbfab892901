//! The document, held against authentik's own for kinds that are declared as authentik has them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod flows;
mod stages;
mod tokens;

use std::path::PathBuf;
use std::{env, fs};

use http::Method;
use serde_json::{Map, Value, json};
use vestibule_openapi_contract::{Document, Options, compare, load_yaml, official_schema_path};
use vestibule_resource::call::{Answer, Body, Call, Permission, no_content};
use vestibule_resource::{Fields, Kind, Operation, Registry, Shape, openapi};

/// What the samples serve whole.
const GROUPS: [&str; 7] = [
    "core/tokens",
    "flows/bindings",
    "flows/instances",
    "managed/blueprints/import",
    "schema",
    "stages/all",
    "stages/identification",
];

/// A handler that is never called.
pub(crate) async fn nothing(_: Call) -> Answer {
    no_content()
}

/// A form with a file.
#[derive(Fields)]
struct Upload {
    /// The file.
    #[field(optional, shape = Shape::Binary)]
    file: Option<String>,
    #[field(optional)]
    path: Option<String>,
    #[field(optional, blank)]
    context: Option<String>,
}

/// What came of it.
#[derive(Fields)]
struct Imported {
    #[field(read_only, shape = Shape::Schema("LogEvent").list())]
    logs: Vec<Value>,
    #[field(read_only)]
    success: bool,
}

fn log_event() -> Value {
    let text = || json!({ "type": "string" });
    let levels = ["critical", "exception", "error", "warn", "warning", "info", "debug", "notset"];
    json!({
        "type": "object",
        "properties": {
            "timestamp": { "type": "string", "format": "date-time" },
            "log_level": { "type": "string", "enum": levels },
            "logger": text(),
            "event": text(),
            "attributes": { "type": "object", "additionalProperties": {} },
        },
        "required": ["attributes", "event", "log_level", "logger", "timestamp"],
    })
}

fn extra() -> Map<String, Value> {
    Map::from_iter([("LogEvent".to_owned(), log_event()), ("ChallengeTypes".to_owned(), json!({ "type": "object" }))])
}

fn registry() -> Registry {
    let kinds: Vec<Kind> = [stages::kinds(), flows::kinds(), tokens::kinds()].into_iter().flatten().collect();
    let families = vec![&stages::STAGES, &stages::SOURCES];
    let mut operations = stages::operations();
    operations.extend(openapi::operations(extra()));
    operations.push(
        Operation::new(
            Method::POST,
            "managed/blueprints/import/",
            "managed_blueprints_import_create",
            Some(Shape::Object("BlueprintImportResult", Imported::fields)),
            nothing,
        )
        .body(Body::Multipart("BlueprintUploadRequest", Upload::fields)),
    );
    for (method, id) in [(Method::GET, "flows_executor_get"), (Method::POST, "flows_executor_solve")] {
        let answer = Some(Shape::Schema("ChallengeTypes"));
        let executor = Operation::new(method, "flows/executor/{flow_slug}/", id, answer, nothing);
        operations.push(executor.permission(Permission::Public).body(Body::Schema("FlowChallengeResponseRequest")));
    }
    Registry::new(kinds, families, operations).unwrap()
}

fn official() -> Document {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let path = home.and_then(|home| official_schema_path(&home));
    let text = fs::read_to_string(path.expect("cargo has fetched the crate authentik-client")).unwrap();
    Document::new(load_yaml(&text).unwrap())
}

#[test]
fn kinds_like_the_official_ones_are_exact() {
    let ours = Document::new(openapi::document(&registry(), &extra()));
    let options =
        Options { groups: GROUPS.iter().map(|group| (*group).to_owned()).collect(), include_enterprise: false };
    let report = compare(&official(), &ours, &options);
    assert_eq!((report.exact, report.total), (43, 43), "{report:#}\n{:?}", report.inexact);
}

#[test]
fn every_reference_leads_somewhere_but_those_that_nobody_described() {
    let document = openapi::document(&registry(), &extra());
    assert_eq!(openapi::dangling(&document), ["#/components/schemas/FlowChallengeResponseRequest"]);
}

#[test]
fn the_yaml_means_the_same_as_the_json() {
    let document = openapi::document(&registry(), &extra());
    let yaml = vestibule_blueprints::write::write_value(&document);
    assert_eq!(load_yaml(&yaml).unwrap(), document);
}

#[test]
fn what_the_comparison_does_not_see() {
    let document = openapi::document(&registry(), &extra());
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();

    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert!(paths.is_sorted(), "{paths:?}");
    assert_eq!(at("/servers/0/url"), "/api/v3");

    let executor = "/paths/~1flows~1executor~1{flow_slug}~1";
    assert_eq!(at(&format!("{executor}/get/security")), json!([{ "authentik": [] }, {}]));
    assert_eq!(
        at(&format!("{executor}/get/parameters")),
        json!([{ "in": "path", "name": "flow_slug", "schema": { "type": "string" }, "required": true }])
    );
    let stage = "/paths/~1stages~1identification~1{stage_uuid}~1";
    assert_eq!(at(&format!("{stage}/get/security")), json!([{ "authentik": [] }]));
    assert_eq!(
        at(&format!("{stage}/get/parameters/0")),
        json!({
            "in": "path", "name": "stage_uuid", "schema": { "type": "string", "format": "uuid" }, "required": true,
            "description": "A UUID string identifying this Identification Stage.",
        })
    );
    assert_eq!(at(&format!("{stage}/put/requestBody/required")), true);
    assert_eq!(at(&format!("{stage}/patch/requestBody/required")), Value::Null);
    assert_eq!(at("/paths/~1core~1tokens~1{identifier}~1/get/parameters/0/schema"), json!({ "type": "string" }));

    let schemas = "/components/schemas";
    assert_eq!(at(&format!("{schemas}/PatchedIdentificationStageRequest/required")), Value::Null);
    let name = format!("{schemas}/IdentificationStageRequest/properties/name");
    assert_eq!(at(&name), json!({ "type": "string", "minLength": 1 }));
    let identifier = json!({ "type": "string", "pattern": "^[-a-zA-Z0-9_]+$", "minLength": 1, "maxLength": 255 });
    assert_eq!(at(&format!("{schemas}/TokenRequest/properties/identifier")), identifier);
    let order = json!({ "type": "integer", "maximum": 2_147_483_647, "minimum": -2_147_483_648_i64 });
    assert_eq!(at(&format!("{schemas}/FlowStageBinding/properties/order")), order);
    let action = format!("{schemas}/FlowStageBinding/properties/invalid_response_action");
    assert_eq!(
        at(&action),
        json!({
            "allOf": [{ "$ref": "#/components/schemas/InvalidResponseActionEnum" }],
            "description": "What an invalid answer leads to.", "x-vestibule": { "default": "retry" },
        })
    );
}
