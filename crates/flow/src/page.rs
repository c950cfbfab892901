//! A challenge as a page: a real form, that works with JavaScript off and that password managers understand.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::authenticate::is_same_origin;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::resources::settings::is_safe_link;
use vestibule_directory::session::{Session, SessionUser};
use vestibule_directory::{Brand, SystemSettings};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::http::media_type;
use vestibule_resource::write_failure;
use vestibule_store::Configuration;
use vestibule_web::{
    FooterLink, Shell, accent_url, asset_url, captcha_origins, content_security_policy, form_target, pictures,
};

use crate::answer::{Answer, AnswerErrors};
use crate::beat::{self, Before};
use crate::begin::elsewhere;
use crate::executor::{Reply, Walk};
use crate::flow_token;
use crate::json::{Arrived, Guarded, arrive, cookies, factor_cookie, guard, locale};
use crate::plan::Plan;
use crate::settle::{Effect, Settled, settle};
use crate::stage::{Visit, brand_of};
use crate::state::FlowState;
use crate::title;
use crate::views::LOGIN;

/// Pictures of a brand that has none of its own, as the API names them. They are shown as ours.
const DEFAULT_LOGO: &str = "/static/dist/assets/icons/icon_left_brand.svg";
const DEFAULT_FAVICON: &str = "/static/dist/assets/icons/icon.png";
const DEFAULT_BACKGROUND: &str = "/static/dist/assets/images/flow_background.jpg";

/// What a form from another site is told.
const ELSEWHERE: &str = "The form was sent from elsewhere.";

/// Stages that may pass silently, one after the other, before something is wrong.
const MOST_SILENT: usize = 64;

pub(crate) fn routes(state: &FlowState) -> Router {
    Router::new().route("/if/flow/{slug}/", get(enter).post(respond)).with_state(Arc::new(state.clone()))
}

async fn enter(State(state): State<Arc<FlowState>>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    visit(&state, &slug, request).await
}

async fn respond(State(state): State<Arc<FlowState>>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    visit(&state, &slug, request).await
}

async fn visit(state: &FlowState, slug: &str, request: Request<Body>) -> Response {
    let arrived = match arrive(state, request, |parts| parts.uri.query().unwrap_or_default().to_owned()).await {
        Ok(arrived) => arrived,
        Err(error) => return plain_error(&error),
    };
    let about = (arrived.visit.clone(), arrived.parts.clone());
    let actor = arrived.session.user.as_ref().map_or(Actor::Anonymous, SessionUser::actor);
    match walk(state, slug, arrived).await {
        Ok(response) => response,
        Err(error) => {
            if let ApiError::Internal(cause) = &error {
                tracing::error!(error = %cause, "a page failed");
                write_failure(&state.api, actor, &about.0.request).await;
            }
            error_page(state, &about.0, &about.1, error.status())
        }
    }
}

