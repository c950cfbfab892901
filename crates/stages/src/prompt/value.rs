//! What may be answered to a question, by its type.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Value, json};
use vestibule_flow::{Answer, AnswerErrors, Take};

use super::field::{FieldType, Prompt};

/// The longest file, as a data address (RFC 2397): a plan lives in a session, which every answer writes.
const LARGEST_FILE: usize = 512 << 10;
/// The longest text.
const LONGEST: usize = 10_000;

/// Whether a text looks like an e-mail address: something, one `@`, a host with a dot or none.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let is_word = |part: &str| !part.is_empty() && !part.chars().any(|one| one.is_whitespace() || one.is_control());
    let is_host = host.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|one| one.is_alphanumeric() || one == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    is_word(local)
        && !local.contains(['@', '"', '<', '>', ',', ';'])
        && local.len() <= 64
        && is_host
        && text.len() <= 254
}

fn is_file(text: &str) -> bool {
    let Some((head, data)) = text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else { return false };
    let is_base64 = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'+' | b'/' | b'=' | b'-' | b'_');
    head.ends_with(";base64") && data.bytes().all(is_base64)
}

fn is_moment(text: &str) -> bool {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"];
    DateTime::parse_from_rfc3339(text).is_ok()
        || forms.iter().any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
}

/// The value of an answer to a question; `None`: there is none, or `errors` say what is wrong.
pub(super) fn read(
    prompt: &Prompt,
    choices: &[(String, String)],
    answer: &Answer,
    errors: &mut AnswerErrors,
) -> Option<Value> {
    let key = prompt.field_key.as_str();
    if prompt.r#type == FieldType::Checkbox {
        // A browser sends nothing for a box that is not ticked.
        let given = if answer.has(key) { answer.boolean(key, errors)? } else { false };
        if prompt.required && !given && errors.is_empty() {
            errors.add(key, "This field is required.", "required");
            return None;
        }
        return Some(given.into());
    }
    let take = Take {
        required: prompt.required && prompt.r#type != FieldType::AkLocale,
        trim: !matches!(prompt.r#type, FieldType::Text | FieldType::TextArea | FieldType::Password),
        max: if prompt.r#type == FieldType::File { LARGEST_FILE } else { LONGEST },
    };
    let text = answer.text(key, take, errors)?;
    if text.is_empty() {
        return matches!(
            prompt.r#type,
            FieldType::Text | FieldType::TextArea | FieldType::Email | FieldType::Username | FieldType::AkLocale
        )
        .then(|| "".into());
    }
    let wrong = match prompt.r#type {
        FieldType::Email if !is_email(&text) => Some("Enter a valid email address.".to_owned()),
        FieldType::Number => match text.parse::<i64>() {
            Ok(number) => return Some(json!(number)),
            Err(_) => Some("A valid integer is required.".to_owned()),
        },
        FieldType::Date if NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_err() => {
            Some("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.".to_owned())
        }
        FieldType::DateTime if !is_moment(&text) => {
            Some("Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].".to_owned())
        }
        FieldType::File if !is_file(&text) => Some("Invalid encoding".to_owned()),
        kind if kind.is_choice() && !choices.iter().any(|(value, _)| *value == text) => {
            Some(format!("\"{text}\" is not a valid choice."))
        }
        FieldType::AkLocale if vestibule_web::Locale::from_tag(&text).is_none() => {
            Some(format!("\"{text}\" is not a valid choice."))
        }
        _ => None,
    };
    match wrong {
        Some(message) => {
            let code = if message.ends_with("choice.") { "invalid_choice" } else { "invalid" };
            errors.add(key, message, code);
            None
        }
        None => Some(text.into()),
    }
}
