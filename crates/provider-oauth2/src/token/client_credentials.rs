//! A client asks for itself (RFC 6749, section 4.4): as the account that the server keeps for it, as a user whose
//! application password it has, or as whom a token of a trusted issuer names.

use serde_json::{Value, json};
use vestibule_directory::app_password::is_app_password;
use vestibule_directory::machine_account::{GENERATED, MachineAccount};
use vestibule_directory::{Found, Identifier, UserRow};
use vestibule_events::Event;
use vestibule_kernel::{Actor, Object};
use vestibule_store::Durability;

use super::Asking;
use super::federation;
use super::issue::Issue;
use crate::error::{TokenError, token_error};
use crate::grants::Granted;
use crate::provider::GrantType;

/// The one kind of assertion that is taken (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where accounts of applications are among the users.
const PATH: &str = "goauthentik.io/apps";
/// Longest part of a provider's name in the name of its account, characters.
const LONGEST: usize = 128;

pub(super) async fn grant(asking: &Asking<'_>, grant: GrantType) -> Result<Object, TokenError> {
    if !asking.client.may_use(GrantType::ClientCredentials) && !asking.client.may_use(grant) {
        return Err(token_error("unauthorized_client"));
    }
    let scope = asking.scope();
    let (user, method, arguments) = who(asking, &scope).await?;
    let application = asking.client.application;
    let actor = Actor::User { pk: user.pk, username: user.username.clone(), email: user.email.clone() };
    let event = Event::new("login", "authentik.events.signals", actor)
        .context(json!({
            "auth_method": method,
            "auth_method_args": arguments,
            "application": {
                "pk": application.pk.simple().to_string(), "app": "authentik_core", "name": application.name,
                "model_name": "application",
            },
        }))
        .request(&asking.request);
    let issue = Issue {
        user: &user,
        scope: &scope,
        refresh_scope: &[],
        granted: Granted {
            auth_time: asking.state.ctx().now().timestamp(),
            confirmation: asking.proof.clone(),
            ..Granted::default()
        },
        family: asking.state.ctx().uuid_in_order(),
        refreshable: false,
        spent: None,
        event: Some(event),
    };
    issue.answer(asking).await
}

/// As whom the client asks, how it has shown that, and what is told of it. They may open the application.
async fn who(asking: &Asking<'_>, scope: &[String]) -> Result<(UserRow, &'static str, Value), TokenError> {
    let form = &asking.form;
    if let Some(kind) = form.get("client_assertion_type") {
        let assertion = form.get("client_assertion").or_else(|| form.get("client_secret"));
        let Some(assertion) = assertion.filter(|_| kind == JWT_BEARER) else {
            return Err(token_error("invalid_grant"));
        };
        let found = federation::verify(asking, assertion).await?;
        let more: Object = [("oauth_jwt".to_owned(), Value::Object(found.claims.clone()))].into_iter().collect();
        let user = federation::user(asking, &found).await?;
        asking.permitted(&user, scope, more).await?;
        return Ok((user, "jwt", json!({"jwt": found.shown(), "issuer": found.issuer})));
    }
    if let Some(name) = form.get("username") {
        let user = by_app_password(asking, name, form.text("password")).await?;
        asking.permitted(&user, scope, Object::new()).await?;
        return Ok((user, "token", json!({})));
    }
    if asking.client.is_confidential() && asking.client.is_secret(&asking.credentials) {
        let user = own_account(asking).await?;
        asking.permitted(&user, scope, Object::new()).await?;
        return Ok((user, "oauth_client_secret", json!({})));
    }
    // Clients that can send nothing but a secret put name and application password into it.
    let (name, password) = packed(&asking.credentials.secret).ok_or_else(|| token_error("invalid_grant"))?;
    let user = by_app_password(asking, &name, &password).await?;
    asking.permitted(&user, scope, Object::new()).await?;
    Ok((user, "token", json!({})))
}

fn packed(secret: &str) -> Option<(String, String)> {
    use base64::Engine as _;
    let plain = base64::engine::general_purpose::STANDARD.decode(secret).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    plain.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// Somebody by an application password of theirs; their own password is none.
async fn by_app_password(asking: &Asking<'_>, name: &str, password: &str) -> Result<UserRow, TokenError> {
    let state = asking.state;
    state.limits.account(name)?;
    let found = state.users.find(&[Identifier::Username], name, false).await?;
    let user = match found {
        Found::One(user) => *user,
        Found::Nobody | Found::Ambiguous => return Err(token_error("invalid_grant")),
    };
    if !is_app_password(state.store(), state.ctx(), user.pk, password).await? {
        return Err(token_error("invalid_grant"));
    }
    Ok(user)
}

/// The account that the server keeps for the client. Somebody else of that name is not taken for it.
async fn own_account(asking: &Asking<'_>) -> Result<UserRow, TokenError> {
    let name: String = asking.client.provider.provider.name.chars().take(LONGEST).collect();
    let application = asking.client.application;
    let username = format!("ak-{name}-client_credentials");
    let shown = format!("Autogenerated user from application {} (client credentials)", application.name);
    let path = format!("{PATH}/{}", application.slug);
    account(asking, &username, &shown, "", &path, json!({GENERATED: true})).await
}

/// The account of a program by its name, made where there is none.
pub(super) async fn account(
    asking: &Asking<'_>,
    username: &str,
    name: &str,
    email: &str,
    path: &str,
    attributes: Value,
) -> Result<UserRow, TokenError> {
    let state = asking.state;
    for _ in 0..2 {
        match state.users.find(&[Identifier::Username], username, false).await? {
            Found::One(user) if is_generated(&user) => return Ok(*user),
            Found::One(_) | Found::Ambiguous => return Err(token_error("invalid_grant")),
            Found::Nobody => {}
        }
        let account = MachineAccount {
            username,
            name,
            email,
            user_type: "service_account",
            path,
            attributes: attributes.clone(),
        };
        let mut transaction = state.store().database().begin(Durability::Full).await?;
        match account.make(&mut transaction, state.ctx()).await {
            Ok(_) => transaction.commit().await?,
            // Another node made it meanwhile: it is found the next time round.
            Err(error) => tracing::debug!(error = ?error, "an account of an application was not made"),
        }
    }
    Err(token_error("invalid_grant"))
}

fn is_generated(user: &UserRow) -> bool {
    user.user_type == "service_account" && user.attributes.get(GENERATED) == Some(&Value::Bool(true))
}
