//! Bodies: every shape with what it takes and what it says otherwise. The messages are recorded ones.

use serde_json::{Value, json};
use vestibule_kernel::{FieldErrors, Object};

use crate::decode::decode;
use crate::field::{Choices, Field, Format, OnDelete, Shape};

static USER_FIELDS: Choices =
    Choices { name: "UserFieldsEnum", values: &[("email", ""), ("username", ""), ("upn", "")] };

const STAGE: Shape = Shape::Reference("authentik_flows.stage", OnDelete::SetNull);
const BOGUS: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// What becomes of `value` in a field: `Ok` with its stored form, or `Err` with what is said about it.
fn field(field: Field, value: &Value) -> Result<Value, Value> {
    let body = Object::from_iter([(field.name.to_owned(), value.clone())]);
    let mut errors = FieldErrors::new();
    let name = field.name;
    let mut given = decode(&[field], &body, false, &mut errors);
    let mut messages = errors.to_json();
    match given.remove(name) {
        Some(value) => Ok(value),
        None => Err(messages.get_mut(name).map_or(Value::Null, Value::take)),
    }
}

fn shape(shape: Shape, value: &Value) -> Result<Value, Value> {
    field(Field::of::<String>("x", "").shape(shape), value)
}

fn check(of: &Shape, cases: impl IntoIterator<Item = (Value, Result<Value, &'static str>)>) {
    for (value, expected) in cases {
        let expected = expected.map_err(|message| json!([message]));
        assert_eq!(shape(of.clone(), &value), expected, "{of:?} {value}");
    }
}

#[test]
fn texts() {
    let blank = Err("This field may not be blank.");
    let wrong = || Err("Not a valid string.");
    check(
        &Shape::TEXT,
        [
            (json!("rec-min"), Ok(json!("rec-min"))),
            (json!("  rec-trim  "), Ok(json!("rec-trim"))),
            (json!(123), Ok(json!("123"))),
            (json!(1.5), Ok(json!("1.5"))),
            (json!(""), blank.clone()),
            (json!("   "), blank),
            (json!(null), Err("This field may not be null.")),
            (json!(true), wrong()),
            (json!(["x"]), wrong()),
            (json!({"x": 1}), wrong()),
            (json!("nul\u{0}name"), Err("Null characters are not allowed.")),
            (json!("x".repeat(300)), Ok(json!("x".repeat(300)))),
        ],
    );
    let text = |min, max, blank, trim, format| Shape::Text { min, max, blank, trim, format };
    check(&text(None, None, true, true, Format::Plain), [(json!("  "), Ok(json!("")))]);
    check(&text(None, None, false, false, Format::Plain), [(json!(" x "), Ok(json!(" x ")))]);
    check(
        &text(Some(2), Some(3), false, true, Format::Plain),
        [
            (json!("ÜÜÜ"), Ok(json!("ÜÜÜ"))),
            (json!("ÜÜÜÜ"), Err("Ensure this field has no more than 3 characters.")),
            (json!("Ü"), Err("Ensure this field has at least 2 characters.")),
        ],
    );
    let slug = || Err("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.");
    check(
        &text(None, None, false, true, Format::Slug),
        [(json!("a-B_9"), Ok(json!("a-B_9"))), (json!("a b"), slug()), (json!("ä"), slug()), (json!("a/b"), slug())],
    );
    let identifier = Err("Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.");
    check(&text(None, None, false, true, Format::Identifier), [(json!("rec t2"), identifier)]);
    let url = || Err("Enter a valid URL.");
    check(
        &text(None, None, false, true, Format::Url),
        [
            (json!("https://example.com/x?y#z"), Ok(json!("https://example.com/x?y#z"))),
            (json!("javascript:alert(1)"), url()),
            (json!("https://"), url()),
            (json!("https:// a"), url()),
        ],
    );
    let email = || Err("Enter a valid email address.");
    check(
        &text(None, None, false, true, Format::Email),
        [
            (json!("a.b+c@example.com"), Ok(json!("a.b+c@example.com"))),
            (json!("a@localhost"), Ok(json!("a@localhost"))),
            (json!("a@b@example.com"), email()),
            (json!("a..b@example.com"), email()),
            (json!("a@-example.com"), email()),
            (json!("example.com"), email()),
        ],
    );
    let duration = Err("banana is not in the correct format of 'hours=3;minutes=1'.");
    check(
        &text(None, None, false, true, Format::Duration),
        [(json!("hours=3;minutes=1"), Ok(json!("hours=3;minutes=1"))), (json!("banana"), duration)],
    );
}

#[test]
fn booleans() {
    for value in [json!(true), json!("true"), json!("yes"), json!("on"), json!("1"), json!(1), json!(1.0), json!(" T ")]
    {
        assert_eq!(shape(Shape::Boolean, &value), Ok(json!(true)), "{value}");
    }
    for value in [json!(false), json!(0), json!("f"), json!("No"), json!("OFF"), json!(0.0)] {
        assert_eq!(shape(Shape::Boolean, &value), Ok(json!(false)), "{value}");
    }
    for value in [json!("banana"), json!([]), json!(2), json!(""), json!({})] {
        assert_eq!(shape(Shape::Boolean, &value), Err(json!(["Must be a valid boolean."])), "{value}");
    }
    assert_eq!(shape(Shape::Boolean, &Value::Null), Err(json!(["This field may not be null."])));
}

#[test]
fn numbers() {
    let wrong = || Err("A valid integer is required.");
    let large = || Err("Ensure this value is less than or equal to 2147483647.");
    let small = || Err("Ensure this value is greater than or equal to -2147483648.");
    check(
        &Shape::INTEGER,
        [
            (json!(5), Ok(json!(5))),
            (json!("5"), Ok(json!(5))),
            (json!(" -5 "), Ok(json!(-5))),
            (json!(5.0), Ok(json!(5))),
            (json!("5.00"), Ok(json!(5))),
            (json!("5."), Ok(json!(5))),
            (json!(5.5), wrong()),
            (json!("5.5"), wrong()),
            (json!(""), wrong()),
            (json!("five"), wrong()),
            (json!(true), wrong()),
            (json!([]), wrong()),
            (json!(2_147_483_648_i64), large()),
            (json!(u64::MAX), large()),
            (json!(1e30), large()),
            (json!(-1e30), small()),
            (json!("9".repeat(60)), large()),
            (json!(format!("-{}", "9".repeat(60))), small()),
            (json!("9".repeat(1001)), Err("String value too large.")),
        ],
    );
    let wrong = || Err("A valid number is required.");
    check(
        &Shape::Float,
        [
            (json!(0.5), Ok(json!(0.5))),
            (json!("0.5"), Ok(json!(0.5))),
            (json!(1), Ok(json!(1.0))),
            (json!("x"), wrong()),
            (json!("nan"), wrong()),
            (json!(null), Err("This field may not be null.")),
        ],
    );
}

#[test]
fn times() {
    let wrong = || {
        Err("Datetime has wrong format. Use one of these formats instead: \
             YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].")
    };
    let stored = || Ok(json!("2026-01-02T03:04:05.000000Z"));
    check(
        &Shape::Time,
        [
            (json!("2026-01-02T03:04:05Z"), stored()),
            (json!("2026-01-02T04:04:05+01:00"), stored()),
            (json!("2026-01-02 03:04:05"), stored()),
            (json!("2026-01-02T03:04"), Ok(json!("2026-01-02T03:04:00.000000Z"))),
            (json!("2026-13-02T03:04:05Z"), wrong()),
            (json!("soon"), wrong()),
            (json!(5), wrong()),
        ],
    );
}

#[test]
fn references() {
    let optional = |value: Value| field(Field::of::<Option<String>>("x", "").shape(STAGE), &value);
    assert_eq!(optional(json!(BOGUS)), Ok(json!(BOGUS)));
    assert_eq!(optional(json!("3FA85F6457174562B3FC2C963F66AFA6")), Ok(json!(BOGUS)));
    assert_eq!(optional(json!("")), Ok(Value::Null));
    assert_eq!(optional(json!(null)), Ok(Value::Null));
    // Whether it exists is found out later; the number goes on to be told so.
    assert_eq!(optional(json!(123)), Ok(json!(123)));
    assert_eq!(optional(json!("123")), Err(json!(["“123” is not a valid UUID."])));
    assert_eq!(optional(json!("not-a-uuid")), Err(json!(["“not-a-uuid” is not a valid UUID."])));
    assert_eq!(optional(json!({"a": 1})), Err(json!(["“{'a': 1}” is not a valid UUID."])));
    assert_eq!(shape(STAGE, &json!("")), Err(json!(["This field may not be null."])));

    let sources = |value: Value| shape(STAGE.list(), &value);
    assert_eq!(sources(json!([BOGUS])), Ok(json!([BOGUS])));
    assert_eq!(sources(json!(["not-a-uuid"])), Err(json!(["“not-a-uuid” is not a valid UUID."])));
    assert_eq!(sources(json!(null)), Err(json!(["This field may not be null."])));
    assert_eq!(sources(json!("x")), Err(json!(["Expected a list of items but got type \"str\"."])));

    let user = Shape::Reference("authentik_core.user", OnDelete::Cascade);
    assert_eq!(shape(user.clone(), &json!("7")), Ok(json!(7)));
    assert_eq!(shape(user.clone(), &json!(7)), Ok(json!(7)));
    for (value, kind) in [(json!("abc"), "str"), (json!([1]), "list"), (json!({}), "dict"), (json!(true), "bool")] {
        let message = format!("Incorrect type. Expected pk value, received {kind}.");
        assert_eq!(shape(user.clone(), &value), Err(json!([message])));
    }
}

#[test]
fn choices_and_lists() {
    let fields = |value: Value| {
        let list = Shape::Choice(&USER_FIELDS).list();
        field(Field::of::<String>("x", "").shape(list).default(|| json!([])), &value)
    };
    let wrong = |message: &str| json!([format!("\"{message}\" is not a valid choice.")]);
    assert_eq!(fields(json!(["email", "email"])), Ok(json!(["email", "email"])));
    assert_eq!(fields(json!([])), Ok(json!([])));
    assert_eq!(fields(json!(["email", "phone", "x"])), Err(json!({ "1": wrong("phone"), "2": wrong("x") })));
    assert_eq!(fields(json!("email")), Err(json!(["Expected a list of items but got type \"str\"."])));
    assert_eq!(fields(json!({"a": 1})), Err(json!(["Expected a list of items but got type \"dict\"."])));
    assert_eq!(fields(json!(null)), Err(json!(["This field may not be null."])));
    let nothing = json!(["This field may not be null."]);
    assert_eq!(fields(json!([1, null, true])), Err(json!({ "0": wrong("1"), "1": nothing, "2": wrong("True") })));
    let required = Field::of::<String>("x", "").shape(Shape::Choice(&USER_FIELDS).list());
    assert_eq!(field(required, &json!([])), Err(json!(["This list may not be empty."])));
    assert_eq!(shape(Shape::TEXT.list(), &json!([1])), Ok(json!(["1"])));
    assert_eq!(shape(Shape::TEXT.list(), &json!([null])), Err(json!({ "0": nothing })));
}

#[test]
fn objects() {
    fn fields() -> Vec<Field> {
        vec![Field::of::<String>("name", ""), Field::of::<i64>("order", "").default(|| json!(3))]
    }
    let object = Shape::Object("Item", fields);
    assert_eq!(shape(object.clone(), &json!({ "name": "x", "y": 1 })), Ok(json!({ "name": "x", "order": 3 })));
    assert_eq!(shape(object.clone(), &json!({})), Err(json!({ "name": ["This field is required."] })));
    let list = shape(object.list(), &json!([{ "name": "x" }, 5]));
    let message = "Invalid data. Expected a dictionary, but got int.";
    assert_eq!(list, Err(json!([{}, { "non_field_errors": [message] }])));
    let map = || Err("Value must be a dictionary, and not have any duplicate keys.");
    check(&Shape::Map, [(json!({"a": []}), Ok(json!({"a": []}))), (json!([]), map()), (json!("x"), map())]);
}

#[test]
fn whole_bodies() {
    let fields = [
        Field::of::<String>("name", ""),
        Field::of::<bool>("flag", "").default(|| json!(true)),
        Field::of::<String>("secret", "").write_only(),
        Field::of::<String>("pk", "").read_only(),
        Field::of::<String>("hash", "").internal(),
        Field::of::<Option<i64>>("user", "").optional(),
    ];
    let run = |body: Value, partial| {
        let mut errors = FieldErrors::new();
        let given = decode(&fields, body.as_object().unwrap(), partial, &mut errors);
        (Value::Object(given), errors.to_json())
    };
    let missing = json!(["This field is required."]);
    assert_eq!(run(json!({}), false), (json!({}), json!({ "name": missing, "secret": missing })));
    assert_eq!(run(json!({}), true), (json!({}), json!({})));
    let ignored = json!({ "pk": "x", "hash": "y", "unknown": 1, "secret": "s" });
    assert_eq!(run(ignored, true), (json!({ "secret": "s" }), json!({})));
    let nothing = json!(["This field may not be null."]);
    assert_eq!(run(json!({ "user": null }), true), (json!({}), json!({ "user": nothing })));
}
