//! Whether a text will run: for fields that hold one.

use vestibule_expression::Program;
use vestibule_resource::{Fault, Language};

/// The language of fields that hold an expression; `unnamed` is what messages call that of an object without a name.
pub fn python(unnamed: &'static str) -> Language {
    Language { check, unnamed }
}

/// Brackets that never close are told of in the wire's words, whatever else will not run in those of the sandbox.
fn check(text: &str) -> Result<(), Fault> {
    let Err(error) = Program::parse(text) else { return Ok(()) };
    let Some((bracket, at)) = unclosed(text) else {
        return Err(Fault { line: error.line, column: error.column, message: error.message, known: false });
    };
    let before = text.get(..at).unwrap_or_default();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    let line = 1 + before.matches('\n').count();
    Err(Fault { line, column, message: format!("'{bracket}' was never closed"), known: true })
}

/// The last bracket outside of texts and comments that nothing closes, and the byte that it is at.
fn unclosed(expression: &str) -> Option<(char, usize)> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut quote: Option<String> = None;
    let (mut at, mut rest) = (0, expression);
    while let Some(letter) = rest.chars().next() {
        let mut taken = letter.len_utf8();
        match &quote {
            Some(_) if letter == '\\' => taken += rest.chars().nth(1).map_or(0, char::len_utf8),
            Some(end) if rest.starts_with(end.as_str()) => {
                taken = end.len();
                quote = None;
            }
            Some(_) => {}
            None => match letter {
                '#' => taken = rest.find('\n').unwrap_or(rest.len()),
                '"' | '\'' => {
                    let triple = letter.to_string().repeat(3);
                    let end = if rest.starts_with(&triple) { triple } else { letter.to_string() };
                    taken = end.len();
                    quote = Some(end);
                }
                '(' | '[' | '{' => open.push((letter, at)),
                ')' | ']' | '}' => drop(open.pop()),
                _ => {}
            },
        }
        at += taken;
        rest = rest.get(taken..).unwrap_or_default();
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::{check, unclosed};

    #[test]
    fn brackets_that_never_close_are_found() {
        assert_eq!(unclosed("(("), Some(('(', 1)));
        assert_eq!(unclosed("return {\n  'a': [1,\n}"), Some(('{', 7)));
        assert_eq!(unclosed("return {'a': '(', \"b\": \"\\\"[\"} # ("), None);
        assert_eq!(unclosed("'''(\n''' + (\n'\u{fc}'"), Some(('(', 11)));
    }

    #[test]
    fn faults_have_a_place() {
        let place = |text: &str| check(text).map_err(|fault| (fault.line, fault.column, fault.known));
        assert_eq!(place("return {}"), Ok(()));
        assert_eq!(place("x = 1\n\u{fc} = (1,"), Err((2, 5, true)));
        assert_eq!(place("x = 1\nimport os"), Err((2, 1, false)));
    }
}
