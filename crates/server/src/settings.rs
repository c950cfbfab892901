//! Where settings come from: the command line, the environment, `vestibule.yaml`. What they mean is the kernel's.

use std::collections::BTreeMap;
use std::path::Path;

use vestibule_blueprints::yaml::{self, Node, NodeValue};
use vestibule_kernel::settings::{SETTINGS, Settings, environment_name};

/// Settings by name.
pub type Values = BTreeMap<String, String>;

/// The file that is read when the command line names none.
pub const DEFAULT_FILE: &str = "vestibule.yaml";

/// Names of the environment that begin like a setting and are none.
const NOT_SETTINGS: &[&str] = &["VESTIBULE_CONFIG", "VESTIBULE_TEST_"];

/// Reads every setting; `file` is the one that the command line names.
///
/// # Errors
/// All that is wrong, one sentence each.
pub fn load(command_line: &Values, file: Option<&Path>) -> Result<Settings, Vec<String>> {
    let environment = environment();
    let named = file.map(Path::to_owned).or_else(|| environment.get("VESTIBULE_CONFIG").map(Into::into));
    let mut errors = Vec::new();
    let mut expand = |values: Values| -> Values {
        values
            .into_iter()
            .filter_map(|(name, value)| match indirect(&value) {
                Ok(value) => Some((name, value)),
                Err(reason) => {
                    errors.push(format!("setting `{name}`: {reason}"));
                    None
                }
            })
            .collect()
    };
    let environment = expand(environment);
    let mut file_errors = Vec::new();
    let from_file = match &named {
        Some(path) => read_file(path).unwrap_or_else(|reason| {
            file_errors.push(reason);
            Values::new()
        }),
        None if Path::new(DEFAULT_FILE).exists() => read_file(Path::new(DEFAULT_FILE)).unwrap_or_else(|reason| {
            file_errors.push(reason);
            Values::new()
        }),
        None => Values::new(),
    };
    let from_file = expand(from_file);
    errors.extend(file_errors);
    match Settings::load(command_line, &environment, &from_file) {
        Ok(settings) if errors.is_empty() => Ok(settings),
        Ok(_) => Err(errors),
        Err(more) => {
            errors.extend(more);
            Err(errors)
        }
    }
}

/// Names in the environment that look like settings and are none: spelling mistakes, mostly.
pub fn unknown_names() -> Vec<String> {
    let known: Vec<String> = SETTINGS.iter().map(|setting| environment_name(setting.name)).collect();
    let mut unknown: Vec<String> = environment().into_keys().filter(|name| name.starts_with("VESTIBULE_")).collect();
    unknown.retain(|name| !known.contains(name) && !NOT_SETTINGS.iter().any(|prefix| name.starts_with(prefix)));
    unknown
}

/// One variable of the environment, for blueprints that ask for it.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
fn environment() -> Values {
    std::env::vars().filter(|(name, _)| name.starts_with("VESTIBULE_") || name.starts_with("AUTHENTIK_")).collect()
}

/// `file:///run/secrets/key` stands for the content of a file, `env://NAME` for another variable, as in authentik.
fn indirect(value: &str) -> Result<String, String> {
    if let Some(path) = value.strip_prefix("file://") {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    match value.strip_prefix("env://") {
        Some(name) => variable(name).ok_or_else(|| format!("the variable {name} is not set")),
        None => Ok(value.to_owned()),
    }
}

fn read_file(path: &Path) -> Result<Values, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse_file(&text).map_err(|reason| format!("{}: {reason}", path.display()))
}

/// Settings from YAML: nested keys are joined with `_`, lists with `,`.
fn parse_file(text: &str) -> Result<Values, String> {
    let node = yaml::parse(text).map_err(|error| error.to_string())?;
    let mut values = Values::new();
    collect(&node, "", &mut values)?;
    Ok(values)
}

fn collect(node: &Node, name: &str, values: &mut Values) -> Result<(), String> {
    match &node.value {
        NodeValue::Mapping(pairs) => {
            for (key, value) in pairs {
                let key = key.to_text().unwrap_or_default();
                let name = if name.is_empty() { key } else { format!("{name}_{key}") };
                collect(value, &name, values)?;
            }
        }
        NodeValue::Null => {}
        _ if name.is_empty() => return Err(format!("line {}: settings are a mapping", node.line)),
        NodeValue::Sequence(items) => {
            let items: Vec<String> = items.iter().map(|item| scalar(item, name)).collect::<Result<_, _>>()?;
            values.insert(name.to_owned(), items.join(","));
        }
        _ => {
            values.insert(name.to_owned(), scalar(node, name)?);
        }
    }
    Ok(())
}

fn scalar(node: &Node, name: &str) -> Result<String, String> {
    match node.value {
        // YAML 1.1 reads `on` and `off` as booleans; settings spell them so.
        NodeValue::Bool(value) => Ok(if value { "on" } else { "off" }.to_owned()),
        _ => node.to_text().ok_or_else(|| format!("line {}: `{name}` is {}", node.line, node.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_keys_lists_and_switches_become_settings() {
        let text =
            "listen: 127.0.0.1:1\nargon2:\n  memory: 64\ntrusted_proxies: [10.0.0.0/8, ::1/128]\nrate_limit: off\n";
        let values = parse_file(text).unwrap();
        assert_eq!(values.get("argon2_memory").map(String::as_str), Some("64"));
        assert_eq!(values.get("trusted_proxies").map(String::as_str), Some("10.0.0.0/8,::1/128"));
        assert_eq!(values.get("rate_limit").map(String::as_str), Some("off"));
        let settings = Settings::load(&Values::new(), &Values::new(), &values).unwrap();
        assert_eq!(settings.argon2.0, 64);
        assert!(!settings.rate_limit);
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(parse_file("- a\n").unwrap_err(), "line 1: settings are a mapping");
        assert!(parse_file("a:\n  - {b: 1}\n").unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_value_may_be_kept_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "geheim\n").unwrap();
        assert_eq!(indirect(&format!("file://{}", path.display())).unwrap(), "geheim");
        assert_eq!(indirect("plain").unwrap(), "plain");
        assert!(indirect("file:///nowhere/at/all").is_err());
    }
}
