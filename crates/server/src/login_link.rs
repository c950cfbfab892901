//! Links that sign a user in once: made on the command line by whoever runs the server, for those who are locked out.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::TimeDelta;
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::Login;
use vestibule_directory::session::set_cookie;
use vestibule_events::Event;
use vestibule_flow::FlowState;
use vestibule_flow::pages::{Arrived, arrive, dead_link, error_page};
use vestibule_kernel::{Actor, ApiError, Ctx};
use vestibule_resource::http::error_answer;
use vestibule_store::{Durability, Store, StoreError};

/// Begins the identifier of each link's token.
const PREFIX: &str = "login-link-";
/// How long a login by link lasts.
const SESSION: TimeDelta = TimeDelta::hours(12);

/// Makes a link for a user; its path.
pub(crate) async fn make(store: &Store, ctx: &Ctx, user: i64, valid: TimeDelta) -> Result<String, StoreError> {
    let (pk, key) = (ctx.uuid(), ctx.token(60));
    let sealed = store.keys().seal(ctx, &format!("authentik_core.token/{pk}/key"), &key)?;
    let description = "Signs in once, made on the command line";
    let sql = "INSERT INTO tokens (pk, identifier, intent, user_id, description, description_folded, key_hash, \
               key_sealed, expires, expiring) VALUES ($1, $2, 'recovery', $3, $4, $5, $6, $7, $8, TRUE)";
    let params = vec![
        pk.into(),
        format!("{PREFIX}{pk}").into(),
        user.into(),
        description.into(),
        vestibule_kernel::fold::fold(description).into(),
        store.keys().lookup_hash(&key).into(),
        sealed.into(),
        (ctx.now() + valid).into(),
    ];
    let mut change = store.change(Actor::System).await?;
    change.transaction().execute(sql, params).await?;
    let event = Event::new("secret_view", "vestibule.command", Actor::System);
    let event = event.context(json!({"message": "A login link was made on the command line.", "user": user}));
    event.write(ctx, change.transaction()).await?;
    change.commit().await?;
    Ok(format!("/recovery/use-token/{key}/"))
}

/// Where links lead.
pub(crate) fn routes(state: &FlowState) -> Router {
    Router::new().route("/recovery/use-token/{key}/", get(follow)).with_state(state.clone())
}

async fn follow(State(state): State<FlowState>, Path(key): Path<String>, request: Request<Body>) -> Response {
    let query = |parts: &Parts| parts.uri.query().unwrap_or_default().to_owned();
    let arrived = match arrive(&state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return error_answer(&error),
    };
    let (visit, parts) = (arrived.visit.clone(), arrived.parts.clone());
    match sign_in(&state, &key, arrived).await {
        Ok(Some(response)) => response,
        Ok(None) => dead_link(&state, &visit),
        Err(error) => error_page(&state, &visit, &parts, error.status()),
    }
}

/// Signs in whom the link is for; `None`: it is good for nothing (any more).
async fn sign_in(state: &FlowState, key: &str, arrived: Arrived) -> Result<Option<Response>, ApiError> {
    let Arrived { visit, mut session, .. } = arrived;
    state.limits.address(visit.client.ip)?;
    let Some(user) = take(state, key).await? else { return Ok(None) };
    let event = Event::new("login", "vestibule.login_link", Actor::Anonymous);
    let event = event.context(json!({"auth_method": "login_link"})).request(&visit.request);
    let expires = state.ctx().now() + SESSION;
    session.bind(Value::Null, visit.client.ip);
    if state.sessions.login(&mut session, user, expires, event).await? != Login::Done {
        return Ok(None);
    }
    let cookie = set_cookie(session.key.as_deref().unwrap_or_default(), visit.client.secure, None);
    let headers = [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())];
    Ok(Some((StatusCode::FOUND, headers).into_response()))
}

/// Whom the link is for; it is worthless from here on.
async fn take(state: &FlowState, key: &str) -> Result<Option<i64>, StoreError> {
    let mut transaction = state.store().database().begin(Durability::Full).await?;
    let sql = "DELETE FROM tokens WHERE key_hash = $1 AND intent = 'recovery' AND identifier LIKE $2 AND expires > $3 \
               RETURNING user_id";
    let hash = state.store().keys().lookup_hash(key);
    let params = vec![hash.into(), format!("{PREFIX}%").into(), state.ctx().now().into()];
    let row = transaction.query_one(sql, params).await?;
    transaction.commit().await?;
    row.map(|row| row.int("user_id")).transpose()
}
