//! What a browser says that it is (RFC 9110, section 10.1.5), taken apart into program, system and device, in the words
//! of the `ua-parser` project as far as the common ones go. What is not known is `Other`.

use serde_json::{Value, json};
use vestibule_resource::{Field, Shape};

/// The schema of [`parse`]'s answer.
pub(super) fn shape() -> Shape {
    Shape::Object("AuthenticatedSessionUserAgent", fields)
}

fn name_of(part: &str) -> &'static str {
    match part {
        "device" => "AuthenticatedSessionUserAgentDevice",
        "os" => "AuthenticatedSessionUserAgentOs",
        _ => "AuthenticatedSessionUserAgentUserAgent",
    }
}

fn fields() -> Vec<Field> {
    vec![
        part("device", device),
        part("os", system),
        part("user_agent", browser),
        Field::of::<String>("string", "The whole text."),
    ]
}

fn part(name: &'static str, fields: fn() -> Vec<Field>) -> Field {
    Field::of::<Value>(name, "").shape(Shape::Object(name_of(name), fields))
}

fn device() -> Vec<Field> {
    vec![
        Field::of::<Option<String>>("brand", "Who makes it.").required(),
        Field::of::<String>("family", "What it is."),
        Field::of::<Option<String>>("model", "Which one.").required(),
    ]
}

fn system() -> Vec<Field> {
    let version = |name| Field::of::<Option<String>>(name, "A part of its version.").required();
    let parts = ["major", "minor", "patch", "patch_minor"].map(version);
    [Field::of::<String>("family", "What it is.")].into_iter().chain(parts).collect()
}

fn browser() -> Vec<Field> {
    let version = |name| Field::of::<String>(name, "A part of its version.");
    let parts = ["major", "minor", "patch"].map(version);
    [Field::of::<String>("family", "What it is.")].into_iter().chain(parts).collect()
}

/// Programs by the mark of their version, the more particular first.
const PROGRAMS: [(&str, &str); 14] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("FxiOS/", "Firefox iOS"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python Requests"),
];

/// Systems by the mark before their version.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows NT ", "Windows"),
    ("Android ", "Android"),
    ("iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("Mac OS X ", "Mac OS X"),
    ("CrOS ", "Chrome OS"),
    ("Ubuntu", "Ubuntu"),
];

/// Devices by their mark: what it is, who makes it, which one.
const DEVICES: [(&str, &str, Option<&str>, Option<&str>); 4] = [
    ("iPhone", "iPhone", Some("Apple"), Some("iPhone")),
    ("iPad", "iPad", Some("Apple"), Some("iPad")),
    ("Macintosh", "Mac", Some("Apple"), Some("Mac")),
    ("Android", "Generic Smartphone", Some("Generic"), Some("Smartphone")),
];

/// Takes the text of a `User-Agent` header apart.
pub(super) fn parse(text: &str) -> Value {
    let program = PROGRAMS.iter().find_map(|(mark, name)| Some((*name, version(text, mark)?)));
    let (program, of_program) = program.unwrap_or(("Other", Vec::new()));
    let program = if program == "Chrome" && text.contains("Mobile") { "Chrome Mobile" } else { program };
    let system = SYSTEMS.iter().find_map(|(mark, name)| Some((*name, version(text, mark)?)));
    let linux = || (if text.contains("Linux") { "Linux" } else { "Other" }, Vec::new());
    let (system, of_system) = system.unwrap_or_else(linux);
    let device = DEVICES.iter().find(|(mark, ..)| text.contains(mark));
    let (_, device, brand, model) = device.copied().unwrap_or(("", "Other", None, None));
    let part = |of: &[String], place: usize| of.get(place).cloned();
    let known = |of: &[String], place: usize| part(of, place).unwrap_or_default();
    json!({
        "user_agent": {
            "family": program,
            "major": known(&of_program, 0),
            "minor": known(&of_program, 1),
            "patch": known(&of_program, 2),
        },
        "os": {
            "family": system,
            "major": part(&of_system, 0),
            "minor": part(&of_system, 1).filter(|minor| system != "Windows" || minor != "0"),
            "patch": part(&of_system, 2),
            "patch_minor": part(&of_system, 3),
        },
        "device": {"family": device, "brand": brand, "model": model},
        "string": text,
    })
}

/// The parts of the version behind a mark; empty where none follows it, `None` where there is no mark.
fn version(text: &str, mark: &str) -> Option<Vec<String>> {
    let (_, rest) = text.split_once(mark)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
    let version = rest.get(..end).unwrap_or_default();
    Some(version.split(['.', '_']).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(text: &str) -> String {
        let parsed = parse(text);
        let of = |pointer: &str| parsed.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        let [program, major, system, release, device] =
            ["/user_agent/family", "/user_agent/major", "/os/family", "/os/major", "/device/family"].map(of);
        format!("{program} {major}, {system} {release}, {device}")
    }

    #[test]
    fn common_browsers_are_known() {
        let chrome = "(KHTML, like Gecko) Chrome/131.0.6778.86 Safari/537.36";
        for (text, expected) in [
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {chrome}"),
                "Chrome 131, Windows 10, Other",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 {chrome} Edg/131.0.1"),
                "Edge 131, Windows 10, Other",
            ),
            (
                "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".into(),
                "Firefox 133, Ubuntu -, Other",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"
                    .into(),
                "Safari 17, Mac OS X 10, Mac",
            ),
            ("curl/8.5.0".into(), "curl 8, Other -, Other"),
            (String::new(), "Other , Other -, Other"),
        ] {
            assert_eq!(brief(&text), expected, "{text}");
        }
    }
}
