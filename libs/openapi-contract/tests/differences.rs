//! Every kind of difference is found, and none where there is none.

use serde_json::{Value, json};
use vestibule_openapi_contract::{Document, Options, compare};

/// A document of one operation with these parts, and some schemas to refer to.
fn document(operation: &Value) -> Document {
    Document::new(json!({
        "paths": {"/core/things/": {"post": operation}},
        "components": {
            "schemas": {
                "Kind": {"type": "string", "enum": ["a", "b"]},
                "Blank": {"enum": [""]},
                "Null": {"enum": [null]},
                "A": {"type": "object", "properties": {"a": {"type": "string"}}},
                "B": {"type": "object", "properties": {"b": {"type": "string"}}},
                "Tree": {"type": "object", "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
                }}
            },
            "parameters": {"Page": {"in": "query", "name": "page", "schema": {"type": "integer"}}},
            "responses": {"Ok": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
        }
    }))
}

fn found(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut report = compare(&document(theirs), &document(ours), &Options::default());
    assert_eq!((report.total, report.missing.len()), (1, 0));
    assert_eq!(report.exact + report.inexact.len(), 1);
    report.inexact.pop().map_or_else(Vec::new, |(method, path, found)| {
        assert_eq!((method.as_str(), path.as_str()), ("POST", "/core/things/"));
        found
    })
}

