//! The first visit: sets the administrator's password, once. Guarded by a link that the server printed and by a flag that
//! stays, whatever happens to users.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::TimeDelta;
use http::{Request, StatusCode};
use serde_json::json;
use vestibule_directory::Login;
use vestibule_directory::authenticate::is_same_origin;
use vestibule_directory::bootstrap::USERNAME as ADMIN_USERNAME;
use vestibule_directory::user::{Found, Identifier, UserRow, set_password};
use vestibule_events::Event;
use vestibule_kernel::secret::constant_time_eq;
use vestibule_kernel::{Actor, ApiError};
use vestibule_store::Store;
use vestibule_web::translate;

use crate::answer::{AnswerErrors, Take};
use crate::json::{Arrived, arrive, cookies};
use crate::page::{error_page, html, read_form, see_other, shell};
use crate::settle::Settled;
use crate::stage::Visit;
use crate::state::FlowState;

/// Says that the setup was done; never removed.
const DONE: &str = "setup_done";
/// Hash of the token that the setup's link carries.
const TOKEN: &str = "setup_token";
/// Fewest characters of the administrator's password.
const SHORTEST: usize = 8;
/// How long the administrator stays signed in after the setup.
const SESSION: TimeDelta = TimeDelta::days(1);

pub(crate) fn routes(state: &FlowState) -> Router {
    Router::new().route("/if/flow/initial-setup/", get(show).post(submit)).with_state(state.clone())
}

/// Whether the setup was done.
pub async fn is_done(store: &Store) -> Result<bool, ApiError> {
    Ok(store.state(DONE).await?.is_some())
}

/// Marks the setup as done: a password was given at the start.
pub async fn finish(store: &Store) -> Result<(), ApiError> {
    let mut change = store.change(Actor::System).await?;
    change.set_state(DONE, "true").await?;
    change.commit().await?;
    Ok(())
}

/// A new token for the setup's link; the one before is worthless. `None`: the setup was done.
pub async fn new_token(state: &FlowState) -> Result<Option<String>, ApiError> {
    if is_done(state.store()).await? {
        return Ok(None);
    }
    let token = state.ctx().token(40);
    let mut change = state.store().change(Actor::System).await?;
    change.set_state(TOKEN, &state.store().keys().lookup_hash(&token)).await?;
    change.commit().await?;
    Ok(Some(token))
}

async fn show(State(state): State<FlowState>, request: Request<Body>) -> Response {
    answer(&state, request).await
}

async fn submit(State(state): State<FlowState>, request: Request<Body>) -> Response {
    answer(&state, request).await
}

