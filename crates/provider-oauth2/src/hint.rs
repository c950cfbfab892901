//! `id_token_hint`: an application says whom it believes to be there (OpenID Connect Core, section 3.1.2.1).

use serde_json::Value;
use vestibule_flow::FlowState;
use vestibule_jose::Jws;
use vestibule_kernel::ApiError;

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
    /// Reads it; `None` where it is not of this client, or not of this server. Another node may just have begun to sign
    /// with a new key: what cannot be read is read once more by the newest configuration.
    ///
    /// # Errors
    /// The database.
    pub(crate) async fn read(state: &FlowState, client: &Client<'_>, hint: &str) -> Result<Option<Self>, ApiError> {
        if let Some(found) = Self::of(client, hint) {
            return Ok(Some(found));
        }
        let store = state.store();
        store.refresh_for_api().await?;
        let configuration = store.configuration();
        let newest = Client::by_client_id(&configuration, &client.provider.client_id);
        Ok(newest.and_then(|client| Self::of(&client, hint)))
    }

    fn of(client: &Client<'_>, hint: &str) -> Option<Self> {
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
