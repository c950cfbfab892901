//! One user: who they are, whether they may sign in, how they get back in, and where they are signed in.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_flow::pages::{found, see_other};

use super::LIST;
use crate::content::{part, put, take, text};
use crate::inside::Refusal;
use crate::visitor::{Visitor, either};
use crate::{PagesState, errors, sessions};

/// What was done and how the page says so, or what is to be shown at once.
enum Done {
    /// The page says so after a redirect.
    Said(&'static str),
    /// A link that opens something: it is shown in the answer to the form and kept nowhere.
    Link(Value),
}

pub(super) async fn show(State(state): State<PagesState>, Path(key): Path<String>, request: Request<Body>) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, None).await?;
        Ok(match key.parse() {
            Ok(key) => page(&visitor, key, json!({})).await,
            Err(_) => visitor.error(404),
        })
    };
    either(answer.await)
}

/// Whoever comes to the address of an action without a form.
pub(super) async fn back(Path((key, _)): Path<(String, String)>) -> Response {
    let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    found(&format!("{LIST}{encoded}/"))
}

pub(super) async fn act(
    State(state): State<PagesState>,
    Path((key, action)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let answer = async {
        let home = key.parse::<i64>().map(|key| format!("{LIST}{key}/")).unwrap_or_default();
        let visitor = Visitor::enter(&state, request, Some(&home)).await?;
        let key: i64 = key.parse().map_err(|_| visitor.error(404))?;
        let done = match action.as_str() {
            "activate" => set_active(&visitor, key, true).await,
            "deactivate" => set_active(&visitor, key, false).await,
            "password" => return set_password(&visitor, key).await,
            "recovery" => recovery(&visitor, key).await,
            "sign_out" => sessions::end_all(&visitor, key).await.map(|_| Done::Said("signed_out")),
            _ => return Err(visitor.error(404)),
        };
        Ok(conclude(&visitor, key, &action, done).await)
    };
    either(answer.await)
}

pub(super) async fn end_session(
    State(state): State<PagesState>,
    Path((key, session)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let answer = async {
        let visitor = Visitor::enter(&state, request, Some(LIST)).await?;
        let key: i64 = key.parse().map_err(|_| visitor.error(404))?;
        Ok(sessions::end(&visitor, &session, &format!("{LIST}{key}/")).await)
    };
    either(answer.await)
}

/// A redirect to the user's page, or that page with what is wrong at the form of the action.
async fn conclude(visitor: &Visitor<'_>, key: i64, action: &str, done: Result<Done, Refusal>) -> Response {
    match done {
        Ok(Done::Said(what)) => see_other(&format!("{LIST}{key}/?done={what}")),
        Ok(Done::Link(link)) => page(visitor, key, json!({"link": link})).await,
        Err(Refusal::Fields(wrong)) => {
            let wrong = errors::shown(&wrong);
            page(visitor, key, json!({"errors": {action: wrong}, "response_errors": wrong})).await
        }
        Err(refusal) => visitor.refused(&refusal),
    }
}

async fn set_active(visitor: &Visitor<'_>, key: i64, active: bool) -> Result<Done, Refusal> {
    let body = json!({"is_active": active});
    visitor.send(Method::PATCH, &format!("core/users/{key}/"), Some(body)).await?;
    Ok(Done::Said(if active { "activated" } else { "deactivated" }))
}

async fn set_password(visitor: &Visitor<'_>, key: i64) -> Result<Response, Response> {
    let form = visitor.form()?;
    let (password, repeat) =
        (form.get("password").unwrap_or_default(), form.get("password_repeat").unwrap_or_default());
    let done = if password == repeat {
        let path = format!("core/users/{key}/set_password/");
        let sent = visitor.send(Method::POST, &path, Some(json!({"password": password}))).await;
        sent.map(|_| Done::Said("password"))
    } else {
        let differ = json!({"password_repeat": ["Passwords do not match."]});
        Err(Refusal::Fields(differ.as_object().cloned().unwrap_or_default()))
    };
    Ok(conclude(visitor, key, "password", done).await)
}

async fn recovery(visitor: &Visitor<'_>, key: i64) -> Result<Done, Refusal> {
    let mut answer = visitor.send(Method::POST, &format!("core/users/{key}/recovery/"), Some(json!({}))).await?;
    Ok(Done::Link(take(&mut answer, "link")))
}

/// The page of a user, with what an action left to say.
async fn page(visitor: &Visitor<'_>, key: i64, mut content: Value) -> Response {
    let user = match visitor.get(&format!("core/users/{key}/"), &[]).await {
        Ok(user) => user,
        Err(refusal) => return visitor.refused(&refusal),
    };
    let username = text(&user, "username");
    let status = if part(&content, "errors").is_object() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    put(&mut content, "sessions", sessions::of(visitor, key, username).await);
    put(&mut content, "is_self", key == visitor.user.pk);
    put(
        &mut content,
        "may",
        json!({
            "change": visitor.may("authentik_core.change_user", Some(key)).await,
            "reset": visitor.may("authentik_core.reset_user_password", Some(key)).await,
            "see_sessions": visitor.may("authentik_core.view_authenticatedsession", None).await,
            "end_sessions": visitor.may("authentik_core.delete_authenticatedsession", None).await,
        }),
    );
    put(&mut content, "events_url", crate::paging::address("/if/admin/events/", &[("username", username)]));
    put(&mut content, "person", user);
    visitor.page_with(status, "admin-user", content)
}