async fn walk(state: &FlowState, slug: &str, arrived: Arrived) -> Result<Response, ApiError> {
    let Arrived { parts, body, visit, mut session } = arrived;
    let before = Before::of(&parts.method, &session.data);
    let configuration = state.store().configuration();
    let answer = (parts.method == http::Method::POST).then(|| read_form(&parts, &body));
    let mut last = Settled::Unchanged;
    let (mut factor, mut slowly) = (None, false);
    let mut pending = answer;
    for _ in 0..MOST_SILENT {
        let Some(mut walk) = Walk::new(state, configuration.clone(), slug, &visit, &mut session) else {
            return Err(ApiError::not_found());
        };
        let title = title::filled(&walk.flow().title, "", "");
        let answered = pending.is_some();
        // What another site chose is not repeated.
        let own = pending.as_ref().and_then(|answer| answer.as_ref().ok()).filter(|_| !comes_from_elsewhere(&parts));
        let typed = own.and_then(Answer::identifier);
        let reply = match pending.take() {
            None => walk.enter().await?,
            // A form on another site must sign nobody in, not even as somebody else.
            Some(Ok(_)) if comes_from_elsewhere(&parts) => walk.reject(AnswerErrors::whole(ELSEWHERE)).await?,
            Some(Ok(answer)) => match guard(state, &parts, &visit.client, &walk) {
                Ok(()) => walk.respond(&answer).await?,
                Err(Guarded::Forged) => walk.reject(AnswerErrors::whole(ELSEWHERE)).await?,
                Err(Guarded::Limited(error)) => return Err(error),
            },
            Some(Err(error)) => return Err(error),
        };
        let sign_in = walk.wants_login();
        let refusal = walk.refusal_of_login();
        let effect = std::mem::take(&mut walk.effect);
        factor = walk.factor.take().or(factor);
        slowly |= walk.took_its_time;
        drop(walk);
        let effective = !matches!(effect, Effect::None);
        let settled = settle(state, &mut session, effect, &visit).await?;
        let reply = match settled {
            Settled::Lost => Reply::Again,
            Settled::Refused => refusal.map_or(Reply::Failed, Reply::Challenge),
            _ => reply,
        };
        // What is kept after a login does not undo its cookies.
        if effective && !matches!((&last, &settled), (Settled::SignedIn { .. }, Settled::Kept)) {
            last = settled;
        }
        let mut response = match reply {
            // After an answer the browser asks anew, so that reloading a page never repeats an answer.
            Reply::Again if answered => see_other(&here(slug, &visit)),
            Reply::Again => continue,
            // A page's policy forbids that a form leads to another host, and what follows an answer is still of its form:
            // a page of its own leads there.
            Reply::Redirect(to) if !to.starts_with('/') || may_lead_elsewhere(&to) => {
                challenge_page(state, &configuration, &visit, slug, &leading(&title, &to))
            }
            Reply::Redirect(to) => see_other(&to),
            Reply::Challenge(mut challenge) => {
                put(&mut challenge, "typed", typed);
                put(&mut challenge, "dead_link", visit.query.get(flow_token::PARAMETER).map(str::to_owned));
                put(&mut challenge, "sign_in_url", sign_in.then(|| to_login(&here(slug, &visit))));
                challenge.insert("stays".into(), stays(state, &session).into());
                challenge_page(state, &configuration, &visit, slug, &challenge)
            }
            Reply::Failed => challenge_page(state, &configuration, &visit, slug, &failed(&title, &visit)),
        };
        cookies(&mut response, state, &visit.client, &session, &last);
        factor_cookie(&mut response, &visit.client, factor.as_ref(), &last);
        before.release(&mut response, &session.data, &last);
        beat::slow_down(&mut response, slowly);
        return Ok(response);
    }
    Err(ApiError::internal("a flow whose stages never end"))
}

/// Whether an address of this server sends people on to another host: a form may not lead there, not even by way of it.
fn may_lead_elsewhere(to: &str) -> bool {
    ["/application/", "/login/oauth/", "/source/"].iter().any(|prefix| to.starts_with(prefix))
}

/// Whether a page that could send its visitor on at once does not: they are back from there, or have come some way.
fn stays(state: &FlowState, session: &Session) -> bool {
    let now = state.ctx().now();
    let has_left = elsewhere(state).is_some_and(|elsewhere| elsewhere.has_left(session, now));
    has_left || Plan::of(&session.data).is_some_and(|plan| !plan.done.is_empty())
}

/// What a page shows beside the challenge.
fn put(challenge: &mut Object, name: &str, value: Option<String>) {
    if let Some(value) = value {
        challenge.insert(name.to_owned(), value.into());
    }
}

/// The login, and back here afterwards.
fn to_login(here: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
    format!("{LOGIN}?{query}")
}

/// Whether a browser says that another site sent this (Fetch Metadata, or the older `Origin`).
pub fn comes_from_elsewhere(parts: &Parts) -> bool {
    let has = |name: &str| parts.headers.contains_key(name);
    (has("sec-fetch-site") || has("origin")) && !is_same_origin(parts)
}

