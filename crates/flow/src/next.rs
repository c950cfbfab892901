//! Where a flow leads when it is done: only ever to this host.

use url::{ParseError, Url};

/// What became of a `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A path on this host.
    Here(String),
    /// A scheme that a browser would run: an attack, answered with an error.
    Dangerous,
}

/// The place that `next` names, if it is on this host; `/` otherwise.
///
/// Names of views that older links carry are understood. Browsers read a backslash as a slash: it is encoded.
pub(crate) fn resolve(next: Option<&str>, host: &str) -> Next {
    let Some(next) = next.filter(|next| !next.is_empty()) else { return Next::Here("/".into()) };
    match next {
        "authentik_core:if-user" => return Next::Here("/if/user/".into()),
        "authentik_core:if-admin" => return Next::Here("/if/admin/".into()),
        "authentik_core:root-redirect" => return Next::Here("/".into()),
        _ => {}
    }
    if next.chars().any(char::is_control) || next.starts_with("//") {
        return Next::Here("/".into());
    }
    match Url::parse(next) {
        // No scheme: a path of this host, encoded so that it stays one.
        Err(ParseError::RelativeUrlWithoutBase) => Next::Here(encode(next)),
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            // As written, not as parsed: `http:///host` would become a host.
            let authority = next.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#', '\\']).next());
            let same = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
            let here = Url::options().base_url(Some(&url)).parse("").ok().filter(|_| same);
            Next::Here(here.map_or_else(|| "/".into(), |_| path_of(&url)))
        }
        Ok(url) if matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file") => Next::Dangerous,
        _ => Next::Here("/".into()),
    }
}

fn path_of(url: &Url) -> String {
    let mut path = url.path().to_owned();
    if path.starts_with("//") {
        return "/".into();
    }
    for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part {
            path.push(mark);
            path.push_str(part);
        }
    }
    path
}

/// Percent-encodes what must not stand in an address (RFC 3986), and the backslash.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_host_are_kept() {
        let here = |next: &str| match resolve(Some(next), "id.example:9000") {
            Next::Here(path) => path,
            Next::Dangerous => "dangerous".into(),
        };
        assert_eq!(here("/if/user/#/settings"), "/if/user/#/settings");
        assert_eq!(here("/application/o/authorize/?client_id=abc"), "/application/o/authorize/?client_id=abc");
        assert_eq!(here("relative/path"), "relative/path");
        assert_eq!(here("/nope space"), "/nope%20space");
        assert_eq!(here("authentik_core:if-user"), "/if/user/");
        assert_eq!(here("http://id.example:9000/if/user/?a=1#b"), "/if/user/?a=1#b");
    }

    #[test]
    fn other_hosts_are_not() {
        for next in [
            "https://evil.example/x",
            "//evil.example/x",
            "http:///evil.example",
            "http:/\\evil.example",
            "https:evil.example",
            "http://id.example:9000@evil.example/",
            "http://id.example:9000.evil.example/",
            "http://id.example:9001/",
            "http://id.example:9000//evil.example",
            "/\t/evil.example",
            "\n//evil.example",
            "mailto:a@b",
            "",
        ] {
            assert_eq!(resolve(Some(next), "id.example:9000"), Next::Here("/".into()), "{next:?}");
        }
        assert_eq!(resolve(Some("/\\evil.example"), "h"), Next::Here("/%5Cevil.example".into()));
        assert_eq!(resolve(Some("\\\\evil.example"), "h"), Next::Here("%5C%5Cevil.example".into()));
        assert_eq!(resolve(Some("javascript:alert(1)"), "h"), Next::Dangerous);
        assert_eq!(resolve(Some("JaVaScRiPt:alert(1)"), "h"), Next::Dangerous);
        assert_eq!(resolve(None, "h"), Next::Here("/".into()));
    }
}
