//! `/application/o/token/`: a client exchanges what it has been allowed for tokens (RFC 6749, section 3.2).

mod client_credentials;
mod code;
pub(crate) mod device;
pub(crate) mod dpop;
mod exchange;
mod federation;
pub(crate) mod issue;
pub(crate) mod program;
mod refresh;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_applications::access;
use vestibule_directory::client::describe_request;
use vestibule_directory::{ClientInfo, UserRow};
use vestibule_flow::{FlowState, Occasion, begin};
use vestibule_kernel::Object;
use vestibule_resource::http::read_body;

use crate::answer::{allow_origin, fresh, refusal, wrong_method};
use crate::client::Client;
use crate::error::{TokenError, token_error};
use crate::parameters::{Credentials, Parameters};
use crate::provider::GrantType;

/// A request for tokens, of a client that is known.
pub(crate) struct Asking<'a> {
    pub state: &'a FlowState,
    pub client: Client<'a>,
    pub credentials: Credentials,
    pub form: Parameters,
    pub origin: String,
    /// The request, as events tell of it.
    pub request: vestibule_events::Request,
    /// The thumbprint of the key that the client has proved to hold.
    pub proof: Option<String>,
}

impl Asking<'_> {
    /// That the client is who it says: a confidential one by its secret, a public one by its name alone.
    pub(crate) fn authenticate(&self) -> Result<(), TokenError> {
        let known = !self.client.is_confidential() || self.client.is_secret(&self.credentials);
        if known { Ok(()) } else { Err(token_error("invalid_client")) }
    }

    /// That the client may get its tokens this way.
    pub(crate) fn allowed(&self, grant: GrantType) -> Result<(), TokenError> {
        if self.client.may_use(grant) { Ok(()) } else { Err(token_error("unauthorized_client")) }
    }

    /// The scopes that are asked for, as far as they are set up.
    pub(crate) fn scope(&self) -> Vec<String> {
        let known = self.client.scopes();
        self.form.scope().into_iter().filter(|one| known.contains(one.as_str())).collect()
    }

    /// That this user may open the application, and may sign in at all.
    pub(crate) async fn permitted(&self, user: &UserRow, scope: &[String], more: Object) -> Result<(), TokenError> {
        if !user.is_active {
            return Err(token_error("invalid_grant"));
        }
        let mut known = begin::context([
            ("oauth_scopes", json!(scope)),
            ("oauth_grant_type", self.form.text("grant_type").into()),
            ("oauth_code_verifier", self.form.get("code_verifier").into()),
        ]);
        known.extend(more);
        let occasion = Occasion { context: Some(&known), ..Occasion::of(&self.request) };
        let client = &self.client;
        let verdict =
            access::check(&self.state.policies, client.configuration, client.application, Some(user.pk), occasion)
                .await?;
        if verdict.passing { Ok(()) } else { Err(token_error("invalid_grant")) }
    }

    /// The user of this key.
    pub(crate) async fn user(&self, pk: i64) -> Result<UserRow, TokenError> {
        self.state.users.by_pk(pk).await?.ok_or_else(|| token_error("invalid_grant"))
    }
}

/// The endpoint.
pub(crate) async fn token(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match parts.method {
        Method::OPTIONS => return allow_origin(fresh(StatusCode::OK, &json!({})), &parts, None),
        Method::POST => {}
        _ => return wrong_method("POST, OPTIONS"),
    }
    let configuration = state.store().configuration();
    let form = Parameters::of_form(&parts, &body);
    let credentials = Credentials::of(&parts, &form);
    let Some(client) = Client::by_client_id(&configuration, &credentials.client_id) else {
        return refusal(token_error("invalid_client"), StatusCode::BAD_REQUEST, &parts);
    };
    let answer = match grant(&state, client, credentials, form, &parts).await {
        Ok(answer) => fresh(StatusCode::OK, &Value::Object(answer)),
        Err(error) => refusal(error, StatusCode::BAD_REQUEST, &parts),
    };
    allow_origin(answer, &parts, Some(client))
}

async fn grant(
    state: &FlowState,
    client: Client<'_>,
    credentials: Credentials,
    form: Parameters,
    parts: &Parts,
) -> Result<Object, TokenError> {
    if let Some(name) = &form.repeated {
        return Err(TokenError::about("invalid_request", format!("The parameter {name} was given twice")));
    }
    let info = ClientInfo::of(parts);
    let origin = info.origin();
    let here = format!("{origin}{}", parts.uri.path());
    let proof = dpop::proof(state, parts, &here, None).await?;
    let request = describe_request(parts, client.configuration);
    let asking = Asking { state, client, credentials, form, origin, request, proof };
    match asking.form.text("grant_type") {
        "authorization_code" => code::grant(&asking).await,
        "refresh_token" => refresh::grant(&asking).await,
        "client_credentials" => client_credentials::grant(&asking, GrantType::ClientCredentials).await,
        "password" => client_credentials::grant(&asking, GrantType::Password).await,
        "urn:ietf:params:oauth:grant-type:device_code" => device::grant(&asking).await,
        "urn:ietf:params:oauth:grant-type:token-exchange" => exchange::grant(&asking).await,
        _ => Err(token_error("unsupported_grant_type")),
    }
}