fn leading(title: &str, to: &str) -> Object {
    let challenge = json!({
        "flow_info": {"title": title, "layout": "stacked"},
        "component": "xak-flow-redirect",
        "to": to,
    });
    challenge.as_object().cloned().unwrap_or_default()
}

fn failed(title: &str, visit: &Visit) -> Object {
    let challenge = json!({
        "flow_info": {"title": title, "layout": "stacked", "cancel_url": "/flows/-/cancel/"},
        "component": "ak-stage-flow-error",
        "request_id": visit.request_id,
    });
    challenge.as_object().cloned().unwrap_or_default()
}

fn here(slug: &str, visit: &Visit) -> String {
    if visit.query_text.is_empty() {
        format!("/if/flow/{slug}/")
    } else {
        format!("/if/flow/{slug}/?{}", visit.query_text)
    }
}

/// The fields of a form as an answer.
pub(crate) fn read_form(parts: &Parts, body: &bytes::Bytes) -> Result<Answer, ApiError> {
    if !media_type(&parts.headers).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ApiError::UnsupportedMediaType(media_type(&parts.headers).to_owned()));
    }
    let fields = url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    Ok(Answer::new(fields.collect()))
}

/// 303: the browser follows with a GET (RFC 9110, section 15.4.4).
pub fn see_other(to: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, to)
}

/// 302.
pub fn found(to: &str) -> Response {
    redirect(StatusCode::FOUND, to)
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (status, [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

fn challenge_page(
    state: &FlowState,
    configuration: &Configuration,
    visit: &Visit,
    slug: &str,
    challenge: &Object,
) -> Response {
    let (name, shell) = dressed(state, configuration, visit, slug, challenge);
    html(state, name, &shell, &Value::Object(told_once(challenge)), StatusCode::OK)
}

/// The page of a challenge, and what surrounds it.
pub(crate) fn dressed<'a>(
    state: &FlowState,
    configuration: &Configuration,
    visit: &Visit,
    slug: &str,
    challenge: &'a Object,
) -> (&'a str, Shell) {
    let component = challenge.get("component").and_then(Value::as_str).unwrap_or_default();
    let info = challenge.get("flow_info").and_then(Value::as_object).cloned().unwrap_or_default();
    let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut shell = shell(configuration, visit, &text("title"));
    shell.layout = text("layout");
    shell.action = here(slug, visit);
    shell.application = challenge.get("application_pre").and_then(Value::as_str).map(str::to_owned);
    shell.cancel_url = Some(text("cancel_url")).filter(|url| !url.is_empty());
    let background = text("background");
    if !background.is_empty() && background != crate::flow::DEFAULT_BACKGROUND {
        shell.background = Some(background);
    }
    let captcha = challenge.get("captcha_stage").filter(|captcha| captcha.is_object());
    let script = captcha.map_or_else(|| challenge.get("js_url"), |captcha| captcha.get("js_url"));
    if let Some(script) = script.and_then(Value::as_str) {
        shell.script_origins = captcha_origins(script);
    }
    if component == "ak-stage-autosubmit" {
        shell.form_targets = challenge.get("url").and_then(Value::as_str).and_then(form_target).into_iter().collect();
    }
    let frames = challenge.get("logout_urls").and_then(Value::as_array).into_iter().flatten();
    shell.frames = frames.filter_map(|frame| frame.get("url")?.as_str().map(str::to_owned)).collect();
    (if state.pages.has(component) { component } else { "ak-stage-flow-error" }, shell)
}

/// A captcha that failed is told at its place; that this fails the whole answer needs no second sentence.
fn told_once(challenge: &Object) -> Object {
    let mut challenge = challenge.clone();
    if let Some(errors) = challenge.get_mut("response_errors").and_then(Value::as_object_mut)
        && errors.contains_key("captcha_token")
    {
        errors.shift_remove(NON_FIELD);
    }
    challenge
}

/// What surrounds a page of the brand that the host belongs to.
pub fn shell(configuration: &Configuration, visit: &Visit, title: &str) -> Shell {
    let brand = brand_of(configuration, &visit.client);
    let own = |url: Option<&str>, shipped: &str, ours: &str| match url {
        Some(url) if !url.is_empty() && url != shipped => url.to_owned(),
        _ => asset_url(ours),
    };
    Shell {
        locale: visit.locale,
        title: title.to_owned(),
        layout: "stacked".to_owned(),
        brand_title: brand.map_or_else(|| "Vestibule".to_owned(), |brand| brand.branding_title.clone()),
        logo: own(brand.map(|brand| brand.branding_logo.as_str()), DEFAULT_LOGO, "logo.svg"),
        favicon: own(brand.map(|brand| brand.branding_favicon.as_str()), DEFAULT_FAVICON, "favicon.svg"),
        custom_css_url: brand.filter(|brand| !brand.branding_custom_css.is_empty()).map(crate::views::custom_css_url),
        accent: brand.and_then(|brand| accent_url(setting(brand, "accent")?.as_str()?)),
        theme: brand.and_then(|brand| theme(setting(brand, "theme")?.get("base")?.as_str()?)),
        background: brand
            .map(|brand| brand.branding_default_flow_background.clone())
            .filter(|background| !background.is_empty() && background != DEFAULT_BACKGROUND),
        footer_links: footer_links(configuration, brand),
        request_id: visit.request_id.clone(),
        ..Shell::default()
    }
}

/// One of the settings that a brand's attributes hold.
fn setting<'a>(brand: &'a Brand, name: &str) -> Option<&'a Value> {
    brand.attributes.get("settings")?.get(name)
}

