//! Tokens are made: what an access token says, and the answer that carries it (RFC 6749, section 5.1).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_events::Event;
use vestibule_kernel::{Ctx, Object};
use vestibule_store::Durability;

use super::Asking;
use crate::authorize::request::{OFFLINE_ACCESS, OPENID};
use crate::authorize::span;
use crate::claims::Telling;
use crate::client::Client;
use crate::error::TokenError;
use crate::grants::{Granted, NewToken, add_access, add_refresh, spend_refresh};
use crate::logout;

/// Letters of a refresh token.
const REFRESH_LENGTH: usize = 128;

/// What an access token says: what the identity token says, for whom it is, and how far it reaches (RFC 9068 as far as the
/// reference follows it). `confirmation`: the thumbprint of the key that it is bound to (RFC 9449, section 6.1).
pub(crate) fn access_claims(
    client: &Client<'_>,
    ctx: &Ctx,
    id_token: &Object,
    scope: &[String],
    confirmation: Option<&str>,
) -> Value {
    let mut claims = id_token.clone();
    claims.insert("azp".into(), client.provider.client_id.clone().into());
    claims.insert("uid".into(), ctx.token(40).into());
    claims.entry("scope").or_insert_with(|| scope.join(" ").into());
    if let Some(thumbprint) = confirmation {
        claims.insert("cnf".into(), json!({"jkt": thumbprint}));
    }
    Value::Object(claims)
}

/// What is to be issued.
pub(crate) struct Issue<'a> {
    pub user: &'a UserRow,
    /// What the access token reaches.
    pub scope: &'a [String],
    /// What a refresh token that goes with it reaches.
    pub refresh_scope: &'a [String],
    pub granted: Granted,
    pub family: Uuid,
    /// Whether a refresh token may go with it.
    pub refreshable: bool,
    /// The refresh token that is used up, and until when it would have been good.
    pub spent: Option<(i64, DateTime<Utc>)>,
    /// What is written about it.
    pub event: Option<Event>,
}

impl Issue<'_> {
    /// The answer of the token endpoint.
    ///
    /// # Errors
    /// `invalid_grant`, where the refresh token was used up meanwhile; the database, a key that does not sign.
    pub(crate) async fn answer(self, asking: &Asking<'_>) -> Result<Object, TokenError> {
        let (state, client) = (asking.state, asking.client);
        let provider = client.provider;
        let store = state.store();
        let now = state.ctx().now();
        let signer = client.signer()?;
        // Signatures take longer than all the rest: who else is ready comes as far first.
        let mut transaction = store.database().gather_soon(Durability::Process).await;
        let telling = Telling::new(state, client, self.user, &asking.request);
        let lasts = span(&provider.access_token_validity);
        let id_token = telling.id_token(&asking.origin, &self.granted, self.scope, lasts).await?;
        let bound = self.granted.confirmation.as_deref();
        let access = signer.token("JWT", &access_claims(&client, state.ctx(), &id_token, self.scope, bound))?;
        // What the identity token says, and with a refresh token the next one.
        let told = || {
            let mut told = id_token.clone();
            told.insert("at_hash".into(), signer.key.algorithm().half_hash(&access).into());
            told
        };
        let mut answer = Object::new();
        answer.insert("access_token".into(), access.clone().into());
        answer.insert("token_type".into(), if bound.is_some() { "DPoP" } else { "Bearer" }.into());
        answer.insert("scope".into(), self.scope.join(" ").into());
        answer.insert("expires_in".into(), lasts.num_seconds().into());
        // OpenID Connect Core, section 3.1.2.1: without its scope the request is one of OAuth 2 alone.
        if self.scope.iter().any(|one| one == OPENID) {
            answer.insert("id_token".into(), signer.token("JWT", &Value::Object(told()))?.into());
        }

        let kept = |key, scope, expires, id_token| NewToken {
            key,
            provider: client.pk(),
            user: self.user.pk,
            scope,
            expires,
            id_token,
            family: self.family,
            granted: &self.granted,
        };
        let threshold = span(&provider.refresh_token_threshold);
        let renews = self.spent.is_none_or(|(_, expires)| threshold.is_zero() || expires - now < threshold);
        let wants_refresh = self.refresh_scope.iter().any(|one| one == OFFLINE_ACCESS);
        if let (Some((id, _)), true) = (self.spent, renews)
            && !spend_refresh(&mut transaction, id).await?
        {
            return Err(crate::error::token_error("invalid_grant"));
        }
        add_access(store, &mut transaction, &kept(&access, self.scope, now + lasts, &id_token)).await?;
        if self.refreshable && wants_refresh && renews {
            let lasts = span(&provider.refresh_token_validity);
            let key = state.ctx().token(REFRESH_LENGTH);
            let mut told = told();
            told.insert("exp".into(), (now + lasts).timestamp().into());
            add_refresh(store, &mut transaction, &kept(&key, self.refresh_scope, now + lasts, &told)).await?;
            answer.insert("refresh_token".into(), key.into());
        }
        if let Some(session) = self.granted.session {
            logout::remember(&mut transaction, &client, session, &id_token).await?;
        }
        if let Some(event) = self.event {
            event.write(state.ctx(), &mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(answer)
    }
}
