//! What a person answered to a challenge, and what is wrong with it.

use serde_json::{Value, json};
use vestibule_kernel::Object;
use vestibule_kernel::error::NON_FIELD;

/// One message about one field of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerError {
    /// The sentence, as clients know it.
    pub string: String,
    /// A word for programs.
    pub code: &'static str,
}

/// Messages by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerErrors(Vec<(String, AnswerError)>);

impl AnswerErrors {
    /// One message about one field.
    pub fn one(field: &str, string: impl Into<String>, code: &'static str) -> Self {
        let mut errors = Self::default();
        errors.add(field, string, code);
        errors
    }

    /// One message about the answer as a whole.
    pub fn whole(string: impl Into<String>) -> Self {
        Self::one(NON_FIELD, string, "invalid")
    }

    /// Adds a message.
    pub fn add(&mut self, field: &str, string: impl Into<String>, code: &'static str) {
        self.0.push((field.to_owned(), AnswerError { string: string.into(), code }));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wire form, `{field: [{string, code}]}`.
    pub fn to_json(&self) -> Value {
        let mut fields = Object::new();
        for (field, error) in &self.0 {
            let list = fields.entry(field.clone()).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(json!({"string": error.string, "code": error.code}));
            }
        }
        Value::Object(fields)
    }
}

/// How a text of an answer is taken.
#[derive(Clone, Copy, Debug)]
pub struct Take {
    /// It must be there and not be empty.
    pub required: bool,
    /// Surrounding white space is cut. Never for passwords.
    pub trim: bool,
    /// Most characters.
    pub max: usize,
}

impl Take {
    /// A text that may be left out.
    pub const OPTIONAL: Self = Self { required: false, trim: true, max: 10_000 };
    /// A password: every character counts.
    pub const PASSWORD: Self = Self { required: true, trim: false, max: 10_000 };
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer(Object);

impl Answer {
    /// From the fields sent.
    pub fn new(fields: Object) -> Self {
        Self(fields)
    }

    /// The challenge it says it answers.
    pub(crate) fn component(&self) -> Option<&Value> {
        self.0.get("component")
    }

    /// The name that was typed, for a page that asks for it again.
    pub(crate) fn identifier(&self) -> Option<String> {
        self.0.get("uid_field")?.as_str().map(str::to_owned)
    }

    /// Whether a field was sent.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// A text. What is wrong with it goes to `errors`.
    pub fn text(&self, field: &str, take: Take, errors: &mut AnswerErrors) -> Option<String> {
        let text = match self.0.get(field) {
            None if take.required => {
                errors.add(field, "This field is required.", "required");
                return None;
            }
            Some(Value::Null) if take.required => {
                errors.add(field, "This field may not be null.", "null");
                return None;
            }
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => {
                errors.add(field, "Not a valid string.", "invalid");
                return None;
            }
        };
        let text = if take.trim { text.trim().to_owned() } else { text };
        if text.contains('\0') {
            errors.add(field, "Null characters are not allowed.", "null_characters_not_allowed");
            return None;
        }
        if text.chars().count() > take.max {
            errors.add(field, format!("Ensure this field has no more than {} characters.", take.max), "max_length");
            return None;
        }
        if text.is_empty() && take.required {
            errors.add(field, "This field may not be blank.", "blank");
            return None;
        }
        Some(text)
    }

    /// An object; a form sends it as text. `None`: it was not sent, or is none.
    pub fn object(&self, field: &str) -> Option<Object> {
        match self.0.get(field)? {
            Value::Object(object) => Some(object.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    /// A yes or no that must be there.
    pub fn boolean(&self, field: &str, errors: &mut AnswerErrors) -> Option<bool> {
        let value = self.0.get(field);
        if let Some(value) = value.and_then(vestibule_resource::decode_boolean) {
            return Some(value);
        }
        let (message, code) = match value {
            None => ("This field is required.", "required"),
            Some(Value::Null) => ("This field may not be null.", "null"),
            Some(_) => ("Must be a valid boolean.", "invalid"),
        };
        errors.add(field, message, code);
        None
    }

    /// A yes or no; a form's check box sends `on` or `true`, and nothing for no.
    pub fn flag(&self, field: &str) -> bool {
        match self.0.get(field) {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "on" | "1" | "yes"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(value: Value, take: Take) -> (Option<String>, Value) {
        let mut errors = AnswerErrors::default();
        let answer = Answer::new(Object::from_iter([("f".to_owned(), value)]));
        (answer.text("f", take, &mut errors), errors.to_json())
    }

    #[test]
    fn a_password_keeps_its_blanks() {
        assert_eq!(take(json!(" a "), Take::PASSWORD).0.as_deref(), Some(" a "));
        assert_eq!(take(json!(" a "), Take::OPTIONAL).0.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_code() {
        assert_eq!(take(json!(""), Take::PASSWORD).1["f"][0]["code"], "blank");
        assert_eq!(take(json!(null), Take::PASSWORD).1["f"][0]["code"], "null");
        assert_eq!(take(json!(["a"]), Take::OPTIONAL).1["f"][0]["code"], "invalid");
        assert_eq!(take(json!("a\u{0}b"), Take::OPTIONAL).1["f"][0]["code"], "null_characters_not_allowed");
    }
}