fn theme(base: &str) -> Option<String> {
    matches!(base, "light" | "dark").then(|| base.to_owned())
}

/// Links of the brand's settings, or those of the server's; only addresses that a click may follow.
fn footer_links(configuration: &Configuration, brand: Option<&Brand>) -> Vec<FooterLink> {
    let own = brand.and_then(|brand| setting(brand, "footerLinks")).and_then(Value::as_array).cloned();
    let settings = || SystemSettings::of(configuration).footer_links.as_array().cloned();
    let links = own.or_else(settings).unwrap_or_default();
    let link = |link: Value| {
        let href = link.get("href").and_then(Value::as_str).filter(|href| is_safe_link(href));
        Some(FooterLink { name: link.get("name")?.as_str()?.to_owned(), href: href.map(str::to_owned) })
    };
    links.into_iter().filter_map(link).collect()
}

/// A page.
pub fn html(state: &FlowState, name: &str, shell: &Shell, challenge: &Value, status: StatusCode) -> Response {
    let body = match state.pages.render(name, shell, challenge) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, page = name, "a page could not be rendered");
            return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be shown.").into_response();
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(shell.locale.code()));
    let shell = Shell { pictures: pictures(challenge), ..shell.clone() };
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&shell)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The page of an error.
pub fn error_page(state: &FlowState, visit: &Visit, _: &Parts, status: u16) -> Response {
    let shell = shell(&state.store().configuration(), visit, "");
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    html(state, "error", &shell, &json!({"status": status, "request_id": visit.request_id}), code)
}

/// The page of a link that was good once, or never.
pub fn dead_link(state: &FlowState, visit: &Visit) -> Response {
    let shell = shell(&state.store().configuration(), visit, "");
    html(state, "error", &shell, &json!({"status": "link", "request_id": visit.request_id}), StatusCode::NOT_FOUND)
}

fn plain_error(error: &ApiError) -> Response {
    vestibule_resource::http::error_answer(error)
}

/// The page of a path that leads nowhere, for the server's fallback.
pub fn not_found_page(state: &FlowState, parts: &Parts) -> Response {
    let client = ClientInfo::of(parts);
    let locale = locale(&state.store().configuration(), parts, &client, None);
    let visit = Visit {
        client,
        user_agent: String::new(),
        locale,
        query: vestibule_resource::http::Query::default(),
        query_text: String::new(),
        request_id: crate::json::request_id(parts),
        request: vestibule_events::Request::default(),
        device: None,
        factor: None,
    };
    error_page(state, &visit, parts, 404)
}
