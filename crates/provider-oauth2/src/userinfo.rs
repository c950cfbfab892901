//! `/application/o/userinfo/`: what an application may know of whom its token stands for (OpenID Connect Core, section 5.3).

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::client::describe_request;
use vestibule_directory::{ClientInfo, UserRow};
use vestibule_flow::FlowState;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::read_body;

use crate::answer::{allow_origin, bearer_refusal, failure, fresh, wrong_method};
use crate::authorize::request::OPENID;
use crate::claims::Telling;
use crate::client::Client;
use crate::error::TokenError;
use crate::grants::{Token, access};
use crate::parameters::{Parameters, presented};
use crate::token::dpop;

/// Why a request for a protected resource is refused.
pub(crate) enum Barred {
    /// In the protocol's words.
    Said(&'static str),
    /// Something failed here.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Barred {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The token that a request brings, if it is good and reaches that far.
pub(crate) async fn bearer(state: &FlowState, parts: &Parts, form: &Parameters, scope: &str) -> Result<Token, Barred> {
    let Some((key, bound)) = presented(parts, form) else { return Err(Barred::Said("invalid_token")) };
    let now = state.ctx().now();
    let configuration = state.store().configuration();
    // With its application a client is none any more, and its tokens are none.
    let of_client = |found: &Token| Client::by_number(&configuration, found.provider).is_some();
    let found = access(state.store(), now, &key).await?.filter(|found| found.is_good(now) && of_client(found));
    let Some(found) = found else { return Err(Barred::Said("invalid_token")) };
    if bound || found.confirmation.is_some() {
        let here = format!("{}{}", ClientInfo::of(parts).origin(), parts.uri.path());
        let proof = match dpop::proof(state, parts, &here, Some(&key)).await {
            Ok(proof) => proof,
            Err(TokenError::Failed(error)) => return Err(Barred::Failed(error)),
            Err(TokenError::Said(..)) => return Err(Barred::Said("invalid_dpop_proof")),
        };
        // A token that is bound comes with its proof, under its own name (RFC 9449, section 7.2).
        if !bound || proof.is_none() || proof != found.confirmation {
            return Err(Barred::Said("invalid_token"));
        }
    }
    if !found.scope.iter().any(|one| one == scope) {
        return Err(Barred::Said("insufficient_scope"));
    }
    Ok(found)
}

/// The answer to who is barred.
pub(crate) fn barred(barred: Barred, parts: &Parts) -> Response {
    match barred {
        Barred::Said(code) => bearer_refusal(code),
        Barred::Failed(error) => failure(&error, parts),
    }
}

/// The endpoint.
pub(crate) async fn userinfo(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match parts.method {
        Method::OPTIONS => return allow_origin(fresh(StatusCode::OK, &json!({})), &parts, None),
        Method::GET | Method::POST | Method::HEAD => {}
        _ => return wrong_method("GET, POST, OPTIONS"),
    }
    let form = Parameters::of_form(&parts, &body);
    let configuration = state.store().configuration();
    let token = match bearer(&state, &parts, &form, OPENID).await {
        Ok(token) => token,
        Err(refused) => return allow_origin(barred(refused, &parts), &parts, None),
    };
    let Some(client) = Client::by_number(&configuration, token.provider) else {
        return bearer_refusal("invalid_token");
    };
    let answer = match claims(&state, &client, &token, &parts).await {
        Ok(Some(claims)) => fresh(StatusCode::OK, &Value::Object(claims)),
        Ok(None) => bearer_refusal("invalid_token"),
        Err(error) => failure(&error, &parts),
    };
    allow_origin(answer, &parts, Some(client))
}

async fn claims(
    state: &FlowState,
    client: &Client<'_>,
    token: &Token,
    parts: &Parts,
) -> Result<Option<Object>, ApiError> {
    let Some(user) = state.users.by_pk(token.user).await? else { return Ok(None) };
    let request = describe_request(parts, client.configuration);
    let mut claims = Object::new();
    claims.insert("sub".into(), token.id_token.get("sub").cloned().unwrap_or_default());
    claims.extend(Telling::new(state, *client, &user, &request).claims(&token.scope).await?);
    if let Some(nonce) = token.id_token.get("nonce") {
        claims.insert("nonce".into(), nonce.clone());
    }
    Ok(Some(claims))
}

/// The user of a token.
pub(crate) async fn owner(state: &FlowState, token: &Token) -> Result<UserRow, Barred> {
    state.users.by_pk(token.user).await?.ok_or(Barred::Said("invalid_token"))
}
