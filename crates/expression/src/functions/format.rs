//! `%`-formatting of texts.

use super::shown;
use crate::object::{Arguments, Failure};
use crate::value::Value;

/// `%`-formatting: `%s`, `%d`, `%i`, `%f`, `%x`, `%r`, with `(name)`, `-`, `0`, width and precision.
pub(super) fn format(arguments: &Arguments) -> Result<Value, Failure> {
    let (template, values) = (arguments.text(0, "format")?, arguments.get(1, "values"));
    let mut positional = match values {
        Some(Value::List(values)) => values.iter(),
        _ => [].iter(),
    };
    let (mut output, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('%') {
        output.push_str(before);
        let mut after = after;
        let mut name = None;
        if let Some((inside, behind)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            name = Some(inside);
            after = behind;
        }
        let end = after.find(|letter: char| letter.is_alphabetic() || letter == '%');
        let end = end.ok_or_else(|| Failure::value("incomplete format"))?;
        let (flags, behind) = after.split_at(end);
        let kind = behind.chars().next().unwrap_or('s');
        rest = behind.get(kind.len_utf8()..).unwrap_or_default();
        if kind == '%' {
            output.push('%');
            continue;
        }
        let value = match name {
            Some(name) => values
                .and_then(|values| values.get(name))
                .ok_or_else(|| Failure { kind: "KeyError", message: name.to_owned() })?,
            None => positional.next().ok_or_else(|| Failure::kind("not enough arguments for format string"))?,
        };
        output.push_str(&formatted(value, kind, flags)?);
    }
    output.push_str(rest);
    if positional.next().is_some() {
        return Err(Failure::kind("not all arguments converted during string formatting"));
    }
    Ok(output.into())
}

fn formatted(value: &Value, kind: char, flags: &str) -> Result<String, Failure> {
    let left = flags.contains('-');
    let flags = flags.trim_start_matches(['-', '+', ' ', '#']);
    let (zeros, flags) = (flags.starts_with('0') && !left, flags.trim_start_matches('0'));
    let (width, precision) = flags.split_once('.').map_or((flags, None), |(width, places)| (width, Some(places)));
    let number = |text: &str| text.parse::<usize>().unwrap_or(0).min(1024);
    let (width, precision) = (number(width), precision.map(number));
    let not_a_number = || Failure::kind(format!("%{kind} format: a real number is required"));
    let text = match (kind, value) {
        ('d' | 'i' | 'u', Value::Int(value)) => value.to_string(),
        ('d' | 'i' | 'u', Value::Bool(value)) => i64::from(*value).to_string(),
        ('d' | 'i' | 'u', Value::Float(value)) => format!("{:.0}", value.trunc()),
        ('f' | 'F', Value::Float(value)) => format!("{:.*}", precision.unwrap_or(6), value),
        #[expect(clippy::cast_precision_loss, reason = "as Python does")]
        ('f' | 'F', Value::Int(value)) => format!("{:.*}", precision.unwrap_or(6), *value as f64),
        ('x', Value::Int(value)) => format!("{value:x}"),
        ('X', Value::Int(value)) => format!("{value:X}"),
        ('r', Value::Str(text)) => format!("'{text}'"),
        ('s' | 'r', value) => {
            let text = shown(value);
            precision.map_or(text.clone(), |places| text.chars().take(places).collect())
        }
        _ => return Err(not_a_number()),
    };
    Ok(match (left, zeros) {
        (true, _) => format!("{text:<width$}"),
        (false, true) => format!("{text:0>width$}"),
        (false, false) => format!("{text:>width$}"),
    })
}
