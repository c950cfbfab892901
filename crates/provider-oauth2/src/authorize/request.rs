//! A request to authorize an application (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2.1), read and checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mode::{Mode, Respond};
use crate::client::Client;
use crate::error::authorize_sentence;
use crate::parameters::Parameters;
use crate::provider::GrantType;
use crate::redirect_uri::is_registered;

/// What scopes of GitHub's are called; its applications ask for them instead of those that are set up.
pub(crate) const GITHUB: [&str; 4] = ["user", "read:user", "user:email", "read:org"];
/// With this scope comes an identity token.
pub(crate) const OPENID: &str = "openid";
/// With this scope comes a refresh token.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";
/// Longest that is taken of what a client only wants to get back, bytes.
const LONGEST: usize = 4096;

/// A request that was found good: kept in the plan until somebody has allowed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub client_id: String,
    pub redirect_uri: String,
    /// The parts of the response type, in order: `code`, `id_token`, `token`.
    pub response_type: Vec<String>,
    pub respond: Respond,
    pub scope: Vec<String>,
    #[serde(default)]
    pub nonce: Option<String>,
    #[serde(default)]
    pub prompt: Vec<String>,
    #[serde(default)]
    pub max_age: Option<i64>,
    /// Challenge and method (RFC 7636, section 4.3).
    #[serde(default)]
    pub challenge: Option<(String, String)>,
    #[serde(default)]
    pub claims: Option<Value>,
    /// The thumbprint of the key that a code is bound to (RFC 9449, section 10).
    #[serde(default)]
    pub confirmation: Option<String>,
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody can be sent back: a page says so.
    Here {
        /// What is wrong, in a word.
        title: &'static str,
        /// What is wrong.
        sentence: &'static str,
    },
    /// The client is told.
    Client(Respond, &'static str, String),
}

/// A refusal that the client is told of.
pub(crate) fn refuse(respond: &Respond, code: &'static str) -> Refused {
    Refused::Client(respond.clone(), code, authorize_sentence(code).to_owned())
}

/// Response types, and by which grant they give.
const RESPONSE_TYPES: [(&[&str], GrantType); 6] = [
    (&["code"], GrantType::AuthorizationCode),
    (&["id_token"], GrantType::Implicit),
    (&["id_token", "token"], GrantType::Implicit),
    (&["code", "token"], GrantType::Hybrid),
    (&["code", "id_token"], GrantType::Hybrid),
    (&["code", "id_token", "token"], GrantType::Hybrid),
];

/// The response types by name, for the metadata.
pub(crate) fn response_types() -> Vec<String> {
    RESPONSE_TYPES.iter().map(|(parts, _)| parts.join(" ")).collect()
}

