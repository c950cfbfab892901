//! Texts, and the formats that they may have.

use serde_json::Value;
use vestibule_kernel::duration;

use super::Wrong;
use crate::field::Format;

pub(super) fn decode_text(
    value: &Value,
    min: Option<i64>,
    max: Option<i64>,
    blank: bool,
    trim: bool,
    format: Format,
) -> Result<Value, Wrong> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err("Not a valid string.".into()),
    };
    let text = if trim { text.trim().to_owned() } else { text };
    if text.is_empty() {
        return if blank { Ok(text.into()) } else { Err("This field may not be blank.".into()) };
    }
    if text.contains('\0') {
        return Err("Null characters are not allowed.".into());
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(max) = max.filter(|max| length > *max) {
        return Err(format!("Ensure this field has no more than {max} characters.").into());
    }
    if let Some(min) = min.filter(|min| length < *min) {
        return Err(format!("Ensure this field has at least {min} characters.").into());
    }
    match format {
        Format::Slug if !is_slug(&text) => {
            Err("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.".into())
        }
        Format::Identifier if !is_slug(&text) => {
            Err("Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.".into())
        }
        Format::Url if !is_url(&text) => Err("Enter a valid URL.".into()),
        Format::LaunchUrl if text != "blank://blank" && !is_url(&text) => Err("Enter a valid URL.".into()),
        Format::Email if !is_email(&text) => Err("Enter a valid email address.".into()),
        Format::Duration => match duration::parse(&text) {
            Ok(_) => Ok(text.into()),
            Err(_) => Err(format!("{text} is not in the correct format of 'hours=3;minutes=1'.").into()),
        },
        _ => Ok(text.into()),
    }
}

fn is_slug(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")
        && !host.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// The shape of an address of RFC 5321 that mail systems accept in practice: one `@`, a dotted or local domain.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    let label_fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    local_fits && (domain == "localhost" || (domain.contains('.') && domain.split('.').all(label_fits)))
}
