//! `/application/o/introspect/` (RFC 7662) and `/application/o/revoke/` (RFC 7009): what a token is good for, and that it is
//! no more.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_flow::FlowState;
use vestibule_kernel::ApiError;
use vestibule_resource::http::read_body;

use crate::answer::{failure, fresh, refusal, wrong_method};
use crate::client::Client;
use crate::error::token_error;
use crate::grants::{Token, access, refresh, remove_access, remove_refresh};
use crate::parameters::{Credentials, Parameters};

/// A token of either kind.
enum Found {
    Access(Token),
    Refresh(Token),
}

impl Found {
    fn token(&self) -> &Token {
        let (Self::Access(token) | Self::Refresh(token)) = self;
        token
    }
}

/// The token that a client asks about: its own, or one of a provider that trusts it (CVE-2024-47077: nobody else's).
async fn find(state: &FlowState, client: &Client<'_>, key: &str) -> Result<Option<Found>, ApiError> {
    let store = state.store();
    let found = match access(store, state.ctx().now(), key).await? {
        Some(token) => Some(Found::Access(token)),
        None => refresh(store, key).await?.map(Found::Refresh),
    };
    Ok(found.filter(|found| {
        let provider = found.token().provider;
        let trusts = || {
            let owner = Client::by_number(client.configuration, provider);
            owner.is_some_and(|owner| owner.provider.jwt_federation_providers.contains(&client.pk()))
        };
        provider == client.pk() || (client.is_confidential() && trusts())
    }))
}

/// What a token is good for.
pub(crate) async fn introspect(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    if parts.method != Method::POST {
        return wrong_method("POST, OPTIONS");
    }
    let form = Parameters::of_form(&parts, &body);
    let credentials = Credentials::of(&parts, &form);
    let configuration = state.store().configuration();
    let client = Client::by_client_id(&configuration, &credentials.client_id);
    let client = client.filter(|client| client.is_confidential() && client.is_secret(&credentials));
    let (Some(client), Some(key)) = (client, form.get("token")) else {
        return fresh(StatusCode::OK, &json!({"active": false}));
    };
    match find(&state, &client, key).await {
        Ok(found) => fresh(StatusCode::OK, &told(&state, &client, found)),
        Err(error) => failure(&error, &parts),
    }
}

/// Of a token that is not good nothing is told but that (RFC 7662, section 2.2).
fn told(state: &FlowState, client: &Client<'_>, found: Option<Found>) -> Value {
    let found = found.filter(|found| found.token().is_good(state.ctx().now()));
    let Some(found) = found else { return json!({"active": false}) };
    let token = found.token();
    let owner = Client::by_number(client.configuration, token.provider).unwrap_or(*client);
    let mut told = token.id_token.clone();
    told.insert("active".into(), true.into());
    told.insert("scope".into(), token.scope.join(" ").into());
    told.insert("client_id".into(), owner.provider.client_id.clone().into());
    if let Some(thumbprint) = &token.confirmation {
        told.insert("cnf".into(), json!({"jkt": thumbprint}));
        told.insert("token_type".into(), "DPoP".into());
    }
    Value::Object(told)
}

/// That a token is no more. One that nobody knows is no more already.
pub(crate) async fn revoke(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    if parts.method != Method::POST {
        return wrong_method("POST, OPTIONS");
    }
    let form = Parameters::of_form(&parts, &body);
    let credentials = Credentials::of(&parts, &form);
    let configuration = state.store().configuration();
    let client = Client::by_client_id(&configuration, &credentials.client_id);
    let known = |client: &Client<'_>| !client.is_confidential() || client.is_secret(&credentials);
    let Some(client) = client.filter(known) else {
        return refusal(token_error("invalid_client"), StatusCode::UNAUTHORIZED, &parts);
    };
    match end(&state, &client, form.text("token")).await {
        Ok(()) => fresh(StatusCode::OK, &json!({})),
        Err(error) => failure(&error, &parts),
    }
}

async fn end(state: &FlowState, client: &Client<'_>, key: &str) -> Result<(), ApiError> {
    match find(state, client, key).await? {
        Some(Found::Access(token)) => remove_access(state.store(), token.id).await?,
        Some(Found::Refresh(token)) => remove_refresh(state.store(), &token).await?,
        None => {}
    }
    Ok(())
}
