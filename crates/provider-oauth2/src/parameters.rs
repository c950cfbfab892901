//! Parameters of a request (RFC 6749, appendix B), and the credentials of the client that sends it (section 2.3).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use vestibule_resource::http::media_type;

/// The parameters of a request. One that is given twice is given badly (RFC 6749, section 3.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    values: HashMap<String, String>,
    /// The first one that was given twice.
    pub repeated: Option<String>,
}

/// Parameters that may be given several times (RFC 8693, section 2.1).
const SEVERAL: [&str; 2] = ["resource", "audience"];

impl Parameters {
    /// Those of a text: a query, or the body of a form.
    pub(crate) fn of(text: &str) -> Self {
        let mut found = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let (name, value) = (name.into_owned(), value.into_owned());
            // A parameter without a value is as good as none.
            if value.is_empty() {
                continue;
            }
            if found.values.insert(name.clone(), value).is_some() && !SEVERAL.contains(&name.as_str()) {
                found.repeated.get_or_insert(name);
            }
        }
        found
    }

    /// Those of a form; none where the body is something else.
    pub(crate) fn of_form(parts: &Parts, body: &[u8]) -> Self {
        if !media_type(&parts.headers).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self::default();
        }
        Self::of(&String::from_utf8_lossy(body))
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// One of them; empty where it is not given.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The words of one of them, each once, as they come.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in self.text(name).split_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }

    /// The scopes of a request, in an order that is always the same: it means nothing (RFC 6749, section 3.3).
    pub(crate) fn scope(&self) -> Vec<String> {
        let mut scope = self.words("scope");
        scope.sort_by(|one, other| (one != "openid", one).cmp(&(other != "openid", other)));
        scope
    }

    /// Sets one.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// All of them, by name.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<_> = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// What a client says to be, and its secret: by HTTP Basic, or among the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub client_id: String,
    pub secret: String,
    /// The secret as clients have encoded it that write a plus sign for a blank.
    pub or: Option<String>,
}

impl Credentials {
    /// Those of a request.
    pub(crate) fn of(parts: &Parts, form: &Parameters) -> Self {
        basic(parts).unwrap_or_else(|| Self {
            client_id: form.text("client_id").to_owned(),
            secret: form.text("client_secret").to_owned(),
            or: None,
        })
    }
}

/// Both are encoded within as forms are (RFC 6749, section 2.3.1). Many clients do not, and send a plus sign as it is: it
/// may stand for itself or for a blank.
fn basic(parts: &Parts) -> Option<Credentials> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = || {
        let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = plain.split_once(':').unwrap_or((&plain, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let or = secret.contains('+').then(|| decoded(&secret.replace('+', " "))).flatten();
        Some(Credentials { client_id: decoded(id)?, secret: decoded(secret)?, or })
    };
    Some(plain().unwrap_or_default())
}

/// The token of a request to a protected resource (RFC 6750, section 2; RFC 9449, section 7.1), and whether it is bound to
/// a key.
pub(crate) fn presented(parts: &Parts, form: &Parameters) -> Option<(String, bool)> {
    if let Some(header) = parts.headers.get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        let bound = scheme.eq_ignore_ascii_case("dpop");
        let known = bound || scheme.eq_ignore_ascii_case("bearer");
        return (known && !token.is_empty()).then(|| (token.to_owned(), bound));
    }
    let query = Parameters::of(parts.uri.query().unwrap_or_default());
    let found = form.get("access_token").or_else(|| query.get("access_token"));
    found.map(|token| (token.to_owned(), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(authorization: &str) -> Parts {
        http::Request::builder().header(AUTHORIZATION, authorization).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_parameter_counts_once() {
        let found = Parameters::of("a=1&b=&c=x+y&c=z&resource=1&resource=2");
        assert_eq!((found.get("a"), found.get("b"), found.repeated.as_deref()), (Some("1"), None, Some("c")));
        assert_eq!(Parameters::of("scope=openid+email+openid").words("scope"), ["openid", "email"]);
    }

    #[test]
    fn basic_is_decoded_once_and_a_plus_may_be_a_blank() {
        let encoded = STANDARD.encode("my%3Aid:se+c%25ret");
        let found = Credentials::of(&parts(&format!("Basic {encoded}")), &Parameters::default());
        assert_eq!((found.client_id.as_str(), found.secret.as_str()), ("my:id", "se+c%ret"));
        assert_eq!(found.or.as_deref(), Some("se c%ret"));
        let form = Parameters::of("client_id=a&client_secret=b");
        // Broken credentials in the header are not made up for by others.
        assert_eq!(Credentials::of(&parts("Basic !"), &form), Credentials::default());
        assert_eq!(Credentials::of(&parts("Bearer x"), &form).client_id, "a");
    }

    #[test]
    fn a_token_comes_by_header_form_or_query() {
        assert_eq!(presented(&parts("bearer abc"), &Parameters::default()), Some(("abc".into(), false)));
        assert_eq!(presented(&parts("DPoP abc"), &Parameters::default()), Some(("abc".into(), true)));
        assert_eq!(presented(&parts("Basic abc"), &Parameters::of("access_token=x")), None);
        let query = http::Request::builder().uri("/u?access_token=q").body(()).unwrap().into_parts().0;
        assert_eq!(presented(&query, &Parameters::default()), Some(("q".into(), false)));
    }
}
