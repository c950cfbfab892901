//! Bad input: a clear refusal, nothing written, never a failure of the server.

use std::fmt::Write as _;

use http::Method;
use serde_json::json;
use vestibule_resource::{Field, Format, Kind, Shape};
use vestibule_testkit::Answer;

use crate::app::App;
use crate::conformance::Findings;
use crate::fixtures::{Fixtures, Named, Object, path};

/// What is wrong for a shape, each as JSON text.
fn wrong(shape: &Shape) -> Vec<String> {
    let texts: &[&str] = match shape {
        Shape::Text { .. } => &["{}", "[]", "true", "[\"x\"]", "\"a\\u0000b\"", "{\"a\":1}"],
        Shape::Boolean => &["{}", "[]", "\"perhaps\"", "2", "0.5", "[true]", "\"\\u0000\""],
        Shape::Integer { .. } => {
            &["{}", "[]", "true", "\"x\"", "1.5", "9223372036854775808", "1e300", "-1e18", "\"1e5\"", "\"\\u0000\""]
        }
        Shape::Float => &["{}", "[]", "true", "\"x\"", "\"NaN\"", "\"inf\"", "\"-Infinity\"", "\"\\u0000\""],
        Shape::Uuid => &["{}", "[]", "true", "5", "\"x\"", "\"\\u0000\""],
        Shape::Time => &["{}", "[]", "true", "5", "\"yesterday\"", "\"2026-13-45T00:00:00Z\"", "\"\\u0000\""],
        Shape::Choice(_) => &["{}", "[]", "true", "5", "\"none of them\"", "\"\\u0000\"", "[\"x\"]"],
        Shape::Reference(..) => &["{}", "[]", "true", "1.5", "\"x\"", "99999999999999999999", "\"\\u0000\"", "-1"],
        Shape::Map => &["[]", "true", "5", "\"x\"", "\"{}\""],
        Shape::List(item) => {
            let mut all: Vec<String> = ["{}", "true", "5", "\"x\"", "[null]"].map(str::to_owned).into();
            all.extend(wrong(item).into_iter().map(|item| format!("[{item}]")));
            return all;
        }
        Shape::Json | Shape::Schema(_) | Shape::Object(..) | Shape::Binary => &[],
    };
    let mut all: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    match shape {
        Shape::Text { max, min, blank, format, trim } => {
            if let Some(max) = max {
                all.push(format!("\"{}\"", "x".repeat(usize::try_from(*max).unwrap() + 1)));
            }
            if !blank || min.is_some_and(|min| min > 0) {
                // Spaces that are not cut off are as good as anything.
                all.extend(std::iter::once("\"\"".to_owned()).chain(trim.then(|| "\"  \"".to_owned())));
            }
            all.extend(match format {
                Format::Slug | Format::Identifier => vec!["\"a b\"".into(), "\"ü\"".into(), "\"a/../b\"".into()],
                Format::Url | Format::LaunchUrl => {
                    vec!["\"x\"".into(), "\"javascript:alert(1)\"".into(), "\"http://\"".into()]
                }
                Format::Email => vec!["\"x\"".into(), "\"a@b@\"".into(), "\"<script>@x\"".into()],
                Format::Duration => vec!["\"5 apples\"".into(), "\"hours=x\"".into(), "\"hours=-\"".into()],
                Format::Plain => vec![],
            });
        }
        Shape::Integer { min, max } => {
            all.extend([i128::from(*max) + 1, i128::from(*min) - 1].map(|number| number.to_string()));
        }
        _ => {}
    }
    all
}

/// A body as text, with one field replaced by a raw text.
fn with(body: &Object, name: &str, raw: &str) -> Vec<u8> {
    let mut text = String::from("{");
    for (key, value) in body.iter().filter(|(key, _)| *key != name) {
        let _ = write!(text, "{}:{value},", json!(key));
    }
    let _ = write!(text, "{}:{raw}}}", json!(name));
    text.into_bytes()
}

fn clear(answer: &Answer) -> bool {
    let body = answer.json();
    answer.status == 400 && body.as_object().is_some_and(|body| !body.is_empty())
}

