//! The end of an authorization flow: the answer to the application.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use vestibule_events::Event;
use vestibule_flow::{Answer, BuiltIn, Enter, Outcome, Stage, StageCx};
use vestibule_kernel::{ApiError, Object, duration};
use vestibule_store::Durability;

use super::REQUEST;
use super::mode::Ready;
use super::request::AuthorizationRequest;
use crate::claims::Telling;
use crate::client::Client;
use crate::grants::{Granted, NewToken, add_access, add_code};
use crate::token::issue::access_claims;

/// Names the stage in plans.
pub(crate) const FULFIL: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e01");

/// Letters of a code.
const CODE_LENGTH: usize = 48;

/// Answers the application.
struct Fulfil;

/// As the executor knows it.
pub(crate) const BUILT_IN: BuiltIn =
    BuiltIn { pk: FULFIL, component: "ak-stage-autosubmit", page: None, stage: &Fulfil, sample: || Value::Null };

/// To whom the plan knows of no application, or of one that is gone.
const NOTHING: &str = "There is nothing to authorize.";

/// A duration of the provider's settings; zero for what cannot be read: it was checked when it was saved.
pub(crate) fn span(text: &str) -> TimeDelta {
    duration::parse(text).unwrap_or_default()
}

#[async_trait]
impl Stage for Fulfil {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let asked = cx.plan.context.get(REQUEST).cloned().unwrap_or_default();
        let Ok(asked) = serde_json::from_value::<AuthorizationRequest>(asked) else {
            return Ok(Enter::Deny(NOTHING.into()));
        };
        let configuration = std::sync::Arc::clone(cx.configuration);
        let Some(client) = Client::by_client_id(&configuration, &asked.client_id) else {
            return Ok(Enter::Deny(NOTHING.into()));
        };
        // The flow was begun by who is signed in, and ends with them.
        let user = cx.session.user.as_ref().map(|user| user.pk);
        if user.is_none() || user != cx.user() {
            return Ok(Enter::Deny(NOTHING.into()));
        }
        let ready = answer(cx, &client, &asked).await?;
        cx.plan.context.shift_remove(REQUEST);
        Ok(match ready {
            Ready::Address(address) => Enter::Leave(address),
            Ready::Form(url, fields) => Enter::Last(autosubmit(&client, &url, fields)),
        })
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        // It asks nothing: whatever is sent to it is a visit.
        Ok(Outcome::Again)
    }
}

/// A form that sends itself.
fn autosubmit(client: &Client<'_>, url: &str, fields: Vec<(String, String)>) -> Object {
    let attrs: Object = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
    let challenge = json!({
        "component": "ak-stage-autosubmit",
        "title": format!("Redirecting to {}...", client.application.name),
        "url": url,
        "attrs": attrs,
    });
    challenge.as_object().cloned().unwrap_or_default()
}

/// How whoever is signed in has shown who they are (RFC 8176).
pub(crate) fn granted(session: &vestibule_directory::Session, now: i64) -> Granted {
    let login = session.login();
    let mut amr = Vec::new();
    match login.as_ref().map(|login| login.method.as_str()) {
        Some("password") => amr.push("pwd".to_owned()),
        Some("auth_webauthn_pwl") => amr.push("user".to_owned()),
        _ => {}
    }
    if login.as_ref().is_some_and(|login| login.with_factor) {
        amr.push("mfa".to_owned());
    }
    Granted {
        auth_time: login.map_or(now, |login| login.at.timestamp()),
        amr,
        session: Some(session.uuid),
        ..Granted::default()
    }
}

