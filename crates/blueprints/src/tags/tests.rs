//! Each tag: what it becomes, and what is said, of which line, when it cannot.

use serde_json::json;

use serde_json::Map;

use super::*;
use crate::Blueprint;
use crate::yaml::parse;

struct World;

impl Lookup for World {
    fn find(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        match (model, criteria) {
            ("app.flow", [(field, Value::String(slug))]) if field == "slug" => {
                Ok(slug.strip_prefix("flow-").map(|pk| json!(pk)))
            }
            ("app.many", _) => Err("more than one object fits".to_owned()),
            _ => Ok(None),
        }
    }

    fn find_object(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        let found = self.find(model, criteria)?;
        Ok(found.map(|pk| json!({"pk": pk, "designation": "authentication", "stages": ["s1", "s2"]})))
    }

    fn environment(&self, name: &str) -> Option<String> {
        [("HOME", "/root"), ("EMPTY", "")]
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == "/secret" { Ok("s3cret\n".to_owned()) } else { Err("no such file".to_owned()) }
    }
}

fn resolve_in(model: &str, text: &str) -> Result<Value, BlueprintError> {
    let Value::Object(context) = json!({
        "foo": "bar", "slug": "flow-x", "some": {"nested": ["value", {"deep": 5}]}, "foo.bar": "dotted", "yes": "y",
        "list": ["a", "b", "c"], "map": {"k1": "v1", "k2": "v2"}, "empty": [], "zero": 0, "none": null, "n": 3,
    }) else {
        unreachable!()
    };
    let keys = BTreeMap::from([
        ("flow".to_owned(), Key { pk: json!("pk-1"), policy_binding_model: Some(json!("pbm-1")) }),
        ("group".to_owned(), Key { pk: json!("pk-2"), policy_binding_model: None }),
    ]);
    let context = Context::new(&context, &[], &Map::new());
    resolve(&parse(text)?, &Scope { model, context: &context, keys: &keys, lookup: &World })
}

