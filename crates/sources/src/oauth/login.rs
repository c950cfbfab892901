//! `/source/oauth/login/<slug>/` sends somebody to a provider, `/source/oauth/callback/<slug>/` takes them back
//! (RFC 6749, section 4.1).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_flow::pages::{
    Arrived, arrive, comes_from_elsewhere, error_page, explain, found, keep_session, see_other,
};
use vestibule_flow::{FlowState, Plan};
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_store::Durability;

use super::dialect::{Dialect, group_name};
use super::exchange::{Exchange, Reason, Told, with};
use super::provider_type::{Endpoint, Provider};
use super::underway::Underway;
use super::{OAuthSource, Pkce};
use crate::arrival::{Arriving, take_in};

/// Longest address that somebody may want to reach, bytes.
const LONGEST_NEXT: usize = 4096;
/// Letters of a proof key; RFC 7636, section 4.1: 43 to 128.
const VERIFIER: usize = 64;
/// The parts of the server that events name.
const LOGIN: &str = "authentik.sources.oauth.views.redirect";
const CALLBACK: &str = "authentik.sources.oauth.views.callback";

/// Sends somebody to the provider.
pub(crate) async fn login(
    State(state): State<FlowState>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Response {
    let mut arrived = match arrive(&state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match send(&state, &mut arrived, &slug).await {
        Ok(response) => response,
        Err(error) => failed(&state, &arrived, &error),
    }
}

/// Takes somebody back.
pub(crate) async fn callback(
    State(state): State<FlowState>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Response {
    let mut arrived = match arrive(&state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    if arrived.parts.method == Method::POST {
        // A session's cookie does not come with a form from another site (`response_mode=form_post`): it does with this.
        let form = String::from_utf8_lossy(&arrived.body);
        let pairs = url::form_urlencoded::parse(form.as_bytes());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        return see_other(&format!("{}?{query}", arrived.parts.uri.path()));
    }
    match back(&state, &mut arrived, &slug).await {
        Ok(response) => response,
        Err(error) => failed(&state, &arrived, &error),
    }
}

fn query(parts: &http::request::Parts) -> String {
    parts.uri.query().unwrap_or_default().to_owned()
}

fn failed(state: &FlowState, arrived: &Arrived, error: &ApiError) -> Response {
    if let ApiError::Internal(cause) = error {
        tracing::error!(error = %cause, "a login through a source failed");
    }
    error_page(state, &arrived.visit, &arrived.parts, error.status())
}

/// The source of a slug, if it may be used.
fn named(state: &FlowState, slug: &str) -> Result<(Uuid, OAuthSource), ApiError> {
    let configuration = state.store().configuration();
    let mut all = configuration.all::<OAuthSource>();
    let found = all.find(|(_, one)| one.source.enabled && one.source.slug == slug);
    found.map(|(pk, one)| (pk, one.clone())).ok_or_else(ApiError::not_found)
}

/// Where people come back to.
fn callback_address(arrived: &Arrived, slug: &str) -> String {
    format!("{}/source/oauth/callback/{slug}/", arrived.visit.client.origin())
}

async fn send(state: &FlowState, arrived: &mut Arrived, slug: &str) -> Result<Response, ApiError> {
    let (pk, source) = named(state, slug)?;
    state.limits.address(arrived.visit.client.ip)?;
    // Whoever is signed in connects an account. Another site must not have them connect the one that it has signed them in
    // with over there.
    if arrived.session.user.is_some() && comes_from_elsewhere(&arrived.parts) {
        return Ok(explain(state, arrived, "elsewhere", None, StatusCode::FORBIDDEN));
    }
    let http = state.api.extension::<HttpClient>()?;
    let callback = callback_address(arrived, slug);
    let exchange = exchange(state, &http, &source, &callback)?;
    let ctx = state.ctx();
    let next = arrived.visit.query.get("next").filter(|next| next.len() <= LONGEST_NEXT).map(str::to_owned);
    let underway = Underway {
        state: ctx.token(40),
        source: pk,
        nonce: ctx.token(24),
        verifier: ctx.token(VERIFIER),
        token_secret: String::new(),
        next: next.clone(),
        at: ctx.now().timestamp(),
    };
    let sent = match source.request_token_url.as_deref().filter(|address| !address.is_empty()) {
        Some(address) => by_request_token(&exchange, address, underway).await,
        None => by_parameters(&exchange, underway, login_hint(arrived)),
    };
    match sent {
        Ok((address, underway)) => {
            underway.note(&mut arrived.session);
            let mut response = found(&address);
            keep_session(state, arrived, &mut response).await?;
            Ok(response)
        }
        Err(reason) => refused(state, arrived, &source, LOGIN, ("source_down", next.as_deref()), &reason).await,
    }
}

fn exchange<'a>(
    state: &'a FlowState,
    http: &'a Arc<HttpClient>,
    source: &'a OAuthSource,
    callback: &'a str,
) -> Result<Exchange<'a>, ApiError> {
    let provider = Provider::named(source.provider_type.as_str());
    let provider = provider.ok_or_else(|| ApiError::internal("a source of no type"))?;
    Ok(Exchange { http, ctx: state.ctx(), source, provider, dialect: Dialect::of(source.provider_type), callback })
}

/// Who is probably signing in: what was typed, or what an application wants.
fn login_hint(arrived: &Arrived) -> Option<String> {
    let given = arrived.visit.query.get("login_hint").map(str::to_owned);
    let typed = || Some(Plan::of(&arrived.session.data)?.pending?.identifier);
    given.or_else(typed).filter(|hint| !hint.is_empty() && hint.len() <= 255)
}

/// RFC 5849, section 2.2.
async fn by_request_token(
    exchange: &Exchange<'_>,
    address: &str,
    underway: Underway,
) -> Result<(String, Underway), Reason> {
    let (token, token_secret) = exchange.request_token(address).await?;
    let to = exchange.provider.address(Endpoint::Authorization, exchange.source);
    let to = with(to, &[("oauth_token", &token)])?;
    Ok((to, Underway { state: token, token_secret, ..underway }))
}

/// RFC 6749, section 4.1.1.
fn by_parameters(
    exchange: &Exchange<'_>,
    underway: Underway,
    hint: Option<String>,
) -> Result<(String, Underway), Reason> {
    let Exchange { source, dialect, provider, callback, .. } = exchange;
    let scope = dialect.scope(source);
    let client = if provider.name == "wechat" { "appid" } else { "client_id" };
    let mut pairs = vec![
        (client, exchange.client_id()),
        ("redirect_uri", *callback),
        ("response_type", "code"),
        (dialect.scope_parameter, &scope),
        ("state", &underway.state),
    ];
    pairs.extend(dialect.more);
    let is_openid = dialect.is_openid(&scope);
    if is_openid {
        pairs.push(("nonce", &underway.nonce));
    }
    let pkce = if provider.is_customizable() { source.pkce } else { dialect.pkce };
    let challenge = match pkce {
        Pkce::None => String::new(),
        Pkce::Plain => underway.verifier.clone(),
        Pkce::S256 => s256(&underway.verifier),
    };
    if pkce != Pkce::None {
        pairs.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", pkce.as_str())]);
    }
    if let Some(hint) = &hint {
        pairs.push(("login_hint", hint));
    }
    let to = with(provider.address(Endpoint::Authorization, source), &pairs)?;
    let verifier = if pkce == Pkce::None { String::new() } else { underway.verifier };
    let nonce = if is_openid { underway.nonce } else { String::new() };
    Ok((to, Underway { nonce, verifier, ..underway }))
}

/// RFC 7636, section 4.2.
fn s256(verifier: &str) -> String {
    use base64::Engine as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}

async fn back(state: &FlowState, arrived: &mut Arrived, slug: &str) -> Result<Response, ApiError> {
    let (pk, source) = named(state, slug)?;
    state.limits.address(arrived.visit.client.ip)?;
    let query = arrived.visit.query.clone();
    let now = state.ctx().now();
    let is_one = source.request_token_url.as_deref().is_some_and(|address| !address.is_empty());
    let name = query.get(if is_one { "oauth_token" } else { "state" }).unwrap_or_default();
    let Some(underway) = Underway::take(&mut arrived.session, pk, name, now) else {
        return Ok(explain(state, arrived, "source_state", Some("/"), StatusCode::BAD_REQUEST));
    };
    // Of two who come back by the same way, one goes on: the session is kept before the provider is asked.
    if !state.sessions.save(&mut arrived.session).await? {
        return Ok(explain(state, arrived, "source_state", Some("/"), StatusCode::BAD_REQUEST));
    }
    let next = underway.next.as_deref();
    if let Some(error) = query.get("error").or_else(|| query.get("denied")) {
        let what = if is_one || error == "access_denied" { "source_cancelled" } else { "source_down" };
        let said = query.get("error_description").unwrap_or(error);
        return refused(state, arrived, &source, CALLBACK, (what, next), said).await;
    }
    let http = state.api.extension::<HttpClient>()?;
    let callback = callback_address(arrived, slug);
    let exchange = exchange(state, &http, &source, &callback)?;
    let told = match (is_one, query.get("oauth_verifier"), query.get("code")) {
        _ if is_impostor(&source, query.get("iss")) => Err("The answer is another provider's (RFC 9207).".to_owned()),
        (true, Some(verifier), _) => exchange.redeem_one(verifier, &underway).await,
        (false, _, Some(code)) => exchange.redeem(code, &underway).await,
        _ => Err("There is no code in the answer.".to_owned()),
    };
    let told = told.map(|told| with_name(told, query));
    let (told, identifier) = match told.map(|told| ((exchange.dialect.identify)(&told.info), told)) {
        Ok((Some(identifier), told)) => (told, identifier),
        Ok((None, _)) => {
            let reason = "The provider does not say who they are.";
            return refused(state, arrived, &source, CALLBACK, ("source_down", next), reason).await;
        }
        Err(reason) => return refused(state, arrived, &source, CALLBACK, ("source_down", next), &reason).await,
    };
    let properties = (exchange.dialect.properties)(&told.info);
    let email_is_verified = (exchange.dialect.verified)(&told.info);
    let expires = expiry(&told.token, now);
    let arriving = Arriving {
        pk,
        kind: "authentik_sources_oauth.oauthsource",
        source: &source.source,
        group_matching_mode: source.group_matching_mode,
        identifier,
        properties: properties.as_object().cloned().unwrap_or_default(),
        email_is_verified,
        group_name: &|group| group_name(&told.info, group),
        context: Object::from_iter([("oauth_userinfo".to_owned(), told.info.clone())]),
        inputs: vec![("info".into(), told.info.clone()), ("token".into(), Value::Object(told.token.clone()))],
        access_token: ["access_token", "oauth_token"].iter().find_map(|name| told.token.get(*name)?.as_str()),
        expires,
        next: underway.next.clone(),
    };
    take_in(state, arrived, arriving).await
}

/// Whether an answer says that it is another's than the source's (RFC 9207, section 2.4).
fn is_impostor(source: &OAuthSource, said: Option<&str>) -> bool {
    let known = source.issuer.as_deref().filter(|issuer| !issuer.is_empty() && !issuer.contains('{'));
    matches!((known, said), (Some(known), Some(said)) if known != said)
}

/// Apple tells the name of somebody new beside the token, and once.
fn with_name(mut told: Told, query: Query) -> Told {
    let named = query.get("user").and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let (Some(name), Value::Object(info)) = (named.as_ref().map(|user| &user["name"]), &mut told.info)
        && !info.contains_key("name")
    {
        let part = |part: &str| name[part].as_str().unwrap_or_default();
        let whole = format!("{} {}", part("firstName"), part("lastName"));
        if !whole.trim().is_empty() {
            info.insert("name".into(), whole.trim().into());
        }
    }
    told
}

/// When a token ends, if that is said.
fn expiry(token: &Object, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = match token.get("expires_in") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let span = seconds.and_then(TimeDelta::try_seconds).unwrap_or_default();
    now.checked_add_signed(span).unwrap_or(now)
}

/// A page that says that nobody signs in this way now; why, administrators read.
async fn refused(
    state: &FlowState,
    arrived: &Arrived,
    source: &OAuthSource,
    app: &'static str,
    (what, next): (&str, Option<&str>),
    reason: &str,
) -> Result<Response, ApiError> {
    let OAuthSource { source, .. } = source;
    tracing::warn!(source = source.slug, reason, "nobody signs in through this source now");
    // That somebody has thought better of it is no error of the configuration.
    if what != "source_cancelled" {
        let actor = arrived.session.user.as_ref().map(vestibule_directory::SessionUser::actor);
        let event = Event::new("configuration_error", app, actor.unwrap_or(vestibule_kernel::Actor::Anonymous))
            .context(json!({"message": reason, "source": {"name": source.name, "slug": source.slug}}))
            .request(&arrived.visit.request);
        let mut transaction = state.store().database().begin(Durability::Process).await?;
        event.write(state.ctx(), &mut transaction).await?;
        transaction.commit().await?;
    }
    let status = if what == "source_cancelled" { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    Ok(explain(state, arrived, what, Some(next.unwrap_or("/")), status))
}