async fn answer(state: &FlowState, request: Request<Body>) -> Response {
    let query = |parts: &http::request::Parts| parts.uri.query().unwrap_or_default().to_owned();
    let arrived = match arrive(state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    let about = (arrived.visit.clone(), arrived.parts.clone());
    match setup(state, arrived).await {
        Ok(response) => response,
        Err(error) => {
            if let ApiError::Internal(cause) = &error {
                tracing::error!(error = %cause, "the setup failed");
            }
            error_page(state, &about.0, &about.1, error.status())
        }
    }
}

async fn setup(state: &FlowState, arrived: Arrived) -> Result<Response, ApiError> {
    let Arrived { parts, body, visit, mut session } = arrived;
    if is_done(state.store()).await? || !token_fits(state, &visit).await? {
        return Ok(closed(state, &visit));
    }
    if parts.method != http::Method::POST {
        return Ok(page(state, &visit, None, ""));
    }
    state.limits.address(visit.client.ip)?;
    if parts.headers.contains_key("origin") && !is_same_origin(&parts) {
        return Err(ApiError::Refused("The form was sent from elsewhere.".into()));
    }
    let form = read_form(&parts, &body)?;
    let mut errors = AnswerErrors::default();
    let email = form.text("email", Take { max: 254, ..Take::OPTIONAL }, &mut errors).unwrap_or_default();
    let password = form.text("password", Take::PASSWORD, &mut errors);
    let repeat = form.text("password_repeat", Take::PASSWORD, &mut errors);
    check(&email, password.as_deref(), repeat.as_deref(), &mut errors);
    let admin = admin(state).await?;
    if state.users.identifier_taken(&email, Some(admin.pk)).await? {
        errors.add("email", "This field must be unique.", "unique");
    }
    let (true, Some(password)) = (errors.is_empty(), password) else {
        return Ok(page(state, &visit, Some(&errors), &email));
    };
    let hash = state.passwords.hash(password).await?;
    if !complete(state, &visit, &admin, &email, &hash).await? {
        return Ok(closed(state, &visit));
    }
    let event = Event::new("login", "authentik.events.signals", Actor::System)
        .context(json!({"auth_method": "setup", "auth_method_args": {}}))
        .request(&visit.request);
    let expires = state.ctx().now() + SESSION;
    let settled = match state.sessions.login(&mut session, admin.pk, expires, event).await? {
        Login::Done => Settled::SignedIn { until_closed: true, device: None },
        Login::Inactive | Login::Lost => Settled::Refused,
    };
    let mut response = see_other("/if/user/");
    cookies(&mut response, state, &visit.client, &session, &settled);
    Ok(response)
}

async fn token_fits(state: &FlowState, visit: &Visit) -> Result<bool, ApiError> {
    let Some(expected) = state.store().state(TOKEN).await? else { return Ok(false) };
    let given = state.store().keys().lookup_hash(visit.query.get("token").unwrap_or_default());
    Ok(constant_time_eq(&given, &expected))
}

fn check(email: &str, password: Option<&str>, repeat: Option<&str>, errors: &mut AnswerErrors) {
    if !email.is_empty() && (!email.contains('@') || email.contains(char::is_whitespace)) {
        errors.add("email", "Enter a valid email address.", "invalid");
    }
    let (Some(password), Some(repeat)) = (password, repeat) else { return };
    if password.chars().count() < SHORTEST {
        errors.add("password", "Password is too short.", "password_too_short");
    } else if password != repeat {
        errors.add("password_repeat", "Passwords do not match.", "invalid");
    }
}

async fn admin(state: &FlowState) -> Result<UserRow, ApiError> {
    match state.users.find(&[Identifier::Username], ADMIN_USERNAME, false).await? {
        Found::One(admin) => Ok(*admin),
        Found::Nobody | Found::Ambiguous => Err(ApiError::NotFound("There is no administrator to set up.".into())),
    }
}

/// Sets password and address, and the flag. False when another visit was first.
async fn complete(
    state: &FlowState,
    visit: &Visit,
    admin: &UserRow,
    email: &str,
    hash: &str,
) -> Result<bool, ApiError> {
    let mut change = state.store().change(Actor::System).await?;
    let sql = "INSERT INTO server_state (name, value) VALUES ($1, 'true') ON CONFLICT (name) DO NOTHING";
    if change.transaction().execute(sql, vec![DONE.into()]).await? == 0 {
        return Ok(false);
    }
    set_password(change.transaction(), state.ctx(), admin.pk, hash, None).await?;
    if !email.is_empty() {
        let sql = "UPDATE users SET email = $1, email_folded = $2 WHERE id = $3";
        let params = vec![email.into(), vestibule_kernel::fold::fold(email).into(), admin.pk.into()];
        change.transaction().execute(sql, params).await?;
    }
    let actor = Actor::User { pk: admin.pk, username: admin.username.clone(), email: admin.email.clone() };
    let event = Event::new("password_set", "authentik.events.signals", actor).request(&visit.request);
    event.write(state.ctx(), change.transaction()).await?;
    change.commit().await?;
    Ok(true)
}

fn closed(state: &FlowState, visit: &Visit) -> Response {
    let shell = shell(&state.store().configuration(), visit, &translate(visit.locale, "not_applicable.heading", &[]));
    html(state, "not-applicable", &shell, &json!({"request_id": visit.request_id}), StatusCode::NOT_FOUND)
}

fn page(state: &FlowState, visit: &Visit, errors: Option<&AnswerErrors>, email: &str) -> Response {
    let mut shell = shell(&state.store().configuration(), visit, &translate(visit.locale, "setup.heading", &[]));
    shell.action = format!("/if/flow/initial-setup/?{}", visit.query_text);
    let errors = errors.map(AnswerErrors::to_json);
    let content = json!({"email": email, "username": ADMIN_USERNAME, "response_errors": errors});
    html(state, "initial-setup", &shell, &content, StatusCode::OK)
}
