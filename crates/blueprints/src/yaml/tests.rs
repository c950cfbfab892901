//! Scalars against a table, errors with their lines, limits, merge keys, and texts that make no sense.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn value(text: &str) -> Value {
    parse(text).and_then(|node| node.to_value()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    parse(text).map(|node| panic!("{text}: parsed as {node:?}")).unwrap_err().to_string()
}

#[test]
fn plain_scalars_mean_what_pyyaml_reads() {
    let table = [
        ("yes", json!(true)),
        ("On", json!(true)),
        ("TRUE", json!(true)),
        ("no", json!(false)),
        ("OFF", json!(false)),
        ("False", json!(false)),
        ("y", json!("y")),
        ("n", json!("n")),
        ("yEs", json!("yEs")),
        ("~", Value::Null),
        ("Null", Value::Null),
        ("nUll", json!("nUll")),
        ("0", json!(0)),
        ("-0", json!(0)),
        ("+12", json!(12)),
        ("1_000", json!(1000)),
        ("010", json!(8)),
        ("-0_17", json!(-15)),
        ("0o17", json!(15)),
        ("08", json!("08")),
        ("0b101", json!(5)),
        ("0b", json!("0b")),
        ("0xFf", json!(255)),
        ("0x", json!("0x")),
        ("1:30", json!(90)),
        ("1:60", json!("1:60")),
        ("01:30", json!("01:30")),
        ("190:20:30", json!(685_230)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1.5", json!(1.5)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("-.5", json!("-.5")),
        ("1_0.2_5", json!(10.25)),
        ("1.0e+3", json!(1000.0)),
        ("1.0e3", json!("1.0e3")),
        ("1e3", json!("1e3")),
        ("1:30.5", json!(90.5)),
        ("1.2.3", json!("1.2.3")),
        ("2024-01-01", json!("2024-01-01")),
        ("2024-01-01 10:00:00", json!("2024-01-01 10:00:00")),
        ("203d449e-a69a-44ca-8220-5f09cc6c2a9a", json!("203d449e-a69a-44ca-8220-5f09cc6c2a9a")),
        ("seconds=0", json!("seconds=0")),
        ("'yes'", json!("yes")),
        ("\"010\"", json!("010")),
        ("!!str yes", json!("yes")),
        ("!!int \"12\"", json!(12)),
        ("!!float 1", json!(1.0)),
        ("!!bool 'no'", json!(false)),
        ("!!null ''", Value::Null),
        ("! 12", json!("12")),
        ("|\n  yes\n", json!("yes\n")),
    ];
    for (text, expected) in table {
        assert_eq!(value(text), expected, "{text}");
    }
    for (text, expected) in [(".inf", f64::INFINITY), ("-.INF", f64::NEG_INFINITY)] {
        assert_eq!(parse(text).unwrap().value, NodeValue::Float(expected));
    }
    assert!(matches!(parse(".nan").unwrap().value, NodeValue::Float(value) if value.is_nan()));
}

#[test]
fn nothing_is_null() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}", "---\n...\n"] {
        assert_eq!(value(text), Value::Null, "{text:?}");
    }
}