fn value(text: &str) -> Value {
    resolve_in("app.flow", text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    resolve_in("app.flow", text).map(|value| panic!("{text}: {value}")).unwrap_err().to_string()
}

#[test]
fn values_without_tags_stay() {
    assert_eq!(value("{a: [1, x, null], b: {c: 1.5}}"), json!({"a": [1, "x", null], "b": {"c": 1.5}}));
    assert_eq!(error("a:\n  b: !Nope x"), "line 2: unknown tag !Nope");
    assert_eq!(error("a: .nan"), "line 1: the number NaN has no place in JSON");
}

#[test]
fn key_of() {
    assert_eq!(value("!KeyOf flow"), json!("pk-1"));
    let in_binding = |text| resolve_in("authentik_policies.policybinding", text).unwrap();
    assert_eq!(in_binding("{target: !KeyOf flow, group: !KeyOf group}"), json!({"target": "pbm-1", "group": "pk-2"}));
    assert_eq!(error("a:\n  b:\n    !KeyOf other"), "line 3: !KeyOf: no entry before this one has the id `other`");
    assert_eq!(error("!KeyOf [flow]"), "line 1: !KeyOf needs a single value, this is a list");
}

#[test]
fn context_environment_and_file() {
    for (text, expected) in [
        ("!Context foo", json!("bar")),
        ("!Context yes", json!("y")),
        ("!Context some.nested.0", json!("value")),
        ("!Context some.nested.1.deep", json!(5)),
        ("!Context foo.bar", json!("dotted")),
        ("!Context missing", Value::Null),
        ("!Context some.nested.9", Value::Null),
        ("!Context [missing, {a: !Env HOME}]", json!({"a": "/root"})),
        ("!Context [foo, other]", json!("bar")),
        ("!Context [none, other]", Value::Null),
        ("!Context [!Context [missing, foo]]", json!("bar")),
        ("!Env HOME", json!("/root")),
        ("!Env NOPE", Value::Null),
        ("!Env [NOPE, 5]", json!(5)),
        ("!Env [EMPTY, 5]", json!(5)),
        ("!Env EMPTY", Value::Null),
        ("!File /secret", json!("s3cret")),
        ("!File [/nope, dflt]", json!("dflt")),
        ("!ParseJSON '{\"a\": [1, true]}'", json!({"a": [1, true]})),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for (text, expected) in [
        ("\n- !File /nope", "line 2: !File: /nope: no such file"),
        ("!Context {a: b}", "line 1: !Context needs a name or [name, default], this is a mapping"),
        ("!Context [a, b, c]", "line 1: !Context needs a name or [name, default], this list has 3 items"),
        ("!Context []", "line 1: !Context needs a name or [name, default], this list has 0 items"),
        ("!Env [[a]]", r#"line 1: text is expected here, this is ["a"]"#),
        ("!ParseJSON '{a'", "line 1: !ParseJSON: this is not JSON: key must be a string at line 1 column 2"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn find() {
    assert_eq!(value("!Find [app.flow, [slug, !Context slug]]"), json!("x"));
    assert_eq!(value("!Find [!Format [app.%s, flow], [slug, flow-7]]"), json!("7"));
    assert_eq!(value("!AtIndex [!FindObject [app.flow, [slug, flow-7]], designation]"), json!("authentication"));
    for (text, expected) in [
        ("a: 1\nb: !Find [app.flow, [slug, nope]]", r#"line 2: !Find: there is no app.flow with slug "nope""#),
        ("!FindObject [app.flow, [a, 1], [b, null]]", "line 1: !FindObject: there is no app.flow with a 1 and b null"),
        ("!Find [app.many, [a, 1]]", "line 1: !Find: more than one object fits"),
        ("!Find app.flow", "line 1: !Find needs [model, [field, value], ...], this is text"),
        ("!Find [app.flow]", "line 1: !Find needs [model, [field, value], ...], this list has 1 items"),
        ("!Find\n- app.flow\n- [slug]", "line 3: !Find needs [model, [field, value], ...], this list has 1 items"),
        ("!Find [app.flow, slug]", "line 1: !Find needs [model, [field, value], ...], this is text"),
        ("!Find [app.flow, [[x], 1]]", r#"line 1: text is expected here, this is ["x"]"#),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn format_as_python_does() {
    for (text, expected) in [
        ("!Format [plain]", "plain"),
        ("!Format ['%s-%s', !Context foo, 5]", "bar-5"),
        ("!Format ['%s %s %s %s', null, true, [a, 1.0], {k: \"it's\"}]", "None True ['a', 1.0] {'k': \"it's\"}"),
        ("!Format ['100%% %d', 7]", "100% 7"),
        ("!Format ['%d %d %i', 3.9, -3.9, yes]", "3 -3 1"),
        ("!Format ['%05d|%-5d|%5d|%+d|% d', 42, 42, 42, 42, 42]", "00042|42   |   42|+42| 42"),
        ("!Format ['%.2f %f %06.1f', 1.005, 2, -1.5]", "1.00 2.000000 -001.5"),
        ("!Format ['%x %X %o', 255, 255, 8]", "ff FF 10"),
        ("!Format ['%r %.2s|%4s', \"a'b\", abc, x]", "\"a'b\" ab|   x"),
        ("!Format ['%s %s', 1.0e+20, 1.5e-7]", "1e+20 1.5e-07"),
    ] {
        assert_eq!(value(text), json!(expected), "{text}");
    }
    for (text, expected) in [
        ("!Format ['%s']", "line 1: !Format: too few arguments in `%s`"),
        ("!Format ['x', 1]", "line 1: !Format: too many arguments in `x`"),
        ("!Format ['%d', x]", "line 1: !Format: %d needs a number, not \"x\" in `%d`"),
        ("!Format ['%x', 1.5]", "line 1: !Format: %x needs a number, not 1.5 in `%x`"),
        ("!Format ['%(a)s', 1]", "line 1: !Format: named arguments are not supported in `%(a)s`"),
        ("!Format ['%y', 1]", "line 1: !Format: unsupported conversion %y in `%y`"),
        ("!Format ['50%']", "line 1: !Format: a % without an end in `50%`"),
        ("!Format ['%99999999999999999999s', 1]", "line 1: !Format: a width above 1000 in `%99999999999999999999s`"),
        ("!Format [5]", "line 1: !Format: the first argument must be text"),
        ("!Format x", "line 1: !Format needs [text, argument, ...], this is text"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn condition_and_if() {
    let truth = [("false", "false"), ("false", "true"), ("true", "false"), ("true", "true")];
    for (mode, expected) in [
        ("AND", [false, false, false, true]),
        ("NAND", [true, true, true, false]),
        ("OR", [false, true, true, true]),
        ("NOR", [true, false, false, false]),
        ("xor", [false, true, true, false]),
        ("XNOR", [true, false, false, true]),
        ("EQ", [true, false, false, true]),
        ("NEQ", [false, true, true, false]),
    ] {
        for ((a, b), expected) in truth.into_iter().zip(expected) {
            assert_eq!(value(&format!("!Condition [{mode}, {a}, {b}]")), json!(expected), "{a} {mode} {b}");
        }
        let one = !mode.starts_with('N') && mode != "XNOR";
        assert_eq!(value(&format!("!Condition [{mode}, text]")), json!(one), "{mode} of one");
    }
    for (text, expected) in [
        ("!Condition [XOR, 1, 1, 1]", json!(true)),
        ("!Condition [OR, 0, 0.0, '', [], {}, null, no]", json!(false)),
        ("!Condition [EQ, !Context foo, bar, bar]", json!(true)),
        ("!If [!Context empty]", json!(false)),
        ("!If [!Context foo, {a: !KeyOf flow}, x]", json!({"a": "pk-1"})),
        ("!If [!Context zero, !KeyOf nowhere, [x]]", json!(["x"])),
        // Whether something is there can be asked.
        ("!Condition [NOR, !Find [app.flow, [slug, nope]]]", json!(true)),
        ("!Condition [AND, !Find [app.flow, [slug, flow-1]]]", json!(true)),
        ("!If [!Find [app.flow, [slug, nope]], yes, no]", json!(false)),
        ("!If [!AtIndex [!FindObject [app.flow, [slug, nope]], pk, none], [a], [b]]", json!(["a"])),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for (text, expected) in [
        ("!Condition [AND]", "line 1: !Condition needs at least one value after its mode"),
        (
            "!Condition [MAYBE, 1]",
            "line 1: !Condition: unknown mode `MAYBE`, expected AND, NAND, OR, NOR, XOR, XNOR, EQ or NEQ",
        ),
        ("!If [yes, !Find [app.flow, [slug, nope]], x]", r#"line 1: !Find: there is no app.flow with slug "nope""#),
        ("!Condition [OR, !Find [app.many, [a, 1]]]", "line 1: !Find: more than one object fits"),
        ("!If true", "line 1: !If needs [condition] or [condition, then, else], this is text"),
        ("!If [true, 1]", "line 1: !If needs [condition] or [condition, then, else], this list has 2 items"),
        ("!If [yes,\n !KeyOf no, 1]", "line 2: !KeyOf: no entry before this one has the id `no`"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn enumerate() {
    for (text, expected) in [
        ("!Enumerate [!Context list, SEQ, !Format ['%d%s', !Index 0, !Value 0]]", json!(["0a", "1b", "2c"])),
        ("!Enumerate [!Context map, seq, [!Index 0, !Value 0]]", json!([["k1", "v1"], ["k2", "v2"]])),
        (
            "!Enumerate [!Context list, MAP, [!Index 0, {v: !Value 0}]]",
            json!({"0": {"v": "a"}, "1": {"v": "b"}, "2": {"v": "c"}}),
        ),
        ("!Enumerate [[1, 2], MAP, {all: [!Value 0], last: !Value 0}]", json!({"all": [1, 2], "last": 2})),
        ("!Enumerate [ab, SEQ, !Value 0]", json!(["a", "b"])),
        ("!Enumerate [[], SEQ, !KeyOf nowhere]", json!([])),
        ("!Enumerate [{}, MAP, x]", json!({})),
        (
            "!Enumerate [[xy, z], MAP, [!Index 0,
 !Enumerate [!Value 1, SEQ, !Format ['%s:%d:%s', !Value 1, !Index 0, !Value 0]]]]",
            json!({"0": ["xy:0:x", "xy:1:y"], "1": ["z:0:z"]}),
        ),
        ("!Enumerate [[1, 2], SEQ, !If [!Condition [EQ, !Value 0, 1], one, other]]", json!(["one", "other"])),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for (text, expected) in [
        ("a:\n  !Value 0", "line 2: !Value 0 needs 1 !Enumerate around it"),
        ("!Enumerate [[1], SEQ, !Index 1]", "line 1: !Index 1 needs 2 !Enumerate around it"),
        (
            "!Enumerate [!Value 0, SEQ, x]",
            "line 1: !Value 0 stands in what the !Enumerate goes through, which cannot be its own item; use 1",
        ),
        ("!Enumerate [[1], SEQ, !Value -1]", "line 1: !Value needs a depth from 0, this is `-1`"),
        ("!Enumerate [5, SEQ, x]", "line 1: !Enumerate needs a list, a mapping or text to go through, not 5"),
        ("!Enumerate [[1], SET, x]", "line 1: !Enumerate: unknown output \"SET\", expected SEQ or MAP"),
        ("!Enumerate [[1], MAP,\n [1]]", "line 2: !Enumerate: MAP needs [key, value], not 1 items"),
        ("!Enumerate [[1], MAP, x]", "line 1: !Enumerate: MAP needs [key, value] or a mapping, not \"x\""),
        ("!Enumerate [[1], SEQ]", "line 1: !Enumerate needs [iterable, SEQ or MAP, body], this list has 2 items"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn expansion_is_limited() {
    let nested = |depth| (0..depth).fold("x".to_owned(), |body, _| format!("!Enumerate [abcdefghij, SEQ, {body}]"));
    assert!(resolve_in("", &nested(3)).is_ok());
    assert_eq!(error(&nested(9)), "line 1: the tags here expand to more than a blueprint may hold");
    let wide = format!("!Enumerate [{}, SEQ, [{}]]", "x".repeat(10_000), vec!["1"; 10_000].join(", "));
    assert_eq!(error(&wide), "line 1: the tags here expand to more than a blueprint may hold");
}

#[test]
fn at_index() {
    for (text, expected) in [
        ("!AtIndex [[first, second], 0]", json!("first")),
        ("!AtIndex [[first, second], -1]", json!("second")),
        ("!AtIndex [{foo: bar}, foo]", json!("bar")),
        ("!AtIndex [{1: bar}, 1]", json!("bar")),
        ("!AtIndex [[first], 100, !Context foo]", json!("bar")),
        ("!AtIndex [[first], -2, null]", Value::Null),
        ("!AtIndex [{}, x, [1]]", json!([1])),
        ("!AtIndex [!Context none, x, [1]]", json!([1])),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for (text, expected) in [
        ("!AtIndex [[first], 1]", "line 1: !AtIndex: there is nothing at 1, and no default is given"),
        ("!AtIndex [{a: 1}, b]", "line 1: !AtIndex: there is nothing at \"b\", and no default is given"),
        ("!AtIndex [[first], x, 1]", "line 1: !AtIndex: the index \"x\" of a list must be a whole number"),
        ("!AtIndex [5, 0]", "line 1: !AtIndex: 5 is neither a list nor a mapping"),
        (
            "!AtIndex [[1]]",
            "line 1: !AtIndex needs [collection, index] or [collection, index, default], this list has 1 items",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

/// What a value is with this context of a file and that of an instance.
fn in_context(file: &str, instance: &Value, text: &str) -> Result<Value, String> {
    let blueprint = Blueprint::parse(&format!("context: {file}\nentries: []")).unwrap();
    let (Value::Object(own), Value::Object(instance)) = (json!({"own": {"a": 1}}), instance) else { unreachable!() };
    let context = Context::new(&own, &blueprint.context, instance);
    let keys = BTreeMap::from([("one".to_owned(), Key { pk: json!("pk-1"), policy_binding_model: None })]);
    let scope = Scope { model: "a.b", context: &context, keys: &keys, lookup: &World };
    resolve(&parse(text).unwrap(), &scope).map_err(|error| error.to_string())
}

#[test]
fn the_context_of_a_file() {
    let file = "{a: !Env HOME, b: !Format ['%s/x', !Context a], c: !KeyOf nowhere, f: !Context foo.bar.1, \
                foo: {bar: [x, !Context b]}, key: !KeyOf one, own: {b: 2}}";
    let instance = json!({"c": 1, "d": 2, "own": {"a": [3]}});
    for (text, expected) in [
        ("!Context a", json!("/root")),
        ("!Context b", json!("/root/x")),
        ("!Context c", json!(1)),
        ("!Context d", json!(2)),
        ("!Context f", json!("/root/x")),
        ("!Context key", json!("pk-1")),
        ("!Context own", json!({"a": [3], "b": 2})),
        ("[!Context own.b, !Context own.c, !Context foo.bar.2, !Context foo.bar.0.x]", json!([2, null, null, null])),
    ] {
        assert_eq!(in_context(file, &instance, text), Ok(expected), "{text}");
    }
    // What nobody asks for need not be there; what somebody asks for is looked up where it is written.
    let nowhere = in_context("{c: !KeyOf nowhere}", &json!({}), "!Context c");
    assert_eq!(nowhere, Err("line 1: !KeyOf: no entry before this one has the id `nowhere`".to_owned()));
    assert_eq!(in_context("{c: !KeyOf nowhere}", &json!({}), "!Context own.a"), Ok(json!(1)));
}

#[test]
fn contexts_are_merged() {
    let file = "{list: [a], map: {x: {y: 1}, l: [1]}, text: a}";
    let instance = json!({"list": ["b"], "map": {"x": {"z": 2}, "l": [2]}, "text": "b"});
    for (text, expected) in [
        ("!Context list", json!(["a", "b"])),
        ("!Context map", json!({"x": {"y": 1, "z": 2}, "l": [1, 2]})),
        ("!Context text", json!("b")),
    ] {
        assert_eq!(in_context(file, &instance, text), Ok(expected), "{text}");
    }
}

#[test]
fn a_context_that_leads_in_circles_is_an_error() {
    let error = in_context("{a: !Context b, b: [!Context [a, x]]}", &json!({}), "!Context a").unwrap_err();
    assert_eq!(error, "line 1: !Context: `a` of the context leads back to itself");
    let long: Vec<String> = (0..40).map(|number| format!("k{number}: !Context k{}", number + 1)).collect();
    let error = in_context(&format!("{{{}, k40: x}}", long.join(", ")), &json!({}), "!Context k0").unwrap_err();
    assert_eq!(error, "line 1: !Context: more than 16 values of the context lead to one another");
    assert_eq!(in_context(&format!("{{{}, k40: x}}", long.join(", ")), &json!({}), "!Context k30"), Ok(json!("x")));
}

#[test]
fn model_and_state_may_be_tags() {
    let entry = |model: &str, state: &str| {
        let text = format!("entries:\n- {{model: {model}, identifiers: {{x: 1}}, state: {state}}}");
        Blueprint::parse(&text).map(|blueprint| blueprint.entries[0].clone())
    };
    let (context, keys) = (Context::default(), BTreeMap::new());
    let scope = Scope { model: "", context: &context, keys: &keys, lookup: &World };
    let one = entry("!Format ['%s.flow', authentik_flows]", "!If [true, absent, present]").unwrap();
    assert_eq!(model_of(&one, &scope).unwrap(), "authentik_flows.flow");
    assert_eq!(state_of(&one, &scope).unwrap(), State::Absent);
    let plain = entry("a.b", "~").unwrap();
    assert_eq!(
        (model_of(&plain, &scope).unwrap().as_str(), state_of(&plain, &scope).unwrap()),
        ("a.b", State::Present)
    );
    let wrong = entry("!Format [flow]", "!Context missing").unwrap();
    let error = model_of(&wrong, &scope).unwrap_err().to_string();
    assert_eq!(error, "line 2: `flow` is no model, expected app.model like authentik_flows.flow");
    assert_eq!(state_of(&wrong, &scope).unwrap_err().to_string(), "line 2: text is expected here, this is null");
    let gone = entry("a.b", "!Format [gone]").unwrap();
    assert!(state_of(&gone, &scope).unwrap_err().to_string().contains("unknown state `gone`"));
}

#[test]
fn conditions_of_an_entry() {
    let holds = |conditions: &str| {
        let text = format!("entries:\n- {{model: a.b, identifiers: {{x: 1}}, conditions: {conditions}}}");
        let (context, keys) = (Context::default(), BTreeMap::new());
        let scope = Scope { model: "a.b", context: &context, keys: &keys, lookup: &World };
        conditions_hold(&Blueprint::parse(&text).unwrap().entries[0], &scope)
    };
    assert_eq!(holds("[]"), Ok(true));
    assert_eq!(holds("[true, text, 2, !Env HOME]"), Ok(true));
    assert_eq!(holds("[true, !Context missing]"), Ok(false));
    assert_eq!(holds("[!Find [app.flow, [slug, nope]]]"), Ok(false), "a question may be answered with no");
    assert_eq!(holds("[!Find [app.flow, [slug, flow-1]]]"), Ok(true));
    assert_eq!(holds("[false, !KeyOf nowhere]"), Ok(false), "the first that is false ends it");
    assert!(holds("[!KeyOf nowhere]").is_err());
}
