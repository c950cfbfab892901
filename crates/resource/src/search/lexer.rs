//! From text to words and signs.

/// Most characters of an expression.
const LONGEST: usize = 4000;

/// A sign or a word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field, with what lies inside of it: `attributes.team`.
    Name(Vec<String>),
    /// A text in quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// `True` and `False`.
    Boolean(bool),
    /// `None`.
    Nothing,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `=`, `!=`, `>`, `>=`, `<`, `<=`, `~`, `!~`
    Sign(&'static str),
    /// `and`, `or`, `not`, `in`, `startswith`, `endswith`
    Word(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 8] = ["!=", ">=", "<=", "!~", "=", ">", "<", "~"];
const WORDS: [&str; 6] = ["and", "or", "not", "in", "startswith", "endswith"];

/// The tokens of a text; `None`: something in it is none.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}', '\u{a0}', '\u{2028}', '\u{2029}']);
        let Some(first) = rest.chars().next() else { return Some(tokens) };
        let (token, after) = match first {
            '(' => (Token::Open, rest.get(1..)?),
            ')' => (Token::Close, rest.get(1..)?),
            ',' => (Token::Comma, rest.get(1..)?),
            '"' => text_token(rest)?,
            '-' | '0'..='9' => number(rest)?,
            '_' | 'a'..='z' | 'A'..='Z' => word(rest)?,
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
                (Token::Sign(sign), rest.get(sign.len()..)?)
            }
        };
        tokens.push(token);
        rest = after;
    }
}

/// A text in quotes; a backslash escapes as in JSON.
fn text_token(rest: &str) -> Option<(Token, &str)> {
    let inside = rest.get(1..)?;
    let mut text = String::new();
    let mut letters = inside.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((Token::Text(text), inside.get(place + 1..)?)),
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\0' => return None,
            '\\' => match letters.next()?.1 {
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'u' => {
                    let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                    let is_whole = digits.len() == 4 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|code| is_whole && *code != 0)?;
                    text.push(char::from_u32(code)?);
                }
                itself @ ('"' | '\\' | '/') => text.push(itself),
                _ => return None,
            },
            letter => text.push(letter),
        }
    }
    None
}

fn number(rest: &str) -> Option<(Token, &str)> {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = usize::from(rest.starts_with('-'));
    let whole = digits(rest.get(sign..)?);
    // A zero leads no other digits.
    if whole == 0 || (whole > 1 && rest.get(sign..)?.starts_with('0')) {
        return None;
    }
    let mut end = sign + whole;
    if let Some(fraction) = rest.get(end..)?.strip_prefix('.').map(digits).filter(|length| *length > 0) {
        end += 1 + fraction;
    }
    if let Some(exponent) = rest.get(end..)?.strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let length = digits(exponent.get(sign..)?);
        if length > 0 {
            end += 1 + sign + length;
        }
    }
    let (text, after) = rest.split_at_checked(end)?;
    let token = match text.parse::<i64>() {
        Ok(integer) => Token::Integer(integer),
        Err(_) => Token::Number(text.parse::<f64>().ok().filter(|number| number.is_finite())?),
    };
    Some((token, after))
}

fn word(rest: &str) -> Option<(Token, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    let first = rest.get(..end)?;
    let own = match first {
        "True" => Some(Token::Boolean(true)),
        "False" => Some(Token::Boolean(false)),
        "None" => Some(Token::Nothing),
        _ => WORDS.into_iter().find(|word| *word == first).map(Token::Word),
    };
    if let Some(token) = own {
        return Some((token, rest.get(end..)?));
    }
    while let Some(more) = rest.get(end..)?.strip_prefix('.')
        && more.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    {
        end += 1 + more.find(|c: char| !is_part(c)).unwrap_or(more.len());
    }
    let name = rest.get(..end)?.split('.').map(str::to_owned).collect();
    Some((Token::Name(name), rest.get(end..)?))
}
