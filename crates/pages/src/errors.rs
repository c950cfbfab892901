//! What is wrong with a form, as templates show it: a list of messages for each field.

use serde_json::{Map, Value, json};
use vestibule_kernel::Object;
use vestibule_kernel::error::NON_FIELD;

/// Messages by field, from an error of the API.
pub(crate) fn shown(errors: &Object) -> Value {
    let mut shown = Map::new();
    for (field, messages) in errors {
        let name = if field == "detail" { NON_FIELD } else { field };
        let messages: Vec<Value> = match messages {
            Value::Array(messages) => messages.iter().map(message).collect(),
            other => vec![message(other)],
        };
        shown.insert(name.to_owned(), messages.into());
    }
    Value::Object(shown)
}

fn message(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    json!({"string": text})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn errors_of_every_form_become_lists() {
        let errors = json!({"name": ["a", "b"], "non_field_errors": "c", "detail": "d"});
        let wanted = json!({"name": [{"string": "a"}, {"string": "b"}], "non_field_errors": [{"string": "d"}]});
        assert_eq!(shown(errors.as_object().unwrap()), wanted);
    }
}