#[tokio::test]
async fn wrong_values_of_every_field_are_refused_and_nothing_is_written() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut count = 0;
    for kind in fixtures.kinds() {
        let object = fixtures.create(kind, Named::All).await;
        let (list, path) = (kind.wire_path(), path(kind, &object));
        let body = fixtures.body(kind, Named::Required).await;
        let before = app.footprint().await;
        let shown = fixtures.admin.get(&path).await.text;
        for field in kind.fields.iter().filter(|field| field.is_writable()) {
            let mut all = wrong(&field.shape);
            if !field.nullable {
                all.push("null".into());
            }
            // A missing value is what an empty list of keys says.
            for raw in all.iter().filter(|raw| !is_fine(kind, field, raw)) {
                for (method, path) in [(Method::POST, &list), (Method::PATCH, &path)] {
                    let bytes = with(&body, field.name, raw);
                    let answer = fixtures.admin.send(method.clone(), path, Some("application/json"), bytes).await;
                    count += 1;
                    findings.check(clear(&answer), || {
                        format!("{method} {list} {}={raw}: {} {}", field.name, answer.status, answer.text)
                    });
                    let named = answer.json();
                    findings.check(!clear(&answer) || !named[field.name].is_null(), || {
                        format!("{method} {list} {}={raw}: another field is blamed: {named}", field.name)
                    });
                }
            }
        }
        let after = app.footprint().await;
        findings.check(after == before, || format!("{list}: wrote something: {before:?} {after:?}"));
        findings.check(fixtures.admin.get(&path).await.text == shown, || format!("{path}: changed"));
    }
    println!("{count} bad requests");
    findings.none();
}

/// What is no mistake although it looks like one.
fn is_fine(kind: &Kind, field: &Field, raw: &str) -> bool {
    // A key of nothing, where there is nothing that a key could be of.
    let no_keys = ["roles", "webauthn_allowed_device_types", "user_property_mappings", "group_property_mappings"];
    let name = field.name;
    no_keys.contains(&name) && raw == "[]"
        // Optional references and moments are emptied by an empty text.
        || matches!(field.shape, Shape::Reference(..)) && field.nullable && raw == "\"\""
        || kind.model() == "authentik_core.user" && name == "groups" && raw == "[]"
}

#[tokio::test]
async fn bodies_that_are_no_object_are_refused() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let deep_list = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let bodies: Vec<(Vec<u8>, u16)> = [
        ("null", 400),
        ("[]", 400),
        ("[{}]", 400),
        ("\"text\"", 400),
        ("5", 400),
        ("true", 400),
        ("{", 400),
        ("{\"name\": }", 400),
        ("{'name': 'x'}", 400),
        ("{\"name\": \"x\",}", 400),
        ("{\"name\": NaN}", 400),
        ("{\"name\": 1e999}", 400),
        ("{\"name\": \"\\ud800\"}", 400),
        ("\u{feff}{}", 400),
        (deep_list.as_str(), 400),
        (deep_object.as_str(), 400),
    ]
    .into_iter()
    .map(|(text, status)| (text.as_bytes().to_vec(), status))
    .chain([
        (b"{\"name\": \"\xff\xfe\"}".to_vec(), 400),
        (b"\xff".to_vec(), 400),
        (b"\x00".to_vec(), 400),
        (vec![b' '; 1 << 21], 413),
        ([b"{\"name\":\"".to_vec(), vec![b'x'; 1 << 21], b"\"}".to_vec()].concat(), 413),
    ])
    .collect();
    for kind in fixtures.kinds() {
        let object = fixtures.create(kind, Named::Required).await;
        let (list, path) = (kind.wire_path(), path(kind, &object));
        let before = app.footprint().await;
        for (body, status) in &bodies {
            for (method, path) in [(Method::POST, &list), (Method::PUT, &path), (Method::PATCH, &path)] {
                let answer = fixtures.admin.send(method.clone(), path, Some("application/json"), body.clone()).await;
                let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
                findings.check(answer.status == *status && answer.json().is_object(), || {
                    format!("{method} {path} {start}: {} {}", answer.status, answer.text)
                });
            }
        }
        findings.check(app.footprint().await == before, || format!("{list}: wrote something"));
    }
    findings.none();
}

