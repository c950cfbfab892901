//! Addresses that an application may have people sent back to. RFC 6749, section 3.1.2.

use regex::Regex;
use serde_json::{Value, json};
use vestibule_kernel::FieldErrors;
use vestibule_resource::{Field, choices};

choices! {
    /// How an address is compared.
    pub enum MatchingMode: "MatchingModeEnum" {
        Strict = "strict" "Letter by letter",
        Regex = "regex" "As a regular expression",
    }
}

choices! {
    /// What an address is for.
    pub enum RedirectUriType: "RedirectURITypeEnum" {
        Authorization = "authorization" "After signing in",
        Logout = "logout" "After signing out",
    }
}

/// The fields of one.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::of::<MatchingMode>("matching_mode", "How an address is compared."),
        Field::of::<String>("url", "The address, or what it must match."),
        Field::of::<RedirectUriType>("redirect_uri_type", "What it is for.").default(|| json!("authorization")),
    ]
}

/// Schemes that a browser runs or reads from itself: nobody is sent there, whatever an expression matches.
const DANGEROUS: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// Whether an address has a scheme that nobody may be sent to. Browsers pass over control characters and blanks.
pub(crate) fn is_dangerous(address: &str) -> bool {
    let bare: String = address.chars().filter(|letter| !letter.is_control() && !letter.is_whitespace()).collect();
    let scheme = bare.split(':').next().unwrap_or_default().to_ascii_lowercase();
    bare.contains(':') && DANGEROUS.contains(&scheme.as_str())
}

/// Whether an address is one of those that are registered. It is compared letter by letter, or as a whole with an
/// expression; with neither may it be one that a browser runs, nor bring a fragment (RFC 6749, section 3.1.2).
pub(crate) fn is_registered<'a>(address: &str, registered: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    if address.is_empty() || address.contains('#') || address.chars().any(char::is_control) || is_dangerous(address) {
        return false;
    }
    let mut registered = registered;
    registered.any(|(mode, url)| match mode {
        "regex" => Regex::new(&format!("^(?:{url})$")).is_ok_and(|pattern| pattern.is_match(address)),
        _ => url == address,
    })
}

/// What must hold for all of a provider's addresses.
pub(crate) fn validate(addresses: &Value, errors: &mut FieldErrors) {
    for address in addresses.as_array().into_iter().flatten() {
        let text = |name: &str| address.get(name).and_then(Value::as_str).unwrap_or_default();
        let url = text("url");
        if text("matching_mode") == MatchingMode::Regex.as_str() && Regex::new(url).is_err() {
            errors.add("redirect_uris", format!("Invalid Regex Pattern: {url}"));
        } else if is_dangerous(url) {
            errors.add("redirect_uris", format!("Nobody can be sent to {url}."));
        }
    }
}

/// Scheme and host of the first address that is one letter by letter: where the application is, most likely.
pub(crate) fn origin_of_first(addresses: &Value) -> Option<String> {
    let first = addresses.as_array()?.first()?;
    let url = first.get("url")?.as_str()?;
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#', '\\']).next().filter(|host| !host.is_empty())?;
    let strict = first.get("matching_mode")?.as_str()? == MatchingMode::Strict.as_str();
    (strict && ["http", "https"].contains(&scheme)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::{is_dangerous, is_registered, origin_of_first};
    use serde_json::json;

    #[test]
    fn what_a_browser_runs_is_dangerous_however_it_is_written() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript://x",
            " java\tscript:x",
            "data:text/html,x",
            "vbscript:x",
            "\u{0}javascript:x",
        ] {
            assert!(is_dangerous(bad), "{bad:?}");
        }
        for good in ["https://x.example/cb", "com.example.app:/cb", "myapp://cb", "javascript.example/cb", ".*"] {
            assert!(!is_dangerous(good), "{good}");
        }
    }

    #[test]
    fn the_first_address_tells_where_the_application_is() {
        let of = |mode: &str, url: &str| origin_of_first(&json!([{"matching_mode": mode, "url": url}]));
        assert_eq!(of("strict", "http://127.0.0.1:8999/cb?x=1").as_deref(), Some("http://127.0.0.1:8999"));
        assert_eq!(of("regex", "https://.*"), None);
        assert_eq!(of("strict", "myapp://cb"), None);
        assert_eq!(origin_of_first(&json!([])), None);
    }

    #[test]
    fn an_address_is_registered_letter_by_letter_or_as_a_whole() {
        // CVE-2024-52289: a dot is a dot. CVE-2024-21637: nothing that a browser runs, whatever an expression lets pass.
        let strict = [("strict", "https://a.example/cb")];
        let check = |address: &str, all: &[(&str, &str)]| is_registered(address, all.iter().copied());
        assert!(check("https://a.example/cb", &strict));
        for other in
            ["https://aXexample/cb", "https://a.example/cb/", "https://a.example/cb#x", "https://a.example/cb?x=1", ""]
        {
            assert!(!check(other, &strict), "{other}");
        }
        let any = [("regex", ".*")];
        assert!(check("myapp://cb", &any));
        for other in ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "https://a/\ncb"] {
            assert!(!check(other, &any), "{other}");
        }
        let whole = [("regex", "https://a\\.example/cb|https://b\\.example/cb")];
        assert!(check("https://b.example/cb", &whole) && !check("https://b.example/cb/evil", &whole));
        assert!(!check("https://evil.example/?https://a.example/cb", &whole));
        assert!(!check("https://a.example/cb", &[("regex", "(")]));
    }
}
