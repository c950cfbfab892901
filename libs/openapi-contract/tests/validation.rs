//! Answers against their schema.

use serde_json::{Value, json};
use vestibule_openapi_contract::{Document, validate};

fn root() -> Value {
    json!({
        "paths": {"/api/v3/things/": {"get": {"responses": {
            "200": {"$ref": "#/components/responses/Thing"}, "4XX": {"content": {"text/plain": {}}},
            "default": {"content": {"application/problem+json": {"schema": {"type": "string"}}}}
        }}}},
        "components": {
            "responses": {"Thing": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cat"}}}}},
            "schemas": {
                "Cat": {
                    "type": "object", "required": ["kind", "lives"],
                    "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}
                },
                "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
                "Size": {"type": "string", "enum": ["s", "l"]},
                "Blank": {"enum": [""]},
                "Null": {"enum": [null]},
                "Tree": {"type": "object", "properties": {
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
                }, "additionalProperties": false},
                "Circle": {"$ref": "#/components/schemas/Circle"},
                "Knot": {"allOf": [{"$ref": "#/components/schemas/Knot"}]}
            }
        }
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Whether these and only these messages come of it.
#[track_caller]
fn check(schema: &Value, instance: &Value, wanted: &[&str]) {
    assert_eq!(validate(&root(), schema, instance), wanted);
}

#[track_caller]
fn good(schema: &Value, instances: &[Value]) {
    for instance in instances {
        check(schema, instance, &[]);
    }
}

#[test]
fn types() {
    let examples = [
        ("string", json!("a")),
        ("integer", json!(1)),
        ("boolean", json!(true)),
        ("array", json!([])),
        ("object", json!({})),
        ("number", json!(1.5)),
    ];
    for (name, _) in &examples {
        for (other, instance) in &examples {
            let fits = name == other || (*name == "number" && *other == "integer");
            let found = validate(&root(), &json!({"type": name}), instance);
            assert_eq!(found.is_empty(), fits, "{instance} as {name}: {found:?}");
        }
    }
    check(&json!({"type": "integer"}), &json!("a"), &["$: not of type integer: \"a\""]);
    check(&json!({"type": ["integer", "null"]}), &json!("a"), &["$: not of type integer or null: \"a\""]);
    check(&json!({"properties": {}}), &json!("a"), &["$: not of type object: \"a\""]);
    good(&json!({}), &[json!(null), json!(1), json!({"a": []})]);
    good(&json!(true), &[json!(1)]);
    check(&json!(false), &json!(1), &["$: not allowed at all"]);
    check(&json!(1), &json!(1), &["$: no schema: 1"]);
}

#[test]
fn null() {
    let size = reference("Size");
    good(&json!({"type": "string", "nullable": true}), &[json!(null), json!("a")]);
    good(&json!({"type": ["string", "null"]}), &[json!(null), json!("a")]);
    good(&json!({"allOf": [size], "nullable": true}), &[json!(null), json!("s")]);
    good(&json!({"oneOf": [size, reference("Blank"), reference("Null")]}), &[json!(null), json!("s"), json!("")]);
    good(&reference("Null"), &[json!(null)]);
    let never = [
        json!({"type": "string"}),
        size.clone(),
        reference("Blank"),
        json!({"allOf": [size]}),
        json!({"anyOf": [size, reference("Cat")]}),
        json!({"properties": {}}),
        json!({"const": 1}),
        reference("Knot"),
    ];
    for schema in never {
        check(&schema, &json!(null), &["$: null is not allowed"]);
    }
}

#[test]
fn values() {
    check(&reference("Size"), &json!("m"), &["$: not one of the enum: \"m\""]);
    check(&json!({"const": 1}), &json!(2), &["$: not the constant: 2"]);
    let uuid = json!({"type": "string", "format": "uuid"});
    check(&uuid, &json!("1"), &["$: not a uuid: \"1\""]);
    good(&uuid, &[json!("0190163d-8694-739b-aea5-966c26f8ad91")]);
    check(&json!({"format": "date-time"}), &json!("now"), &["$: not a date-time: \"now\""]);
    check(&json!({"format": "int32"}), &json!(2_147_483_648_u32), &["$: not an int32: 2147483648"]);
    let long = json!("é".repeat(80));
    let shown = format!("$: not a uri: \"{}...", "é".repeat(59));
    check(&json!({"format": "uri"}), &long, &[&shown]);
}

#[test]
fn bounds() {
    let number = json!({"type": "number", "minimum": 1, "maximum": 9_223_372_036_854_775_807_i64});
    good(&number, &[json!(1), json!(9_223_372_036_854_775_807_i64), json!(1.5)]);
    check(&number, &json!(0), &["$: out of minimum: 0"]);
    check(&number, &json!(0.5), &["$: out of minimum: 0.5"]);
    check(&number, &json!(9_223_372_036_854_775_808_u64), &["$: out of maximum: 9223372036854775808"]);
    check(&json!({"minimum": 1, "exclusiveMinimum": true}), &json!(1), &["$: out of minimum: 1"]);
    check(&json!({"exclusiveMaximum": 1}), &json!(1), &["$: out of exclusiveMaximum: 1"]);
    let text = json!({"type": "string", "minLength": 1, "maxLength": 2});
    good(&text, &[json!("a"), json!("éé")]);
    check(&text, &json!(""), &["$: length 0 is below minLength 1"]);
    check(&text, &json!("abc"), &["$: length 3 is above maxLength 2"]);
    let list = json!({"type": "array", "items": {}, "minItems": 1, "maxItems": 1});
    good(&list, &[json!([null])]);
    check(&list, &json!([]), &["$: length 0 is below minItems 1"]);
    check(&list, &json!([1, 2]), &["$: length 2 is above maxItems 1"]);
}

#[test]
fn objects_and_arrays() {
    let cats = json!({"type": "object", "properties": {"results": {"type": "array", "items": reference("Cat")}}});
    good(&cats, &[json!({"results": [{"kind": "a", "lives": 9, "more": 1}]}), json!({})]);
    let wrong = json!({"results": [{"kind": "a", "lives": 9}, {"kind": 1}]});
    let messages = ["$.results[1].lives: required, but missing", "$.results[1].kind: not of type string: 1"];
    check(&cats, &wrong, &messages);
    good(&reference("Tree"), &[json!({"children": [{"children": []}]})]);
    check(&reference("Tree"), &json!({"children": [{"a": 1}]}), &["$.children[0].a: not a field of the schema"]);
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    good(&map, &[json!({"a": "b"})]);
    check(&map, &json!({"a": 1}), &["$.a: not of type string: 1"]);
    good(&json!({"type": "object", "additionalProperties": {}}), &[json!({"a": null})]);
    let secret = json!({
        "type": "object", "required": ["password"], "properties": {"password": {"type": "string", "writeOnly": true}}
    });
    good(&secret, &[json!({})]);
    check(&secret, &json!({"password": "a"}), &["$.password: write-only, but in an answer"]);
}

#[test]
fn compositions() {
    let (cat, dog) = (reference("Cat"), reference("Dog"));
    let both = json!({"allOf": [dog, {"properties": {"age": {"type": "integer"}}, "required": ["age"]}]});
    good(&both, &[json!({"kind": "a", "age": 1})]);
    check(&both, &json!({"age": "1"}), &["$.kind: required, but missing", "$.age: not of type integer: \"1\""]);
    let any = json!({"anyOf": [cat, dog]});
    good(&any, &[json!({"kind": "a", "lives": 9}), json!({"kind": "a"})]);
    let message = "$: fits no part of anyOf: {\"a\":1} (closest: $.kind: required, but missing)";
    check(&any, &json!({"a": 1}), &[message]);
    let one = json!({"oneOf": [cat, dog]});
    good(&one, &[json!({"kind": "a"})]);
    let two = json!({"kind": "a", "lives": 9});
    check(&one, &two, &["$: fits 2 parts of oneOf: {\"kind\":\"a\",\"lives\":9}"]);
}

#[test]
fn discriminators() {
    let parts = json!([reference("Cat"), reference("Dog")]);
    let mapping = json!({"cat": "#/components/schemas/Cat", "dog": "Dog", "cow": "#/components/schemas/Cow"});
    let schema = json!({"oneOf": parts, "discriminator": {"propertyName": "kind", "mapping": mapping}});
    good(&schema, &[json!({"kind": "cat", "lives": 9}), json!({"kind": "dog"}), json!({"kind": "Dog"})]);
    check(&schema, &json!({"kind": "cat"}), &["$.lives: required, but missing"]);
    check(&schema, &json!({"lives": 9}), &["$.kind: the discriminator is missing"]);
    check(&schema, &json!([]), &["$.kind: the discriminator is missing"]);
    check(&schema, &json!({"kind": "fish"}), &["$.kind: no such discriminator: \"fish\""]);
    let nowhere = "$.kind: the discriminator leads nowhere: #/components/schemas/Cow";
    check(&schema, &json!({"kind": "cow"}), &[nowhere]);
}

#[test]
fn references_that_lead_nowhere() {
    let message =
        |name: &str| format!("$: the schema's reference leads nowhere: {{\"$ref\":\"#/components/schemas/{name}\"}}");
    check(&reference("Cow"), &json!(1), &[&message("Cow")]);
    check(&reference("Circle"), &json!(1), &[&message("Circle")]);
    check(&reference("Knot"), &json!(1), &["$: the schema goes round in circles"]);
}

#[test]
fn an_operations_answer() {
    let document = Document::new(root());
    assert_eq!(document.operations().collect::<Vec<_>>(), [("GET".to_owned(), "/things/")]);
    let schema = document.answer_schema("GET", "/things/", 200).unwrap();
    assert_eq!(validate(document.root(), schema, &json!({"kind": "a"})), ["$.lives: required, but missing"]);
    assert_eq!(document.answer_schema("get", "/things/", 404), None, "no JSON");
    assert_eq!(document.answer_schema("GET", "/things/", 500), Some(&json!({"type": "string"})));
    assert_eq!(document.answer_schema("POST", "/things/", 200), None);
}
