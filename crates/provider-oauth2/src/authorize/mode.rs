//! How a client gets its answer: in a query, a fragment, or a form (OAuth 2.0 Multiple Response Types; Form Post Response
//! Mode), and signed where it wants that (JWT Secured Authorization Response Mode).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};

use crate::client::Client;

/// How long a signed answer is good, seconds.
const SIGNED_FOR: i64 = 600;

/// Where an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    /// All of them, by name, for the metadata.
    pub(crate) const NAMES: [&'static str; 7] =
        ["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"];

    /// The mode of a name, and whether the answer is signed; `usual` is that of `jwt`.
    pub(crate) fn of(name: &str, usual: Self) -> Option<(Self, bool)> {
        let (name, signed) = match name.strip_suffix(".jwt") {
            Some(name) => (name, true),
            None if name == "jwt" => return Some((usual, true)),
            None => (name, false),
        };
        let mode = match name {
            "query" => Self::Query,
            "fragment" => Self::Fragment,
            "form_post" => Self::FormPost,
            _ => return None,
        };
        Some((mode, signed))
    }
}

/// Where an answer goes, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Respond {
    pub redirect_uri: String,
    pub mode: Mode,
    /// What the client wants to get back.
    #[serde(default)]
    pub state: Option<String>,
    /// Whether it is signed.
    #[serde(default)]
    pub signed: bool,
}

/// An answer that is ready to go.
pub(crate) enum Ready {
    /// By the address alone.
    Address(String),
    /// By a form with these fields.
    Form(String, Vec<(String, String)>),
}

impl Respond {
    /// An answer with these parameters. It says whose it is (RFC 9207).
    ///
    /// # Errors
    /// The key does not sign.
    pub(crate) fn with(
        &self,
        client: &Client<'_>,
        origin: &str,
        now: i64,
        mut parameters: Vec<(String, String)>,
    ) -> Result<Ready, ApiError> {
        let issuer = client.issuer(origin);
        if let Some(state) = &self.state {
            parameters.push(("state".into(), state.clone()));
        }
        if self.signed {
            let mut claims = Object::new();
            claims.insert("iss".into(), issuer.into());
            claims.insert("aud".into(), client.provider.client_id.clone().into());
            claims.insert("exp".into(), (now + SIGNED_FOR).into());
            claims.extend(parameters.into_iter().map(|(name, value)| (name, json!(value))));
            let token = client.signer()?.token("JWT", &Value::Object(claims))?;
            parameters = vec![("response".into(), token)];
        } else {
            parameters.push(("iss".into(), issuer));
        }
        if self.mode == Mode::FormPost {
            return Ok(Ready::Form(self.redirect_uri.clone(), parameters));
        }
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &parameters {
            text.append_pair(name, value);
        }
        let text = text.finish();
        let mark = match self.mode {
            Mode::Fragment => "#",
            _ if self.redirect_uri.contains('?') => "&",
            _ => "?",
        };
        Ok(Ready::Address(format!("{}{mark}{text}", self.redirect_uri)))
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn every_mode_has_its_name() {
        for name in Mode::NAMES {
            assert!(Mode::of(name, Mode::Query).is_some(), "{name}");
        }
        assert_eq!(Mode::of("jwt", Mode::Fragment), Some((Mode::Fragment, true)));
        for name in ["", ".jwt", "web_message", "Query"] {
            assert_eq!(Mode::of(name, Mode::Query), None, "{name}");
        }
    }
}
