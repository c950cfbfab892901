//! Requests: what is wrong with a body, and which answers a client takes.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use serde_json::{Value, json};

use crate::http::{Query, json_object, negotiate, parse_json};

fn wrong(body: &[u8]) -> String {
    let message = parse_json(body).unwrap_err();
    message.strip_prefix("JSON parse error - ").unwrap().to_owned()
}

fn parts(header: Option<(http::HeaderName, &str)>) -> Parts {
    let mut request = http::Request::new(());
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request.into_parts().0
}

#[test]
fn malformed_json_is_named_with_its_place() {
    for (body, message) in [
        ("nope", "invalid literal: line 1 column 1 (char 0)"),
        ("not json", "invalid literal: line 1 column 1 (char 0)"),
        ("hello", "invalid literal: line 1 column 1 (char 0)"),
        ("[1, trux]", "invalid literal: line 1 column 5 (char 4)"),
        ("{\"a\": nul}", "invalid literal: line 1 column 7 (char 6)"),
        ("{\"name\":\"x\",}", "trailing comma is not allowed: line 1 column 12 (char 11)"),
        ("{\"name\":\"x\" ,\n }", "trailing comma is not allowed: line 1 column 13 (char 12)"),
        ("[1,\n2,\n]", "trailing comma is not allowed: line 2 column 2 (char 5)"),
        ("{\"a\": \"Ü\",}", "trailing comma is not allowed: line 1 column 10 (char 9)"),
        ("[\"ÜÜ\",\n\"ß\", no]", "invalid literal: line 2 column 6 (char 12)"),
        ("{\"a\": 1", "unexpected end of data: line 1 column 8 (char 7)"),
        ("{} {}", "unexpected content after document: line 1 column 4 (char 3)"),
    ] {
        assert_eq!(wrong(body.as_bytes()), message, "{body}");
    }
}

#[test]
fn what_is_no_utf_8_is_named_with_its_place() {
    for (body, message) in [
        (&b"\xff\xfe{\"name\":\"x\"}"[..], "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"\"\x80\"", "'utf-8' codec can't decode byte 0x80 in position 1: invalid start byte"),
        (b"\"\xc3\"", "'utf-8' codec can't decode byte 0xc3 in position 1: invalid continuation byte"),
        (b"\"\xe2\x82\"", "'utf-8' codec can't decode bytes in position 1-2: invalid continuation byte"),
        (b"\"\xc3", "'utf-8' codec can't decode byte 0xc3 in position 1: unexpected end of data"),
    ] {
        assert_eq!(wrong(body), message);
    }
}

#[test]
fn hostile_json_is_an_error_and_never_a_crash() {
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(wrong(&deep).starts_with("recursion limit exceeded"));
    for body in ["\u{feff}{}", "NaN", "1e999", "\"\\ud800\"", "{1: 2}", "{\"a\" 1}", "", "\n", "ÜÜ", "[1 2]", "\"\n\""]
    {
        wrong(body.as_bytes());
    }
}

#[test]
fn a_body_is_an_object_or_nothing() {
    let json_type = parts(Some((CONTENT_TYPE, "application/json; charset=utf-8")));
    let read =
        |body: &'static str| json_object(&json_type, &body.into()).map_err(|error| (error.status(), error.body()));
    assert_eq!(read("").unwrap().len(), 0);
    assert_eq!(read("{\"a\": 1}").unwrap().len(), 1);
    let refusal = |message: &str| (400, json!({ "non_field_errors": [message] }));
    assert_eq!(read("null").unwrap_err(), refusal("No data provided"));
    assert_eq!(read("[]").unwrap_err(), refusal("Invalid data. Expected a dictionary, but got list."));
    assert_eq!(read("\"str\"").unwrap_err(), refusal("Invalid data. Expected a dictionary, but got str."));

    let refused = |header: Option<&str>, body: &'static str| {
        let error = json_object(&parts(header.map(|value| (CONTENT_TYPE, value))), &body.into()).unwrap_err();
        (error.status(), error.body())
    };
    let refusal = |given: &str| (415, json!({ "detail": format!("Unsupported media type \"{given}\" in request.") }));
    assert_eq!(refused(Some("text/plain"), "{}"), refusal("text/plain"));
    assert_eq!(refused(Some("multipart/form-data; boundary=b"), "--b"), refusal("multipart/form-data; boundary=b"));
    assert_eq!(refused(None, "{}"), refusal(""));
    assert!(json_object(&parts(None), &"".into()).is_ok());
}

#[test]
fn answers_are_json_unless_an_operation_has_others() {
    let status = |accept: Option<&str>, query: &str, also: &[&str]| {
        let parts = parts(accept.map(|value| (ACCEPT, value)));
        negotiate(&parts, &Query::parse(query), also).map_or_else(|error| error.status(), |()| 200)
    };
    for accept in [None, Some("*/*"), Some("application/*"), Some("application/json;q=0.1"), Some("text/html, */*")] {
        assert_eq!(status(accept, "", &[]), 200, "{accept:?}");
    }
    assert_eq!(status(Some("text/html"), "", &[]), 406);
    assert_eq!(status(Some("application/yaml"), "", &[]), 406);
    assert_eq!(status(Some("application/yaml"), "", &["application/yaml"]), 200);
    assert_eq!(status(None, "format=json", &[]), 200);
    assert_eq!(status(None, "format=xml", &["application/yaml"]), 404);
    assert_eq!(status(None, "format=yaml", &[]), 404);
    assert_eq!(status(None, "format=yaml", &["application/yaml"]), 200);
}

#[test]
fn the_last_value_of_a_parameter_counts() {
    let query = Query::parse("a=1&b=%C3%9C+x&a=2&c");
    assert_eq!(
        (query.get("a"), query.get("b"), query.get("c"), query.get("d")),
        (Some("2"), Some("Ü x"), Some(""), None)
    );
    assert_eq!(query.all("a"), ["1", "2"]);
    assert_eq!(parse_json(b" {\"a\": null} ").unwrap()["a"], Value::Null);
}
