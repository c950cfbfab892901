//! A token is exchanged for another (RFC 8693): whoever has one of a trusted provider gets one of this client's, for the
//! same user.

use serde_json::json;
use vestibule_events::Event;
use vestibule_kernel::{Actor, Object};

use super::Asking;
use super::issue::Issue;
use crate::error::{TokenError, token_error};
use crate::grants::{Granted, access};
use crate::provider::GrantType;

/// What a subject's token may be, and what is made of it (RFC 8693, section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) async fn grant(asking: &Asking<'_>) -> Result<Object, TokenError> {
    asking.allowed(GrantType::TokenExchange)?;
    if !asking.client.is_confidential() {
        return Err(token_error("unauthorized_client"));
    }
    asking.authenticate()?;
    let form = &asking.form;
    let kind = form.text("subject_token_type");
    let wanted = form.get("requested_token_type").unwrap_or(ACCESS_TOKEN);
    // To act for somebody in another's name takes a trust that nobody can set up here.
    if form.get("actor_token").is_some()
        || ![ACCESS_TOKEN, JWT].contains(&kind)
        || ![ACCESS_TOKEN, JWT].contains(&wanted)
    {
        return Err(token_error("invalid_request"));
    }
    let Some(token) = form.get("subject_token") else { return Err(token_error("invalid_request")) };
    let (state, now) = (asking.state, asking.state.ctx().now());
    let provider = asking.client.provider;
    let found = access(state.store(), now, token).await?.filter(|found| found.is_good(now));
    let trusted = |found: &crate::grants::Token| {
        found.provider == asking.client.pk() || provider.jwt_federation_providers.contains(&found.provider)
    };
    // A token that is bound to a key is good with that key alone.
    let found =
        found.filter(trusted).filter(|found| found.confirmation.is_none() || found.confirmation == asking.proof);
    let Some(found) = found else { return Err(token_error("invalid_grant")) };
    if form.get("resource").or_else(|| form.get("audience")).is_some_and(|target| target != provider.client_id) {
        return Err(token_error("invalid_target"));
    }
    let user = asking.user(found.user).await?;
    // Nothing that the subject's token does not reach, and nothing that is not set up.
    let known = asking.client.scopes();
    let asked = form.scope();
    let asked = if asked.is_empty() { found.scope.clone() } else { asked };
    let scope: Vec<String> =
        asked.into_iter().filter(|one| known.contains(one.as_str()) && found.scope.contains(one)).collect();
    asking.permitted(&user, &scope, Object::new()).await?;
    let actor = Actor::User { pk: user.pk, username: user.username.clone(), email: user.email.clone() };
    let event = Event::new("login", "authentik.events.signals", actor)
        .context(json!({
            "auth_method": "token_exchange",
            "auth_method_args": {"provider": found.provider},
            "application": {"pk": asking.client.application.pk.simple().to_string(),
                "app": "authentik_core", "name": asking.client.application.name, "model_name": "application"},
        }))
        .request(&asking.request);
    let auth_time = found.id_token.get("auth_time").and_then(serde_json::Value::as_i64);
    let issue = Issue {
        user: &user,
        scope: &scope,
        refresh_scope: &[],
        granted: Granted {
            auth_time: auth_time.unwrap_or_else(|| now.timestamp()),
            // Nor does it outlast the session.
            session: found.granted.session,
            confirmation: asking.proof.clone(),
            ..Granted::default()
        },
        // What comes of a token ends with it, when its family does.
        family: found.family,
        refreshable: false,
        spent: None,
        event: Some(event),
    };
    let mut answer = issue.answer(asking).await?;
    answer.insert("issued_token_type".into(), wanted.into());
    Ok(answer)
}