#[test]
fn collections_keep_their_order_and_nodes_their_place() {
    let node = parse("b: 1\na:\n  - x\n  - {c: !KeyOf yes}\n").unwrap();
    assert_eq!(node.get("b").map(|node| (node.line, node.column)), Some((1, 4)));
    let NodeValue::Mapping(pairs) = &node.value else { panic!("{node:?}") };
    assert_eq!(pairs.iter().filter_map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    let NodeValue::Sequence(items) = &node.get("a").unwrap().value else { panic!("{node:?}") };
    assert_eq!((items[0].line, items[0].column), (3, 5));
    let tagged = items[1].get("c").unwrap();
    assert_eq!(tagged.line, 4);
    let NodeValue::Tagged(tag, inner) = &tagged.value else { panic!("{tagged:?}") };
    assert_eq!((tag.as_str(), inner.as_str(), inner.line), ("!KeyOf", Some("yes"), 4));
}

#[test]
fn keys_become_text() {
    assert_eq!(value("{1: a, yes: b, ~: c, 1.5: d}"), json!({"1": "a", "true": "b", "null": "c", "1.5": "d"}));
}

#[test]
fn merge_keys_fill_in_what_is_missing() {
    let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\none: {b: 9, <<: *base}\n\
        two:\n  <<: [*base, *more]\n  d: 5\n";
    let all = value(text);
    assert_eq!(all["one"], json!({"a": 1, "b": 9}));
    assert_eq!(all["two"], json!({"b": 2, "c": 4, "a": 1, "d": 5}));
    assert_eq!(value("{'<<': 1}"), json!({"<<": 1}), "in quotes it is a key like any other");
    assert_eq!(error("a: 1\nb:\n  <<: 5\n"), "line 3: the merge key << needs a mapping or a list of mappings");
    assert_eq!(error("<<: [{}, x]"), "line 1: the merge key << needs a mapping or a list of mappings");
}

#[test]
fn errors_name_line_and_column() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key `a` is already in this mapping"),
        ("{1: a, '1': b}", "line 1: the key `1` is already in this mapping"),
        ("a:\n  ? [x]\n  : 1\n", "line 2: a key must be a single value, this is a list"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins here; a blueprint is one document"),
        ("x:\n  - &a [*a]\n", "line 2: the alias stands inside the value it names"),
        (
            "x: 99999999999999999999",
            "line 1: the integer `99999999999999999999` does not fit into 64 bits; quote it if it is text",
        ),
        ("\nx: !!int abc", "line 2: `abc` is no !!int"),
        ("x: !!binary aGk=", "line 1: the tag tag:yaml.org,2002:binary is not supported"),
        ("x: !!map [1]", "line 1: the tag !!map does not fit here"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    for (text, line) in [("a: [1,\nb: }", 2), ("a:\n\t- b", 2), ("a: 'x", 1), ("a: *nowhere", 1), ("a: b: c", 1)] {
        let error = parse(text).unwrap_err();
        assert!(error.message.starts_with("YAML: "), "{text}: {error}");
        assert!(error.line >= line && error.line <= line + 1 && error.column >= 1, "{text}: {error:?}");
    }
    assert_eq!(parse("a:\n  - .inf").unwrap().to_value().unwrap_err().line, 2);
    assert_eq!(parse("a: !KeyOf b").unwrap().to_value().unwrap_err().message, "the tag !KeyOf is not allowed here");
}

#[test]
fn depth_is_limited_however_it_is_made() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(error(&deep(MAX_DEPTH + 1)), "line 1: nested deeper than 64 levels");
    assert_eq!(error(&"- ".repeat(200_000)), "line 1: nested deeper than 64 levels");
    for open in ["{a: ", "[", "? "] {
        // Either limit will do: the parser's own or ours.
        let error = error(&open.repeat(200_000));
        assert!(error.contains("nested deeper") || error.contains("recursion limit"), "{error}");
    }
    let half = MAX_DEPTH / 2 + 1;
    let aliased = format!("- &a {}\n- {}*a{}\n", deep(half), "[".repeat(half), "]".repeat(half));
    assert_eq!(error(&aliased), "line 2: the alias nests deeper than 64 levels");
}

#[test]
fn what_aliases_expand_to_is_limited() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..=9 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{uses}]").unwrap();
    }
    assert_eq!(error(&bomb), "line 5: the document expands to more than 100000 values or 16777216 bytes of text");
    let long = format!("- &a {}\n- [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
    assert_eq!(error(&long), "line 2: the document expands to more than 100000 values or 16777216 bytes of text");
    let keys = format!("- &a {{k: {}}}\n{}", "x".repeat(100_000), "- {<<: *a}\n".repeat(1000));
    assert!(error(&keys).starts_with("line 168: the document expands"), "{}", error(&keys));
    assert!(parse(&"- 1\n".repeat(99_999)).is_ok());
    assert!(error(&"- 1\n".repeat(100_000)).starts_with("line 100000: the document expands"));
}

#[test]
fn size_is_limited() {
    let text = format!("# {}\n", "x".repeat(MAX_BYTES));
    assert_eq!(error(&text), "line 1: the document is larger than 1048576 bytes");
}

#[test]
fn many_keys_and_anchors_take_no_long_time() {
    let mut keys = String::new();
    (0..40_000).for_each(|n| writeln!(keys, "k{n}: &a{n} v").unwrap());
    assert_eq!(value(&keys).as_object().map(serde_json::Map::len), Some(40_000));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r"([\[\]{}:,?!&*|>'\x22%@`#\-~<. \n\t0-9a-e=]|<<: |\*a|&a |- |!!int |---\n|é){0,60}") {
        if let Ok(node) = parse(&text) {
            let _ = node.to_value();
        }
    }

    #[test]
    fn no_characters_make_the_parser_panic(text in "(?s).{0,80}") {
        let _ = parse(&text).map(|node| node.to_value());
    }
}

#[test]
fn a_set_is_a_list_of_its_members() {
    let value = |text: &str| parse(text).unwrap().to_value().unwrap();
    assert_eq!(value("a: !!set {b, c, 1}"), serde_json::json!({"a": ["b", "c", 1]}));
    assert_eq!(value("!!set\n? x\n? y\n"), serde_json::json!(["x", "y"]));
    assert_eq!(value("!!set {}"), serde_json::json!([]));
    assert_eq!(parse("!!set {a: 1}").unwrap_err().to_string(), "line 1: the members of a !!set have no values");
    assert!(parse("!!set {a, a}").is_err());
    assert!(parse("!!set [a]").is_err());
}
