//! Every text that a person reads comes from the catalogue, and the catalogue is whole.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_web::{Locale, translate, translate_error};

use crate::{
    markup::{attribute, split_tags, syntax, without_entities, without_syntax},
    samples::stage_pages,
};

const ENGLISH: &str = include_str!("../../messages/en.json");
const GERMAN: &str = include_str!("../../messages/de.json");

/// Attributes whose value is read by a person.
const READ: [&str; 8] = [
    "alt",
    "title",
    "placeholder",
    "aria-label",
    "aria-description",
    "data-busy-text",
    "data-shown-text",
    "data-hidden-text",
];

fn templates() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .chain(std::fs::read_dir(folder.join("mail")).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.extend(stage_pages().into_iter().map(|(component, source)| (component.to_owned(), source.to_owned())));
    assert!(found.len() >= 15, "templates are found");
    found
}

fn messages(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap()
}

/// The quoted strings of a piece of syntax.
fn literals(syntax: &str) -> impl Iterator<Item = &str> {
    syntax.split('"').skip(1).step_by(2)
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn no_text_bypasses_the_catalogue() {
    for (name, source) in templates() {
        let (text, tags) = split_tags(&without_syntax(&source));
        let left: String = without_entities(&text)
            .split_whitespace()
            .filter(|word| word.contains(char::is_alphabetic))
            .collect::<Vec<_>>()
            .join(" ");
        assert!(left.is_empty() || left == "DOCTYPE", "{name}: {left:?} is not from the catalogue");
        for tag in tags {
            for wanted in READ {
                let value = attribute(&tag, wanted).unwrap_or_default();
                assert!(!value.contains(char::is_alphabetic), "{name}: {wanted}={value:?} is not from the catalogue");
            }
        }
    }
}

#[test]
fn no_text_hides_in_the_syntax_of_templates() {
    // What an expression compares with, or the values of autocomplete and of attributes: protocol, not text.
    let protocol = ["username webauthn", "Invalid password", "Failed to authenticate.", "Sign in again to do this."];
    for (name, source) in templates() {
        for literal in syntax(&source).into_iter().flat_map(literals) {
            let text = (literal.contains(' ') && literal.contains(char::is_alphabetic))
                || literal.starts_with(char::is_uppercase);
            assert!(!text || protocol.contains(&literal), "{name}: {literal:?} is not from the catalogue");
        }
    }
}

#[test]
fn no_text_hides_in_the_scripts() {
    for file in vestibule_web::ASSETS.iter().filter(|asset| asset.content_type.starts_with("text/javascript")) {
        let source = std::str::from_utf8(file.bytes).unwrap();
        for line in
            source.lines().filter(|line| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("/*"))
        {
            for literal in literals(line) {
                let words =
                    literal.split(' ').filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic)).count();
                assert!(words < 2, "{}: {literal:?} is not from the catalogue", file.path);
            }
        }
    }
}

#[test]
fn both_languages_say_the_same_things() {
    let (english, german) = (messages(ENGLISH), messages(GERMAN));
    assert_eq!(english.keys().collect::<Vec<_>>(), german.keys().collect::<Vec<_>>());
    for (key, text) in &english {
        assert!(!text.trim().is_empty() && !german[key].trim().is_empty(), "{key} says nothing");
        assert_eq!(placeholders(text), placeholders(&german[key]), "{key}");
    }
}

#[test]
fn keys_are_sorted_and_unique() {
    for json in [ENGLISH, GERMAN] {
        let keys: Vec<_> = json
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "))
            .map(|(key, _)| key)
            .collect();
        assert!(keys.is_sorted() && keys.len() == messages(json).len(), "{keys:#?}");
    }
}

#[test]
fn every_key_that_is_used_exists_and_every_key_is_used() {
    let english = messages(ENGLISH);
    let mut used = BTreeSet::new();
    for (name, source) in templates() {
        for call in syntax(&source).into_iter().flat_map(|inside| inside.split("t(\"").skip(1)) {
            let (key, rest) = call.split_once('"').unwrap();
            if !english.contains_key(key) {
                // Other functions end in t too; their argument is no key.
                assert!(!key.contains('.'), "{name}: {key} is not in the catalogue");
                continue;
            }
            for placeholder in placeholders(&english[key]) {
                assert!(rest.contains(&format!("{placeholder}=")), "{name}: {key} needs {placeholder}");
            }
            used.insert(key.to_owned());
        }
    }
    // The one page that is no template.
    for call in include_str!("../../src/app.rs").split("translate(locale, \"").skip(1) {
        let key = call.split('"').next().unwrap();
        assert!(english.contains_key(key), "{key} is not in the catalogue");
        used.insert(key.to_owned());
    }
    let unused: Vec<_> = english.keys().filter(|key| !key.starts_with("wire.") && !used.contains(*key)).collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");
}

#[test]
fn what_the_recordings_say_is_translated() {
    let recorded = [
        "Failed to authenticate.",
        "Invalid data. Expected a dictionary, but got list.",
        "Invalid data. Expected a dictionary, but got str.",
        "Invalid next URL",
        "Invalid password",
        "Log in",
        "No data provided",
        "No identification data provided.",
        "Not a valid string.",
        "Null characters are not allowed.",
        "This field is required.",
        "This field may not be blank.",
        "This field may not be null.",
    ];
    for text in recorded {
        for locale in Locale::ALL {
            assert_ne!(translate_error(locale, text), text);
        }
        assert_ne!(translate_error(Locale::DE, text), translate_error(Locale::EN, text));
    }
}

#[test]
fn no_key_is_shown_in_place_of_a_text() {
    for key in messages(ENGLISH).keys() {
        for locale in Locale::ALL {
            assert_ne!(translate(locale, key, &[]), *key);
        }
    }
}
