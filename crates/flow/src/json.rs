//! A challenge as JSON: what clients, outposts and scripts talk to.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::header::{ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::authenticate::{is_same_origin, session_cookie};
use vestibule_directory::client::{ClientInfo, cookie, describe_request};
use vestibule_directory::resources::user::ORIGINAL;
use vestibule_directory::session::{Session, SessionUser};
use vestibule_events::Request as EventRequest;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::call::json_answer;
use vestibule_resource::http::{Query, error_answer, media_type, parse_json, read_body};
use vestibule_resource::write_failure;
use vestibule_store::Configuration;
use vestibule_web::{Catalogue, Locale, translate_error};

use crate::answer::{Answer, AnswerErrors};
use crate::beat::{self, Before};
use crate::cookies::{DEVICE_COOKIE, FACTOR_COOKIE, SessionCookie, set_csrf, set_device, set_factor, set_session};
use crate::executor::{Reply, Walk};
use crate::settle::{Settled, settle};
use crate::stage::{Visit, brand_of};
use crate::state::FlowState;

pub(crate) fn routes(state: &FlowState) -> Router {
    Router::new().route("/api/v3/flows/executor/{slug}/", any(execute)).with_state(Arc::new(state.clone()))
}

/// What a request brings along.
pub struct Arrived {
    /// Method, address, headers.
    pub parts: Parts,
    /// The body.
    pub body: bytes::Bytes,
    /// Who visits, from where, in which language.
    pub visit: Visit,
    /// The session of its cookie, or one that is nowhere yet.
    pub session: Session,
}

/// Reads a request to walk a flow; `query_text` is what the flow was entered with.
///
/// # Errors
/// A body that cannot be read; the database.
pub async fn arrive(
    state: &FlowState,
    request: Request<Body>,
    query_text: impl FnOnce(&Parts) -> String,
) -> Result<Arrived, ApiError> {
    let (parts, body) = read_body(request, state.api.body_limit).await?;
    let client = ClientInfo::of(&parts);
    let header = |name: http::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let user_agent = header(http::header::USER_AGENT).unwrap_or_default().to_owned();
    let session = match session_cookie(&parts, &client) {
        Some(key) => state.sessions.load_from(key, client.ip).await?,
        None => None,
    };
    let session = session.unwrap_or_else(|| state.sessions.anonymous(client.ip, &user_agent));
    let user_locale = session.user.as_ref().and_then(|user| user.locale.as_deref());
    let configuration = state.store().configuration();
    let query_text = query_text(&parts);
    let request_id = request_id(&parts);
    let query = Query::parse(&query_text);
    // An application knows how it speaks with them (OpenID Connect Core, section 3.1.2.1).
    let wished = query.get("ui_locales").and_then(|tags| tags.split_whitespace().find(|tag| is_spoken(tag)));
    let wished = user_locale.filter(|tag| is_spoken(tag)).or(wished);
    let locale = locale(&configuration, &parts, &client, wished);
    let impersonator = session.data.get(ORIGINAL).cloned();
    let request = EventRequest { impersonator, ..describe_request(&parts, &configuration) };
    let device = cookie(&parts, DEVICE_COOKIE).map(str::to_owned);
    let factor = cookie(&parts, FACTOR_COOKIE).map(str::to_owned);
    let visit = Visit { client, user_agent, locale, query, query_text, request_id, request, device, factor };
    Ok(Arrived { parts, body, visit, session })
}

fn is_spoken(tag: &str) -> bool {
    Locale::from_tag(tag).is_some()
}

/// The language to speak: one that is wished for, else the brand's, else the best that the browser accepts.
pub(crate) fn locale(
    configuration: &Configuration,
    parts: &Parts,
    client: &ClientInfo,
    wished: Option<&str>,
) -> Locale {
    let brands = || brand_of(configuration, client)?.attributes.get("settings")?.get("locale")?.as_str();
    let accepted = parts.headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Catalogue::negotiate(accepted, wished.or_else(brands))
}

/// The id that the server gave the request.
pub(crate) fn request_id(parts: &Parts) -> String {
    parts.headers.get("x-authentik-id").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn execute(State(state): State<Arc<FlowState>>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    match run(&state, &slug, request).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = error_answer(&error);
            if matches!(error, ApiError::MethodNotAllowed(_)) {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
            }
            response
        }
    }
}

