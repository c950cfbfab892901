//! The message catalogue: every text that a person reads, in each language, by key.

use std::{collections::HashMap, sync::LazyLock};

use crate::Locale;

type Messages = HashMap<String, String>;

static ENGLISH: LazyLock<Messages> = LazyLock::new(|| parse(include_str!("../messages/en.json")));
static GERMAN: LazyLock<Messages> = LazyLock::new(|| parse(include_str!("../messages/de.json")));

/// Keys of texts for what the wire says in its own English begin with this.
const WIRE: &str = "wire.";

/// The text of a key, its `{placeholders}` filled from `arguments`. What a language lacks is said in English; an unknown
/// key is returned as it is.
pub fn translate(locale: Locale, key: &str, arguments: &[(&str, &str)]) -> String {
    match lookup(locale, key) {
        Some(text) => fill(text, arguments),
        None => key.to_owned(),
    }
}

/// A sentence that helps, for a text of the wire. Those are protocol and always English (`Invalid password`); one that
/// the catalogue does not know is shown as it is.
pub fn translate_error(locale: Locale, wire_text: &str) -> String {
    let key = format!("{WIRE}{}", wire_text.trim().trim_end_matches('.'));
    lookup(locale, &key).map_or_else(|| wire_text.to_owned(), ToOwned::to_owned)
}

fn lookup(locale: Locale, key: &str) -> Option<&'static str> {
    let own: &'static Messages = if locale == Locale::DE { &GERMAN } else { &ENGLISH };
    own.get(key).or_else(|| ENGLISH.get(key)).map(String::as_str)
}

/// Fills the placeholders in one pass, so that a value which looks like a placeholder stays what it is.
fn fill(text: &str, arguments: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let argument = after.split_once('}').and_then(|(name, tail)| {
            arguments.iter().find(|(argument, _)| *argument == name).map(|(_, value)| (*value, tail))
        });
        if let Some((value, tail)) = argument {
            filled.push_str(value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// The catalogues are compiled in and a test reads both; one that cannot be read leaves the keys as texts.
fn parse(json: &str) -> Messages {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{fill, translate, translate_error};
    use crate::Locale;

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(fill("to {a} and {b}", &[("a", "{b}"), ("b", "x")]), "to {b} and x");
        assert_eq!(fill("{unknown} {", &[]), "{unknown} {");
    }

    #[test]
    fn each_language_speaks_its_own() {
        assert_eq!(translate(Locale::EN, "context.application", &[("application", "Wiki")]), "to continue to Wiki");
        assert_eq!(
            translate(Locale::DE, "context.application", &[("application", "Wiki")]),
            "um weiter zu Wiki zu gelangen"
        );
        assert_eq!(translate(Locale::DE, "no.such.key", &[]), "no.such.key");
    }

    #[test]
    fn texts_of_the_wire_become_sentences() {
        assert!(translate_error(Locale::DE, "Invalid password").contains("Passwort"));
        assert_eq!(
            translate_error(Locale::EN, "This field is required."),
            translate_error(Locale::EN, "This field is required")
        );
        assert_eq!(translate_error(Locale::DE, "Something a policy said."), "Something a policy said.");
    }
}