fn body(schema: &Value) -> Value {
    json!({"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}})
}

fn answer(schema: &Value) -> Value {
    json!({"responses": {"200": {"content": {"application/json": {"schema": schema}}}}})
}

fn query(parameters: &Value) -> Value {
    json!({"parameters": parameters, "responses": {}})
}

/// The differences between two schemas in an answer; each is exactly itself.
#[track_caller]
fn in_answer(theirs: &Value, ours: &Value, wanted: &[&str]) {
    assert_eq!(found(&answer(theirs), &answer(theirs)), Vec::<String>::new());
    assert_eq!(found(&answer(ours), &answer(ours)), Vec::<String>::new());
    assert_eq!(found(&answer(theirs), &answer(ours)), wanted);
}

#[track_caller]
fn in_request(theirs: &Value, ours: &Value, wanted: &[&str]) {
    assert_eq!(found(&body(theirs), &body(ours)), wanted);
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[test]
fn operations() {
    let theirs = document(&json!({"operationId": "a", "responses": {}}));
    let elsewhere = Document::new(json!({"paths": {"/core/things/": {"get": {"responses": {}}}}}));
    let report = compare(&theirs, &elsewhere, &Options::default());
    assert_eq!(report.missing, [("POST".to_owned(), "/core/things/".to_owned())]);
    let line = "core                        1       0       0\n0 of 1 operations exact (0.0 %)";
    assert!(report.to_string().ends_with(line), "{report}");
    assert!(format!("{report:#}").starts_with("missing  POST /core/things/\n"));

    let prefixed = json!({"paths": {"/api/v3/core/things/": {"post": {"operationId": "a", "responses": {}}}}});
    assert_eq!(compare(&theirs, &Document::new(prefixed), &Options::default()).exact, 1);

    let other = json!({"operationId": "b", "responses": {}});
    assert_eq!(found(&json!({"operationId": "a", "responses": {}}), &other), ["operationId is a there"]);
    assert_eq!(found(&json!({"responses": {}}), &other), ["operationId is None there"]);
}

#[test]
fn groups_and_the_enterprise_part() {
    let paths = json!({"/core/a/": {"get": {}}, "/core/users/export/": {"get": {}}, "/stages/source/": {"get": {}}});
    let paths = Document::new(json!({"paths": paths}));
    let total = |groups: &[&str], include_enterprise| {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        compare(&paths, &paths, &Options { groups, include_enterprise }).total
    };
    assert_eq!((total(&[], false), total(&[], true)), (1, 3));
    assert_eq!((total(&["core/users"], true), total(&["stages", "core"], true), total(&["x"], true)), (1, 3, 0));
}

#[test]
fn query_parameters() {
    let page = json!({"in": "query", "name": "page", "schema": {"type": "integer"}});
    let text = json!({"in": "query", "name": "page", "schema": {"type": "string"}});
    let shared = json!({"$ref": "#/components/parameters/Page"});
    let path = json!({"in": "path", "name": "id", "schema": {"type": "string"}});
    assert!(found(&query(&json!([page, path])), &query(&json!([shared]))).is_empty(), "references, and only the query");
    assert_eq!(found(&query(&json!([page])), &query(&json!([]))), ["query page: missing"]);
    assert_eq!(found(&query(&json!([])), &query(&json!([page]))), ["query page: only here"]);
    assert_eq!(found(&query(&json!([page])), &query(&json!([text]))), ["query page: type integer there, string here"]);
    let item = |operation: &Value| Document::new(json!({"paths": {"/a/": {"parameters": [page], "get": operation}}}));
    let own = Document::new(json!({"paths": {"/a/": {"get": query(&json!([page]))}}}));
    assert_eq!(compare(&own, &item(&json!({"responses": {}})), &Options::default()).exact, 1, "of the whole path");
    assert_eq!(compare(&own, &item(&query(&json!([text]))), &Options::default()).exact, 0, "the operation's own wins");
}

#[test]
fn types_and_formats() {
    let text = json!({"type": "string"});
    let uuid = json!({"type": "string", "format": "uuid"});
    in_answer(&text, &json!({"type": "string", "title": "A", "format": "password"}), &[]);
    in_answer(&text, &json!({"type": "integer"}), &["answer: type string there, integer here"]);
    in_answer(&uuid, &text, &["answer: format uuid there, None here"]);
    in_answer(&text, &uuid, &["answer: format None there, uuid here"]);
    in_answer(&text, &json!({}), &["answer: untyped here"]);
    in_answer(&json!({}), &text, &[]);
    assert_eq!(found(&answer(&text), &json!({"responses": {"200": {}}})), ["answer: missing"]);
    assert!(found(&json!({"responses": {"200": {}}}), &answer(&text)).is_empty());
    let dangling = ["answer: untyped here"];
    assert_eq!(found(&answer(&text), &answer(&reference("Nowhere"))), dangling);
}

#[test]
fn nullability() {
    let plain = json!({"type": "string"});
    let nullable = json!({"type": "string", "nullable": true});
    in_answer(&nullable, &json!({"type": ["string", "null"]}), &[]);
    in_answer(&nullable, &json!({"oneOf": [{"type": "string"}, {"type": "null"}]}), &[]);
    in_answer(&nullable, &plain, &["answer: nullable there is True"]);
    in_answer(&plain, &nullable, &["answer: nullable there is False"]);
    let kind = json!({"oneOf": [reference("Kind"), reference("Blank"), reference("Null")]});
    in_answer(&kind, &json!({"allOf": [reference("Kind")], "nullable": true}), &[]);
    in_answer(&kind, &reference("Kind"), &["answer: nullable there is True"]);
    in_answer(&kind, &json!({"enum": ["b", "a", null]}), &[]);
    let wrong = json!({"type": "array", "items": plain, "nullable": true});
    in_answer(&json!({"type": "array", "items": plain}), &wrong, &["answer: nullable there is False"]);
    let wrong = json!({"type": "object", "nullable": true});
    in_answer(&json!({"type": "object"}), &wrong, &["answer: nullable there is False"]);
}

#[test]
fn enums() {
    let more = json!({"type": "string", "enum": ["a", "b", "c"]});
    in_answer(&reference("Kind"), &json!({"type": "string", "enum": ["b", "a"]}), &[]);
    in_answer(&reference("Kind"), &more, &["answer: enum ['a', 'b'] there, ['a', 'b', 'c'] here"]);
    in_answer(&reference("Kind"), &json!({"type": "string"}), &["answer: enum ['a', 'b'] there, None here"]);
    in_answer(&json!({"type": "string"}), &reference("Kind"), &["answer: enum None there, ['a', 'b'] here"]);
    in_answer(&json!({"enum": ["a"]}), &json!({"const": "a"}), &[]);
    in_answer(&json!({"enum": ["a"]}), &json!({"const": true}), &["answer: enum ['a'] there, ['True'] here"]);
}

#[test]
fn unions_and_discriminators() {
    let (a, b) = (reference("A"), reference("B"));
    let plain = json!({"oneOf": [a, b]});
    let wrong = ["answer: union ['A', 'B'] there, ['A', 'Kind'] here"];
    in_answer(&plain, &json!({"anyOf": [b, a]}), &[]);
    in_answer(&plain, &json!({"oneOf": [a, reference("Kind")]}), &wrong);
    in_answer(&plain, &a, &["answer: union ['A', 'B'] there, None here"]);
    let mapped = |names: Value| json!({"oneOf": [a, b], "discriminator": {"propertyName": "kind", "mapping": names}});
    let theirs = mapped(json!({"x": "#/components/schemas/A", "y": "#/components/schemas/B"}));
    let ours = mapped(json!({"x": "#/components/schemas/A", "z": "#/components/schemas/B"}));
    in_answer(&theirs, &theirs, &[]);
    in_answer(&theirs, &ours, &["answer: union ['x', 'y'] there, ['x', 'z'] here"]);
    in_answer(&theirs, &plain, &["answer: union ['x', 'y'] there, ['A', 'B'] here"]);
}

#[test]
fn objects() {
    let theirs = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let more = json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]});
    in_answer(&theirs, &more, &[]);
    in_request(&theirs, &theirs, &[]);
    in_request(&theirs, &more, &["request.b: only here", "request: required differs: ['b']"]);
    let required = "required differs: ['b']";
    in_answer(&more, &theirs, &["answer.b: missing", &format!("answer: {required}")]);
    in_request(&more, &theirs, &["request.b: missing", &format!("request: {required}")]);
    in_answer(&theirs, &json!({"type": "string"}), &["answer: an object there"]);
    in_answer(&json!({"type": "string"}), &theirs, &["answer: type string there, None here"]);
    in_request(&json!({"type": "object"}), &theirs, &["request: required differs: ['a']"]);
    let deep =
        |inner: &str| json!({"type": "object", "properties": {"x": {"type": "array", "items": {"type": inner}}}});
    in_answer(&deep("string"), &deep("integer"), &["answer.x[]: type string there, integer here"]);
    in_answer(&deep("string"), &json!({"type": "object"}), &["answer.x: missing"]);
}