/// What the executor takes; of PUT, PATCH and DELETE it says that the flow has failed, as clients know it.
const METHODS: &str = "GET, POST, HEAD, OPTIONS";

async fn run(state: &FlowState, slug: &str, request: Request<Body>) -> Result<Response, ApiError> {
    let inner = |parts: &Parts| {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        query.get("query").unwrap_or_default().to_owned()
    };
    let Arrived { parts, body, visit, mut session } = arrive(state, request, inner).await?;
    let configuration = state.store().configuration();
    let (client, before) = (visit.client.clone(), Before::of(&parts.method, &session.data));
    let Some(mut walk) = Walk::new(state, configuration, slug, &visit, &mut session) else {
        return Err(ApiError::not_found());
    };
    let reply = match parts.method {
        Method::GET => walk.enter().await,
        Method::POST => match read_answer(&parts, &body) {
            Read::Answer(answer) => match guard(state, &parts, &client, &walk) {
                Ok(()) => walk.respond(&answer).await,
                Err(Guarded::Forged) => Ok(Reply::Failed),
                Err(Guarded::Limited(error)) => Err(error),
            },
            Read::Wrong(errors) => walk.reject(errors).await,
            Read::Unreadable => Ok(Reply::Failed),
        },
        Method::OPTIONS => return Ok(options()),
        Method::PUT | Method::PATCH | Method::DELETE => Ok(Reply::Failed),
        _ => return Err(ApiError::MethodNotAllowed(parts.method.to_string())),
    };
    let refusal = walk.refusal_of_login();
    let effect = std::mem::take(&mut walk.effect);
    let (factor, slowly) = (walk.factor.take(), walk.took_its_time);
    drop(walk);
    let reply = match reply {
        Err(ApiError::Internal(cause)) => {
            tracing::error!(error = %cause, "a stage failed");
            let actor = session.user.as_ref().map_or(Actor::Anonymous, SessionUser::actor);
            write_failure(&state.api, actor, &visit.request).await;
            Reply::Failed
        }
        other => other?,
    };
    let settled = settle(state, &mut session, effect, &visit).await?;
    let mut response = match settled {
        Settled::Lost => answer(&parts, Reply::Again, &visit),
        Settled::Refused => answer(&parts, refusal.map_or(Reply::Failed, Reply::Challenge), &visit),
        _ => answer(&parts, reply, &visit),
    };
    cookies(&mut response, state, &client, &session, &settled);
    factor_cookie(&mut response, &client, factor.as_ref(), &settled);
    before.release(&mut response, &session.data, &settled);
    beat::slow_down(&mut response, slowly);
    Ok(response)
}

/// Sets the cookies that follow from what became of the session.
pub(crate) fn cookies(
    response: &mut Response,
    state: &FlowState,
    client: &ClientInfo,
    session: &Session,
    settled: &Settled,
) {
    let now = state.ctx().now();
    let Some(key) = &session.key else {
        if matches!(settled, Settled::SignedOut) {
            set_session(response, client, &SessionCookie::Gone, now);
        }
        return;
    };
    match settled {
        Settled::Unchanged | Settled::Lost | Settled::Refused => {}
        Settled::Kept if session.user.is_some() => {}
        Settled::Kept => set_session(response, client, &SessionCookie::UntilClosed(key.clone()), now),
        Settled::SignedIn { until_closed, device } => {
            let cookie = match until_closed {
                true => SessionCookie::UntilClosed(key.clone()),
                false => SessionCookie::Until(key.clone(), session.expires),
            };
            set_session(response, client, &cookie, now);
            set_csrf(response, client, &state.ctx().token(32));
            if let Some((text, seconds)) = device {
                set_device(response, client, text, *seconds);
            }
        }
        Settled::SignedOut => set_session(response, client, &SessionCookie::Gone, now),
    }
}

