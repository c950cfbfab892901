//! The parser: what it reads, what it leaves to words, and that nothing upsets it.

use proptest::prelude::*;

use super::parser::{Comparison, Expression, Operator, Value, parse};

fn comparison(text: &str) -> Option<Comparison> {
    match parse(text)? {
        Expression::Comparison(comparison) => Some(comparison),
        _ => None,
    }
}

/// An expression with parentheses around all of it.
fn shape(expression: &Expression) -> String {
    match expression {
        Expression::And(left, right) => format!("({} and {})", shape(left), shape(right)),
        Expression::Or(left, right) => format!("({} or {})", shape(left), shape(right)),
        Expression::Comparison(comparison) => comparison.path.join("."),
    }
}

#[test]
fn comparisons_are_read() {
    let text = |text: &str| Value::Text(text.into());
    for (written, path, operator, negated, values) in [
        ("username = \"akadmin\"", "username", Operator::Is, false, vec![text("akadmin")]),
        ("a.b_c.D1!=\"\\\"\\u00fc\\n\"", "a.b_c.D1", Operator::Is, true, vec![text("\"ü\n")]),
        ("a > -5", "a", Operator::Greater, false, vec![Value::Integer(-5)]),
        ("a >= 1.5e2", "a", Operator::AtLeast, false, vec![Value::Number(150.0)]),
        ("a <= 0", "a", Operator::AtMost, false, vec![Value::Integer(0)]),
        ("a ~ \"x\"", "a", Operator::Contains, false, vec![text("x")]),
        ("a !~ \"x\"", "a", Operator::Contains, true, vec![text("x")]),
        ("a startswith \"x\"", "a", Operator::Begins, false, vec![text("x")]),
        ("a not endswith \"x\"", "a", Operator::Ends, true, vec![text("x")]),
        ("a = None", "a", Operator::Is, false, vec![Value::Nothing]),
        (
            "a not in (\"x\", 2, True)",
            "a",
            Operator::Is,
            true,
            vec![text("x"), Value::Integer(2), Value::Boolean(true)],
        ),
    ] {
        let path = path.split('.').map(str::to_owned).collect();
        assert_eq!(comparison(written), Some(Comparison { path, operator, negated, values }), "{written}");
    }
}

#[test]
fn and_and_or_bind_alike_and_to_the_right() {
    for (written, read) in [
        ("a = 1 and b = 1 or c = 1", "(a and (b or c))"),
        ("a = 1 or b = 1 and c = 1", "(a or (b and c))"),
        ("(a = 1 and b = 1) or c = 1", "((a and b) or c)"),
        ("((a = 1))", "a"),
    ] {
        assert_eq!(parse(written).map(|expression| shape(&expression)).as_deref(), Some(read), "{written}");
    }
}

#[test]
fn what_is_no_expression_is_left_to_words() {
    for words in [
        "",
        "akadmin",
        "a b",
        "a =",
        "= \"a\"",
        "a = b",
        "a = 'b'",
        "(a = 1",
        "a = 1)",
        "a = 1 b = 2",
        "a = 1 and",
        "not a = 1",
        "a not = 1",
        "a > True",
        "a ~ 1",
        "a startswith None",
        "a in ()",
        "a in \"x\"",
        "a in (1 2)",
        "a = \"x",
        "a = \"\\x\"",
        "a = \"\\u12\"",
        "a = \"\\u0000\"",
        "a = 01",
        "a. = 1",
        "a..b = 1",
        "A = true",
        "a.1 = 1",
        "a = 1e999",
        "ü = 1",
    ] {
        assert_eq!(parse(words), None, "{words}");
    }
}

#[test]
fn depth_and_length_have_ends() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(32)).is_some() && parse(&nested(33)).is_none());
    let chain = |length: usize| vec!["a = 1"; length].join(" and ");
    assert!(parse(&chain(100)).is_some() && parse(&chain(101)).is_none());
    let list = |length: usize| format!("a in ({})", vec!["1"; length].join(","));
    assert!(parse(&list(200)).is_some() && parse(&list(201)).is_none());
    assert!(parse(&format!("a = \"{}\"", "x".repeat(5000))).is_none());
}

proptest! {
    #[test]
    fn nothing_upsets_the_parser(text in ".{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn nor_what_looks_like_an_expression(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "a", "a.b", "(", ")", ",", "=", "!=", ">", "<=", "~", "!~", "!", "and", "or", "not", "in", "startswith",
                "True", "None", "\"x\"", "\"\\u00e4\"", "\"", "\\", "1", "-1.5e3", "-", ".", "\u{a0}", "ü",
            ]),
            0..40,
        ),
        separator in prop::sample::select(vec!["", " "]),
    ) {
        let _ = parse(&parts.join(separator));
    }

    #[test]
    fn any_text_can_be_asked_for(text in "[^\\x00]{0,40}") {
        let written = serde_json::to_string(&text).unwrap();
        // JSON writes some control characters in ways that the language has too, and some lines' ends as they are.
        prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
        let read = comparison(&format!("a = {written}")).map(|comparison| comparison.values);
        prop_assert_eq!(read, Some(vec![Value::Text(text)]));
    }
}
