//! What a client finds out by itself: the metadata (OpenID Connect Discovery, section 3; RFC 8414) and the keys (RFC 7517).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_directory::{ClientInfo, UserRow};
use vestibule_events::Request as EventRequest;
use vestibule_flow::{FlowState, not_found_page};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::json_answer;
use vestibule_web::Locale;

use crate::answer::{allow_origin, failure, wrong_method};
use crate::authorize::mode::Mode;
use crate::authorize::request::{OPENID, response_types};
use crate::claims::{ACR, Telling};
use crate::client::Client;
use crate::provider::GrantType;
use crate::registration;
use vestibule_jose::Algorithm;

/// What is known of nobody in particular, to find out which claims there are.
fn nobody() -> UserRow {
    UserRow {
        pk: 0,
        uuid: uuid::Uuid::nil(),
        uid: String::new(),
        username: "AnonymousUser".into(),
        name: String::new(),
        email: String::new(),
        password: None,
        is_active: false,
        user_type: "internal".into(),
        path: String::new(),
        attributes: Object::new(),
    }
}

/// The metadata of the client whose application the path names.
pub(crate) async fn metadata(
    State(state): State<FlowState>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    let configuration = state.store().configuration();
    let Some(client) = Client::by_slug(&configuration, &slug) else { return not_found_page(&state, &parts) };
    let answer = match parts.method {
        Method::GET | Method::HEAD => match describe(&state, &client, &parts).await {
            Ok(told) => json_answer(StatusCode::OK, &told),
            Err(error) => failure(&error, &parts),
        },
        Method::OPTIONS => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            let known = HeaderValue::from_static("GET, HEAD, OPTIONS");
            (StatusCode::OK, [(CONTENT_TYPE, html), (ALLOW, known)]).into_response()
        }
        _ => wrong_method("GET, HEAD, OPTIONS"),
    };
    allow_origin(answer, &parts, Some(client))
}

async fn describe(state: &FlowState, client: &Client<'_>, parts: &Parts) -> Result<Value, ApiError> {
    let origin = ClientInfo::of(parts).origin();
    let signer = client.signer()?;
    let common = |path: &str| format!("{origin}/application/o/{path}/");
    let own = |path: &str| format!("{origin}/application/o/{}/{path}/", client.application.slug);
    let mut scopes: Vec<&str> = client.mappings().into_iter().map(|(_, mapping)| mapping.scope_name.as_str()).collect();
    if !scopes.contains(&OPENID) {
        scopes.push(OPENID);
    }
    let algorithm = signer.key.algorithm().as_str();
    let asymmetric: Vec<&str> = Algorithm::ASYMMETRIC.iter().map(|one| one.as_str()).collect();
    let mut told = json!({
        "issuer": client.issuer(&origin),
        "authorization_endpoint": common("authorize"),
        "token_endpoint": common("token"),
        "userinfo_endpoint": common("userinfo"),
        "end_session_endpoint": own("end-session"),
        "introspection_endpoint": common("introspect"),
        "revocation_endpoint": common("revoke"),
        "device_authorization_endpoint": common("device"),
        "pushed_authorization_request_endpoint": common("par"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "response_types_supported": response_types(),
        "response_modes_supported": Mode::NAMES,
        "jwks_uri": own("jwks"),
        "grant_types_supported": grants(client),
        "id_token_signing_alg_values_supported": [algorithm],
        "authorization_signing_alg_values_supported": [algorithm],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "acr_values_supported": [ACR],
        "scopes_supported": scopes,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_supported": claims(state, client).await?,
        "claims_parameter_supported": true,
        "ui_locales_supported": Locale::ALL,
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": asymmetric,
    });
    if let (Some(_), Some(told)) = (registration::of(client), told.as_object_mut()) {
        told.insert("registration_endpoint".into(), own("register").into());
    }
    if let (true, Some(told)) = (signer.encrypts(), told.as_object_mut()) {
        told.insert("id_token_encryption_alg_values_supported".into(), json!(["RSA-OAEP-256"]));
        told.insert("id_token_encryption_enc_values_supported".into(), json!(["A256CBC-HS512"]));
    }
    Ok(told)
}

/// Grants that the client may use, in the order that clients know.
fn grants(client: &Client<'_>) -> Vec<&'static str> {
    let all = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::Implicit,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::DeviceCode,
        GrantType::TokenExchange,
    ];
    all.into_iter().filter(|grant| client.may_use(*grant)).map(GrantType::as_str).collect()
}

/// Claims that tokens carry, and those that the scopes' mappings make of nobody.
async fn claims(state: &FlowState, client: &Client<'_>) -> Result<Vec<String>, ApiError> {
    let always = ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce"];
    let mut claims: Vec<String> = always.into_iter().map(str::to_owned).collect();
    let (nobody, request) = (nobody(), EventRequest::default());
    let telling = Telling { trial: true, ..Telling::new(state, *client, &nobody, &request) };
    let scopes: Vec<String> = client.scopes().into_iter().map(str::to_owned).collect();
    claims.extend(telling.claims(&scopes).await?.into_iter().map(|(name, _)| name));
    Ok(claims)
}

/// The keys that the client verifies tokens with: those in use, and former ones as long as what they have signed is good.
pub(crate) async fn jwks(State(state): State<FlowState>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if ![Method::GET, Method::HEAD].contains(&parts.method) {
        return wrong_method("GET, HEAD, OPTIONS");
    }
    // Another node may just have begun to sign with a new key.
    if let Err(error) = state.store().refresh_for_api().await {
        return failure(&error.into(), &parts);
    }
    let configuration = state.store().configuration();
    let Some(client) = Client::by_slug(&configuration, &slug) else { return not_found_page(&state, &parts) };
    let mut answer = match client.signer().map(|signer| signer.published(state.ctx().now())) {
        Ok(keys) => json_answer(StatusCode::OK, &json!({"keys": keys})),
        Err(error) => failure(&error, &parts),
    };
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

/// The issuer's own address leads to its metadata.
pub(crate) async fn root(Path(slug): Path<String>) -> Response {
    vestibule_flow::pages::found(&format!("/application/o/{slug}/.well-known/openid-configuration"))
}