#[tokio::test]
async fn unknown_and_read_only_fields_change_nothing_and_of_two_values_the_last_counts() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds() {
        let list = kind.wire_path();
        let mut body = fixtures.body(kind, Named::Required).await;
        body.insert("no_such_field".into(), json!({"a": [1, "\u{0}"]}));
        body.insert("__proto__".into(), json!({"is_superuser": true}));
        body.insert("password_hash".into(), json!("x"));
        for field in kind.fields.iter().filter(|field| !field.is_writable()) {
            body.insert(field.name.into(), json!("11111111-1111-4111-8111-111111111111"));
        }
        let object = fixtures.create_with(kind, &body).await;
        for (name, value) in &object {
            let writable = kind.field(name).is_some_and(Field::is_writable);
            let fake = *value == json!("11111111-1111-4111-8111-111111111111");
            findings.check(writable || !fake, || format!("{list} {name}: was set though it is read-only"));
        }
        findings.check(object.get("no_such_field").is_none(), || format!("{list}: shows an unknown field"));

        let first = kind.fields.iter().find(|field| field.is_writable() && field.required).unwrap().name;
        let body = fixtures.body(kind, Named::Required).await;
        let other = fixtures.body(kind, Named::Required).await;
        let text = json!(body).to_string();
        let twice = format!("{{\"{first}\":{},{}", other[first], &text[1..]);
        let answer = fixtures.admin.send(Method::POST, &list, Some("application/json"), twice.into_bytes()).await;
        findings.check(answer.status == 201 && answer.json()[first] == body[first], || {
            format!("{list}: {first} twice: {} {}", answer.status, answer.text)
        });
    }
    findings.none();
}

/// What is refused must be refused on both databases, and what is kept must be read again: JSON to the depth that a
/// body may have, and no character that one of them cannot keep.
#[tokio::test]
async fn what_a_free_json_field_keeps_can_be_read_and_filtered() {
    let app = App::start().await;
    let mut admin = app.admin();
    let mut findings = Findings::default();
    let values = [
        json!({"a\u{0}b": 1}),
        json!({"a": "x\u{0}y"}),
        json!({"a": ["\u{0}"]}),
        json!({"big": 1e308, "small": -1e-308, "long": 9_223_372_036_854_775_807_i64, "more": u64::MAX}),
        json!({"ü": {"ß": "İ"}, "": "", "a__b": 1, "'": "\"", "$?": "$1", "{json}": "{/json}"}),
        (0..100).fold(json!(1), |inner, _| json!({"d": inner})),
    ];
    for (number, attributes) in values.into_iter().enumerate() {
        let body = json!({"username": format!("u{number}"), "name": "", "attributes": attributes});
        let answer = admin.post("/api/v3/core/users/", body).await;
        let ours = [201, 400].contains(&answer.status.as_u16());
        findings.check(ours, || format!("attributes {number}: {} {}", answer.status, answer.text));
        if answer.status == 201 {
            let path = format!("/api/v3/core/users/{}/", answer.json()["pk"]);
            let shown = admin.get(&path).await.json();
            findings.check(shown["attributes"] == attributes, || format!("{number}: {}", shown["attributes"]));
        }
        let brand = json!({"domain": format!("d{number}"), "attributes": attributes});
        let answer = admin.post("/api/v3/core/brands/", brand).await;
        findings.check(ours, || format!("brand {number}: {} {}", answer.status, answer.text));
    }
    for filter in [
        json!({"a": 1}),
        json!({"a": "x\u{0}y"}),
        json!({"a\u{0}b": 1}),
        json!({"ü__ß": "İ"}),
        json!({"": ""}),
        json!({"$?": "$1"}),
        json!({"big": 1e308}),
        json!({"a__b__c__d": null}),
        json!([]),
        json!("x"),
    ] {
        for kind in ["users", "groups"] {
            let text: String = url::form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect();
            let answer = admin.get(&format!("/api/v3/core/{kind}/?attributes={text}")).await;
            let fine = [200, 400].contains(&answer.status.as_u16());
            findings.check(fine, || format!("{kind} {filter}: {} {}", answer.status, answer.text));
        }
    }
    for path in [
        "core/users/?search=%00",
        "core/users/?username=%00",
        "core/users/?email=a%00b",
        "core/users/?path=%00",
        "core/users/?uuid=%00",
        "core/users/?groups_by_name=%00",
        "core/users/paths/?search=%00",
        "core/tokens/%00/",
        "core/tokens/?identifier=%00",
        "core/tokens/?user__username=%00",
        "core/groups/?name=%00",
        "core/groups/?members_by_username=%00",
        "flows/instances/%00/",
        "core/users/?ordering=%00",
        "core/users/?type=%00",
        "core/users/?last_login__gt=%00",
        "core/users/?path_startswith=%00",
        "admin/version/history/%00/",
        "admin/version/history/?search=%00",
        "core/users/99999999999999999999/",
        "admin/version/history/9999999999999999999/",
    ] {
        let answer = admin.get(&format!("/api/v3/{path}")).await;
        findings.check(!answer.status.is_server_error(), || format!("{path}: {}", answer.text));
    }
    findings.none();
}
