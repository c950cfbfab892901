//! Reading YAML.

use serde_json::json;
use vestibule_openapi_contract::{LoadError, load_yaml};

#[test]
fn values_keep_their_types_and_order() {
    let text = "b: 'yes'\na:\n- 1\n- 1.5\n- true\n- null\n- '200'\n- on\n- 2026-01-01\n\
                200: |-\n  x\n  y\nc: &c {d: e}\nf: *c\n";
    let value = load_yaml(text).unwrap();
    let wanted = json!({
        "b": "yes", "a": [1, 1.5, true, null, "200", "on", "2026-01-01"],
        "200": "x\ny", "c": {"d": "e"}, "f": {"d": "e"}
    });
    assert_eq!(value, wanted);
    assert_eq!(value.to_string(), wanted.to_string());
    assert_eq!(load_yaml(&wanted.to_string()).unwrap(), wanted, "JSON is YAML");
}

#[test]
fn errors_say_what_is_wrong() {
    assert!(matches!(load_yaml("a: [1"), Err(LoadError::Syntax(_))));
    assert!(matches!(load_yaml("a: 1\na: 2"), Err(LoadError::Syntax(_))), "a key twice");
    assert_eq!(load_yaml(""), Err(LoadError::Documents(0)));
    assert_eq!(load_yaml("a\n---\nb\n"), Err(LoadError::Documents(2)));
    assert!(matches!(load_yaml("? [a]\n: b\n"), Err(LoadError::Unsupported(_))));
    assert!(matches!(load_yaml("a: .inf"), Err(LoadError::Unsupported(_))));
    assert_eq!(load_yaml("").unwrap_err().to_string(), "one YAML document expected, found 0");
}
