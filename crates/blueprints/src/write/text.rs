//! How a text and a number are written so that every reader reads the same.

use std::fmt::Write;

use serde_json::Number;

/// Words that some reader takes for something else than text, in small letters.
const RESERVED: [&str; 14] =
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "none", "inf", "nan"];

/// A text on one line: plain where no reader can take it for anything else, else in double quotes. `flow`: inside `[]`
/// or `{}`, where more signs have a meaning.
pub(super) fn scalar(text: &str, flow: bool) -> String {
    if is_plain(text, flow) { text.to_owned() } else { double_quoted(text) }
}

/// A text of several lines as a literal block with `indent` spaces before each line; `None` where that would change it.
pub(super) fn literal(text: &str, indent: usize) -> Option<String> {
    let (body, header) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    let fits = text.contains('\n')
        && !text.starts_with(char::is_whitespace)
        && !body.ends_with('\n')
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && text.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
        && text.split('\n').all(|line| !line.starts_with('\t'));
    if !fits {
        return None;
    }
    let mut result = String::from(header);
    for line in body.split('\n') {
        result.push('\n');
        if !line.is_empty() {
            result.extend(std::iter::repeat_n(' ', indent));
            result.push_str(line);
        }
    }
    Some(result)
}

/// A number; floats with a point and, if any, a signed exponent, which YAML 1.1 needs.
pub(super) fn number(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Letters, digits and harmless signs, beginning with a letter, `_` or `/`, and no word with a meaning. What begins
/// with a digit is quoted, as it may be a number, a date or a time; only a UUID is certain not to be.
fn is_plain(text: &str, flow: bool) -> bool {
    let begins_well = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '/') || is_uuid(text);
    begins_well
        && !text.ends_with([' ', ':'])
        && !RESERVED.contains(&text.to_lowercase().as_str())
        && text.chars().zip(text.chars().skip(1).map(Some).chain([None])).all(|(c, next)| match c {
            ':' => !flow && next != Some(' '),
            ' ' => next != Some(' '),
            '_' | '-' | '.' | '/' | '+' | '=' | '@' | '(' | ')' | '$' | ';' | '%' | '\'' | '!' | '?' | '*' | '&' => {
                true
            }
            ',' => !flow,
            c => c.is_ascii_alphanumeric() || (c.is_alphabetic() && is_printable(c)),
        })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_digit() || ('a'..='f').contains(&c),
        })
}

fn double_quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push('"');
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            c if is_printable(c) => result.push(c),
            c => {
                let code = u32::from(c);
                // Writing into a String cannot fail.
                let _ = if code > 0xffff { write!(result, "\\U{code:08X}") } else { write!(result, "\\u{code:04X}") };
            }
        }
    }
    result.push('"');
    result
}

/// What YAML allows as it is, without line breaks, byte order marks and what makes text look other than it is.
fn is_printable(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let noncharacter = u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    !c.is_control() && !hidden && !noncharacter && !private && (c == ' ' || !c.is_whitespace())
}
