//! `id_token_hint`: an application says whom it believes to be there (OpenID Connect Core, section 3.1.2.1).

use serde_json::Value;
use vestibule_jose::Jws;

use crate::client::Client;

/// An identity token of the client that asks; it may have ended, and its key may have been
/// replaced since.
pub(crate) enum Hint {
    /// It names them.
    Subject(String),
    /// It is encrypted for the client: nobody here can look into it.
    Closed,
}

impl Hint {
    /// Reads it; `None` where it is not of this client, or not of this server.
    pub(crate) fn read(client: &Client<'_>, hint: &str) -> Option<Self> {
        let signer = client.signer().ok()?;
        if signer.encrypts() {
            return Some(Self::Closed);
        }
        let claims = signer.own(&Jws::parse(hint).ok()?)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_own = text("aud") == Some(client.provider.client_id.as_str());
        text("sub").filter(|_| is_own).map(|subject| Self::Subject(subject.to_owned()))
    }
}
