//! Numbers, as numbers and as texts.

use serde_json::{Value, json};

use super::Wrong;

pub(super) fn decode_integer(value: &Value, min: i64, max: i64) -> Result<Value, Wrong> {
    let wrong = || Wrong::from("A valid integer is required.");
    let number: i128 = match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => match number.as_f64() {
                Some(float) if float.fract() == 0.0 && float.abs() < 1e18 => {
                    format!("{float:.0}").parse().map_err(|_| wrong())?
                }
                Some(float) if float.abs() >= 1e18 => {
                    if float > 0.0 {
                        i128::MAX
                    } else {
                        i128::MIN
                    }
                }
                _ => return Err(wrong()),
            },
        },
        Value::String(text) if text.len() > 1000 => return Err("String value too large.".into()),
        Value::String(text) => parse_whole(text.trim()).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    if number > i128::from(max) {
        return Err(format!("Ensure this value is less than or equal to {max}.").into());
    }
    if number < i128::from(min) {
        return Err(format!("Ensure this value is greater than or equal to {min}.").into());
    }
    Ok(json!(i64::try_from(number).map_err(|_| wrong())?))
}

/// A whole number as people write it, `5` or `5.00`; one out of reach is the nearest within.
fn parse_whole(text: &str) -> Option<i128> {
    let text = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(if text.starts_with('-') { i128::MIN } else { i128::MAX }))
}

pub(super) fn decode_float(value: &Value) -> Result<Value, Wrong> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .map(|number| json!(number))
        .ok_or_else(|| "A valid number is required.".into())
}
