//! What is written is read back the same: by our own reader, and by one of YAML 1.2.

use proptest::prelude::*;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, json};

use super::*;
use crate::yaml::{NodeValue, parse};

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        r"[a-zA-Z0-9 :#\-\n\t'\x22,\[\]{}&*!|>%@`.\\=?~]{0,30}",
        r"([a-z# ]{0,6}\n){0,4}[a-z: ]{0,6}",
        "[0-9_.:eExXoOb+\\-]{1,10}",
        prop::sample::select(vec![
            "yes",
            "On",
            "NULL",
            "~",
            "<<",
            "=",
            "2024-01-01",
            "0o17",
            "1e3",
            ".inf",
            "---",
            "y"
        ])
        .prop_map(str::to_owned),
    ];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The value as a reader of YAML 1.2 has it.
fn read_1_2(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(read_1_2).collect(),
        Yaml::Mapping(pairs) => pairs
            .iter()
            .map(|(key, value)| (key.as_str().expect("a text as key").to_owned(), read_1_2(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => panic!("{other:?}"),
    }
}

fn has_large_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_u64() && !number.is_i64(),
        Value::Array(items) => items.iter().any(has_large_integer),
        Value::Object(object) => object.values().any(has_large_integer),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_value_comes_back(value in values()) {
        let text = write_value(&value);
        let back = parse(&text).and_then(|node| node.to_value());
        prop_assert_eq!(back.as_ref(), Ok(&value), "{}", text);
    }

    #[test]
    fn every_value_comes_back_in_yaml_1_2(value in values()) {
        // The reader that compares has no integers beyond `i64`.
        prop_assume!(!has_large_integer(&value));
        let text = write_value(&value);
        let back = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(read_1_2(&back[0]), value, "{}", text);
    }

    #[test]
    fn every_value_comes_back_from_one_line(value in values()) {
        let text = write(&Output::Tagged("!Any".to_owned(), Box::new(Output::Sequence(vec![value.clone().into()]))));
        let node = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let NodeValue::Tagged(tag, inner) = &node.value else { panic!("{text}") };
        prop_assert_eq!(tag, "!Any");
        prop_assert_eq!(inner.to_value(), Ok(json!([value])), "{}", text);
        prop_assert_eq!(text.lines().count(), 1);
    }
}

#[test]
fn a_document_looks_as_a_person_would_write_it() {
    let output = Output::Mapping(vec![
        ("version".to_owned(), json!(1).into()),
        (
            "metadata".to_owned(),
            json!({"name": "Export", "labels": {"blueprints.goauthentik.io/generated": "true"}}).into(),
        ),
        ("context".to_owned(), json!({}).into()),
        (
            "entries".to_owned(),
            Output::Sequence(vec![Output::Mapping(vec![
                ("model".to_owned(), json!("authentik_flows.flow").into()),
                ("identifiers".to_owned(), json!({"pk": "203d449e-a69a-44ca-8220-5f09cc6c2a9a"}).into()),
                (
                    "attrs".to_owned(),
                    Output::Mapping(vec![
                        ("name".to_owned(), json!("Welcome!").into()),
                        ("expression".to_owned(), json!("if x:\n    return True\n\nreturn False\n").into()),
                        ("sources".to_owned(), json!([]).into()),
                        ("fields".to_owned(), json!(["email", ["a", "b"], {"x": 1.5, "z": null}]).into()),
                        (
                            "stage".to_owned(),
                            Output::find("authentik_flows.stage", [("name".to_owned(), json!("a, b").into())]),
                        ),
                        ("target".to_owned(), Output::key_of("flow")),
                    ]),
                ),
            ])]),
        ),
    ]);
    let expected = r#"version: 1
metadata:
  name: Export
  labels:
    blueprints.goauthentik.io/generated: "true"
context: {}
entries:
  - model: authentik_flows.flow
    identifiers:
      pk: 203d449e-a69a-44ca-8220-5f09cc6c2a9a
    attrs:
      name: Welcome!
      expression: |
        if x:
            return True

        return False
      sources: []
      fields:
        - email
        - - a
          - b
        - x: 1.5
          z: null
      stage: !Find [authentik_flows.stage, [name, "a, b"]]
      target: !KeyOf flow
"#;
    assert_eq!(write(&output), expected);
    assert_eq!(crate::Blueprint::parse(expected).map(|blueprint| blueprint.entries.len()), Ok(1));
}

#[test]
fn what_looks_like_something_else_is_quoted() {
    for text in [
        "",
        " a",
        "a ",
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "null",
        "~",
        "true",
        "1",
        "1.5",
        "0x1f",
        "0o17",
        "010",
        "1e3",
        "1:30",
        "2024-01-01",
        "2024-01-01T10:00:00Z",
        ".inf",
        "-",
        "- a",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "<<",
        "=",
        "@a",
        "`a",
        "%a",
        "*a",
        "&a",
        "!a",
        "[a",
        "{a",
        "|",
        ">",
        "?",
        "'a",
        "\"a",
        "---",
        "...",
        "a\tb",
        "\u{feff}",
        "\u{2028}",
        "a  b",
    ] {
        let written = write_value(&json!(text));
        assert!(written.starts_with('"'), "{text:?} became {written}");
    }
    for text in
        ["a", "seconds=0", "a.b.c", "https://example.com/a?b=c", "days=30", "it's", "Größe", "/media/x.png", "a, b"]
    {
        assert_eq!(write_value(&json!(text)), format!("{text}\n"));
    }
}

#[test]
fn texts_of_several_lines_are_blocks_where_that_is_safe() {
    assert_eq!(write_value(&json!({"a": "x\ny"})), "a: |-\n  x\n  y\n");
    assert_eq!(write_value(&json!({"a": "x\n\ty: 1 # 2\n"})), "a: \"x\\n\\ty: 1 # 2\\n\"\n");
    for text in [" x\ny", "\nx", "x\n\n", "x\r\ny", "x\n \ny", "x\n\ty", "x\n\u{0}", "\n"] {
        assert!(write_value(&json!({"a": text})).starts_with("a: \""), "{text:?}");
    }
    assert_eq!(write_value(&json!("# x\n---\n")), "|\n  # x\n  ---\n");
}

#[test]
fn floats_are_floats_to_every_reader() {
    for (value, text) in
        [(1.0, "1.0"), (-0.0, "-0.0"), (1e300, "1.0e+300"), (1.5e-9, "1.5e-9"), (0.1, "0.1"), (123_456.75, "123456.75")]
    {
        assert_eq!(write_value(&json!(value)), format!("{text}\n"));
    }
}

#[test]
fn a_long_key_is_announced() {
    let key = "k ".repeat(600);
    let text = write_value(&json!({&key: {"a": [1]}}));
    assert!(text.starts_with("? \"k "));
    assert_eq!(parse(&text).and_then(|node| node.to_value()), Ok(json!({&key: {"a": [1]}})));
}