async fn answer(cx: &StageCx<'_>, client: &Client<'_>, asked: &AuthorizationRequest) -> Result<Ready, ApiError> {
    let (state, provider) = (cx.state, client.provider);
    let now = state.ctx().now();
    let user = cx.session.user.as_ref().ok_or_else(ApiError::not_found)?;
    let row = state.users.by_pk(user.pk).await?.ok_or_else(ApiError::not_found)?;
    let granted = Granted {
        nonce: asked.nonce.clone(),
        redirect_uri: Some(asked.redirect_uri.clone()),
        challenge: asked.challenge.clone(),
        claims: asked.claims.clone(),
        confirmation: asked.confirmation.clone(),
        ..granted(cx.session, now.timestamp())
    };
    let family = state.ctx().uuid_in_order();
    let origin = cx.visit.client.origin();
    let telling = Telling::new(state, *client, &row, &cx.visit.request);
    let signer = client.signer()?;
    let algorithm = signer.key.algorithm();
    let mut parameters: Vec<(String, String)> = Vec::new();
    let code = asked.asks_for("code").then(|| state.ctx().token(CODE_LENGTH));
    let lasts = span(&provider.access_token_validity);
    let mut id_token = Object::new();
    if asked.asks_for("token") || asked.asks_for("id_token") {
        id_token = telling.id_token(&origin, &granted, &asked.scope, lasts).await?;
    }
    let access = match asked.asks_for("token") {
        true => Some(signer.token("JWT", &access_claims(client, state.ctx(), &id_token, &asked.scope, None))?),
        false => None,
    };
    if let Some(code) = &code {
        parameters.push(("code".into(), code.clone()));
    }
    if let Some(access) = &access {
        parameters.push(("access_token".into(), access.clone()));
        parameters.push(("token_type".into(), "Bearer".into()));
        parameters.push(("expires_in".into(), lasts.num_seconds().to_string()));
    }
    if asked.asks_for("id_token") {
        let mut told = id_token.clone();
        if let Some(code) = &code {
            told.insert("c_hash".into(), algorithm.half_hash(code).into());
        }
        if let Some(access) = &access {
            told.insert("at_hash".into(), algorithm.half_hash(access).into());
        }
        parameters.push(("id_token".into(), signer.token("JWT", &Value::Object(told))?));
    }
    let event = Event::new("authorize_application", "authentik.providers.oauth2.views.authorize", user.actor())
        .context(json!({
            "authorized_application": {
                "pk": client.application.pk.simple().to_string(), "app": "authentik_core",
                "name": client.application.name, "model_name": "application",
            },
            "flow": cx.flow.pk.simple().to_string(),
            "scopes": asked.scope.join(" "),
        }))
        .request(&cx.visit.request);
    let store = state.store();
    let mut transaction = store.database().gather(Durability::Process);
    let kept = |key, expires| NewToken {
        key,
        provider: client.pk(),
        user: row.pk,
        scope: &asked.scope,
        expires,
        id_token: &id_token,
        family,
        granted: &granted,
    };
    if let Some(code) = &code {
        add_code(store, &mut transaction, &kept(code, now + span(&provider.access_code_validity))).await?;
    }
    if let Some(access) = &access {
        add_access(store, &mut transaction, &kept(access, now + lasts)).await?;
    }
    event.write(state.ctx(), &mut transaction).await?;
    transaction.commit().await?;
    asked.respond.with(client, &origin, now.timestamp(), parameters)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_directory::session::{Session, SessionUser};
    use vestibule_kernel::Object;

    use super::granted;

    /// RFC 8176, section 2.
    #[test]
    fn tokens_say_how_somebody_has_signed_in() {
        let now = vestibule_testkit::noon();
        let alice = SessionUser {
            pk: 1,
            uuid: uuid::Uuid::nil(),
            username: "alice".into(),
            name: String::new(),
            email: String::new(),
            is_active: true,
            is_superuser: false,
            user_type: "internal".into(),
            locale: None,
            attributes: Object::new(),
        };
        let mut session = Session {
            key: None,
            uuid: uuid::Uuid::nil(),
            user: Some(alice),
            data: Object::new(),
            version: 0,
            created: now,
            last_used: now,
            expires: now,
            client_ip: String::new(),
            user_agent: String::new(),
        };
        for (method, factor, amr) in [
            ("password", false, vec!["pwd"]),
            ("password", true, vec!["pwd", "mfa"]),
            ("auth_webauthn_pwl", false, vec!["user"]),
            ("source", true, vec!["mfa"]),
        ] {
            let facts = json!({"at": 7, "method": method, "factor": factor, "id": "x"});
            session.data.insert("login".into(), facts);
            let found = granted(&session, 9);
            assert_eq!(
                (found.auth_time, found.amr.iter().map(String::as_str).collect()),
                (7, amr),
                "{method} {factor}"
            );
            assert_eq!(found.session, Some(uuid::Uuid::nil()));
        }
    }
}
