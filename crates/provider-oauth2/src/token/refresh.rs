//! A refresh token is used (RFC 6749, section 6). It is good once: whoever comes with it again ends all that came of it
//! (RFC 9700, section 4.14.2).

use serde_json::json;
use vestibule_events::Event;
use vestibule_kernel::{Actor, Object};
use vestibule_store::Durability;

use super::Asking;
use super::issue::Issue;
use crate::authorize::request::OFFLINE_ACCESS;
use crate::error::{TokenError, token_error};
use crate::grants::{Granted, Token, has_session, refresh, revoke_family};
use crate::provider::GrantType;

pub(super) async fn grant(asking: &Asking<'_>) -> Result<Object, TokenError> {
    asking.authenticate()?;
    asking.allowed(GrantType::RefreshToken)?;
    let Some(key) = asking.form.get("refresh_token") else { return Err(token_error("invalid_grant")) };
    let (store, now) = (asking.state.store(), asking.state.ctx().now());
    let found = refresh(store, key).await?.filter(|found| found.provider == asking.client.pk());
    let Some(found) = found else { return Err(token_error("invalid_grant")) };
    if found.revoked {
        revoke_family(store, found.family).await?;
        tell(asking, &found).await?;
        return Err(token_error("invalid_grant"));
    }
    if !found.is_good(now) {
        return Err(token_error("invalid_grant"));
    }
    if found.confirmation.is_some() && found.confirmation != asking.proof {
        return Err(token_error("invalid_dpop_proof"));
    }
    let asked = asking.form.scope();
    let narrower = asked.iter().all(|one| found.scope.contains(one));
    let scope = if asked.is_empty() { found.scope.clone() } else { asked };
    if !narrower || !found.scope.iter().any(|one| one == OFFLINE_ACCESS) {
        return Err(token_error("invalid_scope"));
    }
    let user = asking.user(found.user).await?;
    asking.permitted(&user, &scope, Object::new()).await?;
    // It outlasts the session: what comes of it then is bound to none, or it would be born dead.
    let session = match found.granted.session {
        Some(session) if has_session(store, now, session).await? => Some(session),
        _ => None,
    };
    let issue = Issue {
        user: &user,
        scope: &scope,
        refresh_scope: &found.scope,
        // What was asked for once is not repeated (OpenID Connect Core, section 12.2).
        granted: Granted { nonce: None, session, confirmation: asking.proof.clone(), ..found.granted.clone() },
        family: found.family,
        refreshable: true,
        spent: Some((found.id, found.expires)),
        event: None,
    };
    issue.answer(asking).await
}

/// Somebody has what is not theirs: an event says so.
async fn tell(asking: &Asking<'_>, token: &Token) -> Result<(), TokenError> {
    let user = asking.user(token.user).await?;
    let actor = Actor::User { pk: user.pk, username: user.username, email: user.email };
    let event = Event::new("suspicious_request", "authentik.providers.oauth2.views.token", actor)
        .context(json!({
            "message": "Revoked refresh token was used",
            "provider": {"pk": asking.client.pk(), "name": asking.client.provider.provider.name},
        }))
        .request(&asking.request);
    let mut transaction = asking.state.store().database().begin(Durability::Process).await?;
    event.write(asking.state.ctx(), &mut transaction).await?;
    Ok(transaction.commit().await?)
}