/// Lets the browser show that a second factor was used, if the answer that used it counts.
pub(crate) fn factor_cookie(
    response: &mut Response,
    client: &ClientInfo,
    factor: Option<&(String, i64)>,
    settled: &Settled,
) {
    if let (Some((text, seconds)), false) = (factor, matches!(settled, Settled::Lost | Settled::Refused)) {
        set_factor(response, client, text, *seconds);
    }
}

/// Why an answer is not looked at.
pub(crate) enum Guarded {
    /// It may come from another site.
    Forged,
    /// Too many came.
    Limited(ApiError),
}

/// Whether an answer may be looked at: it comes from this site if somebody is signed in, and not too often.
pub(crate) fn guard(state: &FlowState, parts: &Parts, client: &ClientInfo, walk: &Walk<'_>) -> Result<(), Guarded> {
    if walk.is_signed_in() && !is_same_origin(parts) {
        return Err(Guarded::Forged);
    }
    state.limits.address(client.ip).map_err(Guarded::Limited)
}

enum Read {
    Answer(Answer),
    Wrong(AnswerErrors),
    Unreadable,
}

fn read_answer(parts: &Parts, body: &bytes::Bytes) -> Read {
    if body.is_empty() {
        return Read::Answer(Answer::default());
    }
    if !media_type(&parts.headers).eq_ignore_ascii_case("application/json") {
        return Read::Unreadable;
    }
    match parse_json(body) {
        Ok(Value::Object(fields)) => Read::Answer(Answer::new(fields)),
        Ok(Value::Null) => Read::Wrong(AnswerErrors::one(NON_FIELD, "No data provided", "null")),
        Ok(other) => {
            let kind = match other {
                Value::Array(_) => "list",
                Value::String(_) => "str",
                Value::Bool(_) => "bool",
                Value::Number(number) if number.is_f64() => "float",
                _ => "int",
            };
            Read::Wrong(AnswerErrors::whole(format!("Invalid data. Expected a dictionary, but got {kind}.")))
        }
        Err(_) => Read::Unreadable,
    }
}

fn answer(parts: &Parts, reply: Reply, visit: &Visit) -> Response {
    let mut response = match reply {
        Reply::Challenge(challenge) => json_answer(StatusCode::OK, &spoken(challenge, visit.locale)),
        Reply::Redirect(to) => redirect_challenge(&to),
        Reply::Again => again(parts),
        Reply::Failed => {
            json_answer(StatusCode::OK, &json!({"component": "ak-stage-flow-error", "request_id": visit.request_id}))
        }
    };
    let headers = response.headers_mut();
    headers.insert(http::header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(visit.locale.code()));
    response
}

/// A challenge whose sentences are in the visitor's language. In English they are what clients know word by word.
fn spoken(mut challenge: Object, locale: Locale) -> Value {
    if locale != Locale::EN {
        let say = |value: &mut Value| {
            if let Value::String(text) = value {
                *text = translate_error(locale, text);
            }
        };
        for field in ["primary_action", "error_message"] {
            challenge.get_mut(field).map(say);
        }
        let errors = challenge.get_mut("response_errors").and_then(Value::as_object_mut).into_iter().flatten();
        for error in errors.filter_map(|(_, list)| list.as_array_mut()).flatten() {
            error.get_mut("string").map(say);
        }
    }
    Value::Object(challenge)
}

fn redirect_challenge(to: &str) -> Response {
    let challenge: Object = [("component", "xak-flow-redirect"), ("to", to)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    json_answer(StatusCode::OK, &Value::Object(challenge))
}

/// A redirect to the same address. Where its canonical form differs from what was asked, clients that follow redirects
/// by themselves would lose their way: they are told in a challenge.
fn again(parts: &Parts) -> Response {
    let path = parts.uri.path();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        query.append_pair(&name, &value);
    }
    let query = query.finish();
    let canonical = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let asked = parts.uri.path_and_query().map_or(path, |whole| whole.as_str());
    if canonical != asked {
        return redirect_challenge(&canonical);
    }
    let location = HeaderValue::from_str(&canonical).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

fn options() -> Response {
    let body = json!({
        "name": "Flow Executor",
        "description": "Asks what a flow asks, and takes the answers.",
        "renders": ["application/json"],
        "parses": ["application/json"],
    });
    let mut response = json_answer(StatusCode::OK, &body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