#[test]
fn arrays_and_trees() {
    let strings = json!({"type": "array", "items": {"type": "string"}});
    in_answer(&strings, &json!({"type": "string"}), &["answer: an array there"]);
    in_answer(&strings, &json!({"type": "array"}), &["answer[]: untyped here"]);
    let loose = json!({"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array"}}});
    in_answer(&reference("Tree"), &loose, &[]);
    let nested = |last: &str, depth: usize| {
        (0..depth).fold(json!({"type": last}), |inner, _| json!({"type": "array", "items": inner}))
    };
    let wrong = "answer[][][][][][][]: type string there, integer here";
    in_answer(&nested("string", 7), &nested("integer", 7), &[wrong]);
    in_answer(&nested("string", 8), &nested("integer", 8), &[]);
}

#[test]
fn bodies_and_statuses() {
    let form = json!({"requestBody": {"content": {"multipart/form-data": {"schema": {}}}}, "responses": {}});
    let none = json!({"responses": {}});
    assert!(found(&form, &form).is_empty());
    assert_eq!(found(&form, &none), ["request: missing"]);
    assert!(found(&none, &form).is_empty());
    let text = json!({"type": "string"});
    assert_eq!(found(&body(&text), &form), ["request: type string there, None here"]);
    assert_eq!(found(&body(&text), &none), ["request: missing"]);

    let created = json!({"responses": {"201": {}, "400": {}}});
    let both = json!({"responses": {"200": {}, "201": {}}});
    assert!(found(&created, &both).is_empty());
    assert_eq!(found(&both, &created), ["status ['200', '201'] there, ['201'] here"]);
    let shared = json!({"responses": {"200": {"$ref": "#/components/responses/Ok"}}});
    assert!(found(&shared, &answer(&reference("A"))).is_empty());
    assert_eq!(found(&shared, &answer(&reference("B"))), ["answer.a: missing"]);
}
