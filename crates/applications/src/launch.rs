//! Where an application is opened: its launch URL, made for whoever opens it.

use std::fmt::Write as _;

use serde_json::Value;
use vestibule_kernel::{Actor, Object};
use vestibule_store::Configuration;

use crate::application::Application;
use crate::provider::PROVIDER;

/// An address that says: not to be opened.
const NOWHERE: &str = "blank://blank";

/// Whether a browser may be sent to an address.
pub(crate) fn is_web_address(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://")) && !address.chars().any(char::is_control)
}

/// Where an application is opened by somebody: its own address, or its provider's; `None`: nowhere.
pub(crate) fn launch_url(configuration: &Configuration, application: &Application, actor: &Actor) -> Option<String> {
    let template = if application.meta_launch_url.is_empty() {
        let provider = application.provider?;
        let known = |object: &&Object| object.get("pk").and_then(Value::as_i64) == Some(provider);
        let documents = configuration.all_documents().map(|document| &document.value);
        let found = documents.filter(|object| object.contains_key(PROVIDER)).find(known)?;
        found.get(PROVIDER)?.as_str()?.to_owned()
    } else {
        application.meta_launch_url.clone()
    };
    if template == NOWHERE || !is_web_address(&template) {
        return None;
    }
    Some(fill_in(&template, actor).unwrap_or(template))
}

/// An address with what everyone may know of a user in its places: name and e-mail address, encoded so that they stay
/// within their place. An address with any other place stays as it is: nothing else of a user is ever looked up.
fn fill_in(template: &str, actor: &Actor) -> Option<String> {
    let Actor::User { pk, username, email } = actor else { return None };
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("%(") {
        let (place, after) = after.split_once(")s")?;
        filled.push_str(before);
        filled.push_str(&match place {
            "username" => encode(username),
            "email" => encode(email),
            "pk" | "id" => pk.to_string(),
            _ => return None,
        });
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// RFC 3986, section 2.1.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use vestibule_kernel::Actor;

    use super::fill_in;

    fn alice() -> Actor {
        Actor::User { pk: 7, username: "alice/../x".into(), email: "a@b.example".into() }
    }

    #[test]
    fn names_stay_within_their_place() {
        let filled = fill_in("https://x.example/%(username)s?m=%(email)s&n=%(pk)s", &alice());
        assert_eq!(filled.as_deref(), Some("https://x.example/alice%2F..%2Fx?m=a%40b.example&n=7"));
    }

    #[test]
    fn nothing_else_of_a_user_is_shown() {
        for place in ["password", "attributes", "uuid", "last_login", "username.__class__", "email!r"] {
            assert_eq!(fill_in(&format!("https://x.example/%({place})s"), &alice()), None, "{place}");
        }
        assert_eq!(fill_in("https://x.example/%(username", &alice()), None);
        assert_eq!(
            fill_in("https://x.example/{username}/%s", &alice()).as_deref(),
            Some("https://x.example/{username}/%s")
        );
        assert_eq!(fill_in("https://x.example/%(username)s", &Actor::Anonymous), None);
    }
}