impl AuthorizationRequest {
    /// Reads a request of this client.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(client: &Client<'_>, given: &Parameters, github: bool) -> Result<Self, Refused> {
        let redirect_uri = given.text("redirect_uri").to_owned();
        if !is_registered(&redirect_uri, client.addresses("authorization")) {
            return Err(Refused::Here {
                title: "Redirect URI Error",
                sentence: "The request fails due to a missing, invalid, or mismatching redirection URI (redirect_uri).",
            });
        }
        let mut parts = given.words("response_type");
        parts.sort_unstable();
        let found = RESPONSE_TYPES.iter().find(|(known, _)| parts == *known).map(|(_, grant)| *grant);
        let state = given.get("state").map(str::to_owned);
        let usual =
            if found.is_some_and(|grant| grant != GrantType::AuthorizationCode) { Mode::Fragment } else { Mode::Query };
        let mut respond = Respond { redirect_uri: redirect_uri.clone(), mode: usual, state, signed: false };
        if let Some(name) = given.get("response_mode") {
            let Some((mode, signed)) = Mode::of(name, usual) else { return Err(refuse(&respond, "invalid_request")) };
            // Tokens stand in no query, which servers write down (OAuth 2.0 Multiple Response Types, section 5).
            if mode == Mode::Query && usual == Mode::Fragment {
                return Err(refuse(&respond, "invalid_request"));
            }
            respond = Respond { mode, signed, ..respond };
        }
        if given.repeated.is_some() || respond.state.as_ref().is_some_and(|state| state.len() > LONGEST) {
            return Err(refuse(&Respond { state: None, ..respond }, "invalid_request"));
        }
        let Some(grant) = found else { return Err(refuse(&respond, "unsupported_response_type")) };
        if !client.may_use(grant) {
            return Err(refuse(&respond, "unauthorized_client"));
        }
        for (name, code) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if given.get(name).is_some() {
                return Err(refuse(&respond, code));
            }
        }
        let scope = scope_of(client, given, github, &parts);
        let has_openid = scope.iter().any(|one| one == OPENID);
        let tells_identity = parts.iter().any(|part| part == "id_token");
        if !has_openid && (grant == GrantType::Hybrid || tells_identity) {
            return Err(refuse(&respond, "invalid_scope"));
        }
        let nonce = given.get("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > LONGEST) || (tells_identity && nonce.is_none()) {
            return Err(refuse(&respond, "invalid_request"));
        }
        Ok(Self {
            client_id: client.provider.client_id.clone(),
            redirect_uri,
            challenge: challenge(given, &respond)?,
            prompt: prompt(given, &respond)?,
            max_age: max_age(given, &respond)?,
            claims: claims(given, &respond)?,
            confirmation: given.get("dpop_jkt").map(str::to_owned),
            response_type: parts,
            scope,
            nonce,
            respond,
        })
    }

    /// Whether a code, an identity token or a token is asked for.
    pub(crate) fn asks_for(&self, part: &str) -> bool {
        self.response_type.iter().any(|one| one == part)
    }

    /// Whether the request demands something of the person.
    pub(crate) fn prompts(&self, what: &str) -> bool {
        self.prompt.iter().any(|one| one == what)
    }
}

/// The scopes that are asked for and set up; all that are set up where none is asked for.
fn scope_of(client: &Client<'_>, given: &Parameters, github: bool, response_type: &[String]) -> Vec<String> {
    let known = client.scopes();
    let asked = given.scope();
    let mut scope: Vec<String> = match asked.is_empty() {
        true => known.iter().map(|one| (*one).to_owned()).collect(),
        false => asked
            .into_iter()
            .filter(|one| known.contains(one.as_str()) || (github && GITHUB.contains(&one.as_str())))
            .collect(),
    };
    // Without a code there is nothing to give a refresh token for (OpenID Connect Core, section 11).
    if !response_type.iter().any(|part| part == "code") {
        scope.retain(|one| one != OFFLINE_ACCESS);
    }
    scope
}

/// RFC 7636, sections 4.2 and 4.3.
fn challenge(given: &Parameters, respond: &Respond) -> Result<Option<(String, String)>, Refused> {
    let Some(challenge) = given.get("code_challenge") else { return Ok(None) };
    let method = given.get("code_challenge_method").unwrap_or("plain");
    if !["plain", "S256"].contains(&method) {
        let sentence = format!("Unsupported challenge method {method}");
        return Err(Refused::Client(respond.clone(), "invalid_request", sentence));
    }
    let unreserved = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    if challenge.len() > 128 || !challenge.chars().all(unreserved) {
        return Err(refuse(respond, "invalid_request"));
    }
    Ok(Some((challenge.to_owned(), method.to_owned())))
}

/// OpenID Connect Core, section 3.1.2.1: nothing may be demanded beside `none`.
fn prompt(given: &Parameters, respond: &Respond) -> Result<Vec<String>, Refused> {
    let prompt = given.words("prompt");
    let known = prompt.iter().all(|one| ["none", "login", "consent", "select_account"].contains(&one.as_str()));
    if !known || (prompt.len() > 1 && prompt.iter().any(|one| one == "none")) {
        return Err(refuse(respond, "invalid_request"));
    }
    Ok(prompt)
}

fn max_age(given: &Parameters, respond: &Respond) -> Result<Option<i64>, Refused> {
    let Some(text) = given.get("max_age") else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(seconds) if seconds >= 0 => Ok(Some(seconds)),
        _ => Err(refuse(respond, "invalid_request")),
    }
}

/// OpenID Connect Core, section 5.5.
fn claims(given: &Parameters, respond: &Respond) -> Result<Option<Value>, Refused> {
    let Some(text) = given.get("claims") else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(claims @ Value::Object(_)) if text.len() <= LONGEST => Ok(Some(claims)),
        _ => Err(refuse(respond, "invalid_request")),
    }
}
