//! Requests that a client sends beforehand, behind the browser's back (RFC 9126): the browser carries a name for one.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::ClientInfo;
use vestibule_flow::FlowState;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::read_body;
use vestibule_store::Durability;

use crate::answer::{allow_origin, fresh, refusal, wrong_method};
use crate::authorize::request::{AuthorizationRequest, Refused};
use crate::client::Client;
use crate::error::{TokenError, token_error};
use crate::parameters::{Credentials, Parameters};
use crate::token::dpop;

/// What the name of a request begins with.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a request is good.
const LASTS: TimeDelta = TimeDelta::seconds(90);

/// Whether an address is the name of a request that was sent here.
pub(crate) fn is_ours(address: &str) -> bool {
    address.starts_with(PREFIX)
}

/// The parameters of a request. It stays good while somebody signs in; what it leads to is good once.
pub(crate) async fn take(
    state: &FlowState,
    client: &Client<'_>,
    address: &str,
) -> Result<Option<Parameters>, ApiError> {
    let sql = "SELECT parameters FROM oauth2_pushed WHERE hash = $1 AND provider = $2 AND expires > $3";
    let params = vec![state.store().keys().lookup_hash(address).into(), client.pk().into(), state.ctx().now().into()];
    let Some(row) = state.store().database().query_one(sql, params).await? else { return Ok(None) };
    let mut parameters = Parameters::default();
    if let Value::Object(kept) = row.json("parameters")? {
        for (name, value) in &kept {
            parameters.set(name, value.as_str().unwrap_or_default());
        }
    }
    Ok(Some(parameters))
}

/// `/application/o/par/`.
pub(crate) async fn push(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match parts.method {
        Method::OPTIONS => return allow_origin(fresh(StatusCode::OK, &json!({})), &parts, None),
        Method::POST => {}
        _ => return wrong_method("POST, OPTIONS"),
    }
    let form = Parameters::of_form(&parts, &body);
    let credentials = Credentials::of(&parts, &form);
    let configuration = state.store().configuration();
    let client = Client::by_client_id(&configuration, &credentials.client_id);
    let known = |client: &Client<'_>| !client.is_confidential() || client.is_secret(&credentials);
    let Some(client) = client.filter(known) else {
        return refusal(token_error("invalid_client"), StatusCode::UNAUTHORIZED, &parts);
    };
    let answer = match keep(&state, &client, form, &parts).await {
        Ok(told) => fresh(StatusCode::CREATED, &told),
        Err(error) => refusal(error, StatusCode::BAD_REQUEST, &parts),
    };
    allow_origin(answer, &parts, Some(client))
}

async fn keep(
    state: &FlowState,
    client: &Client<'_>,
    mut form: Parameters,
    parts: &Parts,
) -> Result<Value, TokenError> {
    if form.get("request_uri").is_some() {
        return Err(token_error("invalid_request"));
    }
    let here = format!("{}{}", ClientInfo::of(parts).origin(), parts.uri.path());
    if let Some(thumbprint) = dpop::proof(state, parts, &here, None).await? {
        if form.get("dpop_jkt").is_some_and(|named| named != thumbprint) {
            return Err(token_error("invalid_dpop_proof"));
        }
        form.set("dpop_jkt", &thumbprint);
    }
    // What would be refused later is refused now.
    match AuthorizationRequest::read(client, &form, false) {
        Ok(_) => {}
        Err(Refused::Here { sentence, .. }) => return Err(TokenError::about("invalid_request", sentence)),
        Err(Refused::Client(_, code, sentence)) => return Err(TokenError::about(code, sentence)),
    }
    form.set("client_id", &client.provider.client_id);
    let kept: Object = form
        .pairs()
        .into_iter()
        .filter(|(name, _)| *name != "client_secret")
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let name = format!("{PREFIX}{}", state.ctx().token(43));
    let sql = "INSERT INTO oauth2_pushed (hash, provider, parameters, expires) VALUES ($1, $2, $3, $4)";
    // Longer than it may be begun: whoever has to sign in first takes a while.
    let expires = state.ctx().now() + LASTS + TimeDelta::minutes(10);
    let params = vec![
        state.store().keys().lookup_hash(&name).into(),
        client.pk().into(),
        Value::Object(kept).into(),
        expires.into(),
    ];
    state.store().database().execute(Durability::Process, sql, params).await?;
    Ok(json!({"request_uri": name, "expires_in": LASTS.num_seconds()}))
}
