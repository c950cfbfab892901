//! Parts of the JSON that goes from the API to a template: none is [`Value::Null`], whatever shape an answer has.

use serde_json::{Value, json};

static NOTHING: Value = Value::Null;

/// A part.
pub(crate) fn part<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&NOTHING)
}

/// A part as text; empty for what is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    part(value, name).as_str().unwrap_or_default()
}

/// A part, which is gone from the whole.
pub(crate) fn take(value: &mut Value, name: &str) -> Value {
    value.get_mut(name).map(Value::take).unwrap_or_default()
}

/// Sets a part of an object.
pub(crate) fn put(value: &mut Value, name: &str, part: impl Into<Value>) {
    if let Value::Object(object) = value {
        object.insert(name.to_owned(), part.into());
    }
}

/// Says in an object whether the visitor may do something.
pub(crate) fn put_may(value: &mut Value, name: &str, may: bool) {
    if let Value::Object(object) = value {
        put(object.entry("may").or_insert_with(|| json!({})), name, may);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{part, put, put_may, take, text};

    #[test]
    fn what_is_not_there_is_nothing() {
        let mut value = json!({"a": "b"});
        assert_eq!((text(&value, "a"), text(&value, "c"), part(&value, "c")), ("b", "", &Value::Null));
        put(&mut value, "c", 1);
        put_may(&mut value, "go", true);
        assert_eq!(take(&mut value, "a"), "b");
        assert_eq!(value, json!({"a": null, "c": 1, "may": {"go": true}}));
        put(&mut Value::Null, "c", 1);
    }
}
