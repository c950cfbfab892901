//! What a plain scalar means, by the rules of YAML 1.1 as `PyYAML` has them (<https://yaml.org/type/>).
//!
//! Two wanted differences: a timestamp stays a string, and `0o17` is read as YAML 1.2 reads it.

use super::NodeValue;

/// The value of a plain (unquoted, untagged) scalar. `Err` is a message about a number that does not fit.
pub(super) fn resolve_plain(text: &str) -> Result<NodeValue, String> {
    if is_null(text) {
        return Ok(NodeValue::Null);
    }
    if let Some(value) = parse_bool(text) {
        return Ok(NodeValue::Bool(value));
    }
    if let Some(value) = parse_int(text)? {
        return Ok(NodeValue::Int(value));
    }
    Ok(parse_float(text).map_or_else(|| NodeValue::String(text.to_owned()), NodeValue::Float))
}

/// Whether the text is one of the spellings of null.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The eleven words of YAML 1.1, each in three spellings. `y` and `n` are strings, as in `PyYAML`.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Binary `0b1`, octal `017` and `0o17`, decimal, hexadecimal `0x1f`, base 60 `1:30`; `_` between digits.
pub(super) fn parse_int(text: &str) -> Result<Option<i128>, String> {
    let (negative, body) = split_sign(text);
    let Some(magnitude) = magnitude(body) else { return Ok(None) };
    let value = if negative { -magnitude } else { magnitude };
    if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) {
        return Ok(Some(value));
    }
    Err(format!("the integer `{text}` does not fit into 64 bits; quote it if it is text"))
}

/// `None`: not an integer. One that is too large to count stays at the largest.
fn magnitude(body: &str) -> Option<i128> {
    for (prefix, radix) in [("0b", 2), ("0x", 16), ("0o", 8)] {
        if let Some(digits) = body.strip_prefix(prefix) {
            return digits_of(digits, radix);
        }
    }
    if body == "0" {
        return Some(0);
    }
    if let Some(rest) = body.strip_prefix('0') {
        // `0_` is what `PyYAML` calls zero as well.
        return digits_of(rest, 8).or_else(|| (!rest.is_empty() && rest.chars().all(|c| c == '_')).then_some(0));
    }
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut parts = body.split(':');
    let mut value = digits_of(parts.next()?, 10)?;
    for part in parts {
        let minutes = i128::from(sixtieth(part)?);
        value = value.saturating_mul(60).saturating_add(minutes);
    }
    Some(value)
}

fn digits_of(text: &str, radix: u32) -> Option<i128> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    // Only a number that is too large fails here.
    Some(i128::from_str_radix(&digits, radix).unwrap_or(i128::MAX))
}

/// One place of a base 60 number: one or two digits, below 60.
fn sixtieth(text: &str) -> Option<u8> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| plain && *value < 60)
}

/// `1.5`, `1.`, `.5`, `1.0e+3` (the sign of the exponent is needed), `1:30.5`, `.inf`, `.nan`; `_` between digits.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let (negative, body) = split_sign(text);
    let signed = |value: f64| if negative { -value } else { value };
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if body.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => body.split_at_checked(at).map(|(mantissa, rest)| (mantissa, Some(rest)))?,
        None => (body, None),
    };
    if exponent.is_some_and(|exponent| !is_signed_exponent(exponent)) {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    if whole.contains(':') && exponent.is_none() {
        return float_in_base_60(whole, fraction).map(signed);
    }
    let starts_well = if whole.is_empty() {
        // PyYAML takes no sign before a bare point.
        fraction.starts_with(|c: char| c.is_ascii_digit()) && body.len() == text.len()
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit()) && whole.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    };
    if !starts_well {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn float_in_base_60(whole: &str, fraction: &str) -> Option<f64> {
    let (first, rest) = whole.split_once(':')?;
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let mut value: f64 = first.replace('_', "").parse().ok()?;
    for part in rest.split(':') {
        value = value * 60.0 + f64::from(sixtieth(part)?);
    }
    let fraction: f64 = format!("0.{}0", fraction.replace('_', "")).parse().ok()?;
    Some(value + fraction)
}

/// `e+12`, `E-3`.
fn is_signed_exponent(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next();
    let digits = match chars.next() {
        Some('+' | '-') => chars.as_str(),
        _ => return false,
    };
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn split_sign(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_prefix('-') {
        return (true, rest);
    }
    (false, text.strip_prefix('+').unwrap_or(text))
}
