//! `!Format`: Python's `text % arguments`, without named arguments.

use serde_json::Value;

use super::python::{display, repr};

/// Widths and precisions beyond this are refused: they only make memory full.
const MAX_WIDTH: usize = 1000;

/// Puts the arguments into the template, each at its `%`.
pub(super) fn format(template: &str, arguments: &[Value]) -> Result<String, String> {
    let mut result = String::with_capacity(template.len());
    let mut arguments = arguments.iter();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        let spec = Spec::parse(&mut chars)?;
        if spec.conversion == '%' {
            result.push('%');
            continue;
        }
        let argument = arguments.next().ok_or("too few arguments")?;
        result.push_str(&spec.apply(argument)?);
    }
    if arguments.next().is_some() {
        return Err("too many arguments".to_owned());
    }
    Ok(result)
}

#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    /// What stands before a number that is not negative.
    sign: &'static str,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Spec {
    fn parse(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Self, String> {
        let mut spec = Self::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '0' | '+' | ' ')) {
            match flag {
                '-' => spec.left = true,
                '0' => spec.zero = true,
                '+' => spec.sign = "+",
                _ if spec.sign.is_empty() => spec.sign = " ",
                _ => {}
            }
        }
        spec.width = number(chars)?;
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(chars)?);
        }
        spec.conversion = chars.next().ok_or("a % without an end")?;
        Ok(spec)
    }

    fn apply(&self, argument: &Value) -> Result<String, String> {
        match self.conversion {
            's' => Ok(self.text(&display(argument))),
            'r' => Ok(self.text(&repr(argument))),
            'd' | 'i' | 'u' => self.integer(argument).map(|value| self.number(value < 0, &value.abs().to_string())),
            'x' => self.integer(argument).map(|value| self.number(value < 0, &format!("{:x}", value.abs()))),
            'X' => self.integer(argument).map(|value| self.number(value < 0, &format!("{:X}", value.abs()))),
            'o' => self.integer(argument).map(|value| self.number(value < 0, &format!("{:o}", value.abs()))),
            'f' | 'F' => {
                let value = argument.as_f64().ok_or_else(|| self.needs_number(argument))?;
                let digits = format!("{:.*}", self.precision.unwrap_or(6), value.abs());
                Ok(self.number(value.is_sign_negative(), &digits))
            }
            '(' => Err("named arguments are not supported".to_owned()),
            other => Err(format!("unsupported conversion %{other}")),
        }
    }

    fn integer(&self, argument: &Value) -> Result<i128, String> {
        match argument {
            Value::Bool(value) => Ok(i128::from(*value)),
            Value::Number(number) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                // `%d` of a float drops the fraction; the other conversions take none.
                let cut = || {
                    let value = number.as_f64().filter(|_| matches!(self.conversion, 'd' | 'i' | 'u'))?;
                    format!("{:.0}", value.trunc()).parse().ok()
                };
                whole.or_else(cut).ok_or_else(|| self.needs_number(argument))
            }
            _ => Err(self.needs_number(argument)),
        }
    }

    fn needs_number(&self, argument: &Value) -> String {
        format!("%{} needs a number, not {argument}", self.conversion)
    }

    fn text(&self, text: &str) -> String {
        let text: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        self.pad(String::new(), &text, ' ')
    }

    fn number(&self, negative: bool, digits: &str) -> String {
        let sign = if negative { "-" } else { self.sign };
        let least = if self.conversion == 'f' || self.conversion == 'F' { 0 } else { self.precision.unwrap_or(0) };
        let digits = format!("{digits:0>least$}");
        if self.zero && !self.left {
            return self.pad(sign.to_owned(), &digits, '0');
        }
        self.pad(String::new(), &format!("{sign}{digits}"), ' ')
    }

    /// `prefix`, then `text`, filled up to the width between the two, or behind them.
    fn pad(&self, prefix: String, text: &str, fill: char) -> String {
        let missing = self.width.saturating_sub(prefix.chars().count() + text.chars().count());
        let filling: String = std::iter::repeat_n(fill, missing).collect();
        if self.left { prefix + text + &filling } else { prefix + &filling + text }
    }
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<usize, String> {
    let mut value = 0usize;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        value = value.saturating_mul(10).saturating_add(usize::try_from(digit).unwrap_or(0));
    }
    if value > MAX_WIDTH { Err(format!("a width above {MAX_WIDTH}")) } else { Ok(value) }
}
