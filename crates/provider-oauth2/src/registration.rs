//! Applications register themselves (RFC 7591), where an administrator lets them: `/application/o/<slug>/register/` of the
//! application whose provider new ones are made after. What is bound to the registration decides who may; a token of this
//! server's API says who asks.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use url::Url;
use vestibule_applications::APPLICATION;
use vestibule_directory::client::describe_request;
use vestibule_flow::{FlowState, Occasion, Question, begin, not_found_page};
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::http::{json_object, read_body};
use vestibule_resource::{Mode, Principal, write_object};

use crate::answer::{fresh, refusal, wrong_method};
use crate::client::Client;
use crate::dynamic_registration::DynamicClientRegistration;
use crate::error::{TokenError, token_error};
use crate::provider::{ClientType, GrantType, LogoutMethod, OAuth2Provider};
use crate::redirect_uri::is_dangerous;

/// Longest name of an application, characters.
const LONGEST_NAME: usize = 100;
/// Most addresses of one.
const MOST_ADDRESSES: usize = 20;
/// Letters of an application's name here.
const ID_LENGTH: usize = 40;
/// Letters of its secret.
const SECRET_LENGTH: usize = 128;

/// The registration that is set up for a client's provider.
pub(crate) fn of<'c>(client: &Client<'c>) -> Option<&'c DynamicClientRegistration> {
    let all = client.configuration.all::<DynamicClientRegistration>();
    all.map(|(_, one)| one).find(|one| one.provider == client.pk())
}

/// The endpoint.
pub(crate) async fn register(
    State(state): State<FlowState>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    let configuration = state.store().configuration();
    let client = Client::by_slug(&configuration, &slug);
    let Some((client, settings)) = client.and_then(|client| Some((client, of(&client)?))) else {
        return not_found_page(&state, &parts);
    };
    if parts.method != Method::POST {
        return wrong_method("POST");
    }
    let principal = match state.api.authenticate.principal(&parts).await {
        Ok(principal) => principal,
        Err(error) => return crate::answer::failure(&error, &parts),
    };
    if let Err(error) = state.limits.address(principal.client_ip) {
        return crate::answer::failure(&error, &parts);
    }
    let Ok(metadata) = json_object(&parts, &body) else {
        return refusal(token_error("invalid_client_metadata"), StatusCode::BAD_REQUEST, &parts);
    };
    let registering = Registering { state: &state, client, settings, principal };
    match registering.run(&metadata, &parts).await {
        Ok(told) => fresh(StatusCode::CREATED, &told),
        Err(error @ TokenError::Said("access_denied", _)) => refusal(error, StatusCode::FORBIDDEN, &parts),
        Err(error) => refusal(error, StatusCode::BAD_REQUEST, &parts),
    }
}

struct Registering<'a> {
    state: &'a FlowState,
    client: Client<'a>,
    settings: &'a DynamicClientRegistration,
    principal: Principal,
}

/// What an application says of itself, as far as it is taken.
struct Metadata {
    name: String,
    method: &'static str,
    grants: Vec<GrantType>,
    addresses: Vec<String>,
    goodbyes: Vec<String>,
    logout: Option<(LogoutMethod, String)>,
}

fn wrong(sentence: impl Into<String>) -> TokenError {
    TokenError::about("invalid_client_metadata", sentence)
}

impl Registering<'_> {
    async fn run(&self, given: &Object, parts: &http::request::Parts) -> Result<Value, TokenError> {
        let metadata = self.read(given)?;
        let request = describe_request(parts, self.client.configuration);
        let known = begin::context([("oauth_client_metadata", Value::Object(given.clone()))]);
        let question = Question {
            target: self.settings.pk,
            mode: self.settings.policy_engine_mode,
            open: true,
            user: self.principal.user(),
        };
        let occasion = Occasion { context: Some(&known), ..Occasion::of(&request) };
        if !self.state.policies.may_pass(self.client.configuration, question, occasion).await?.passing {
            return Err(token_error("access_denied"));
        }
        self.make(&metadata, request).await
    }

    /// RFC 7591, section 2.
    fn read(&self, given: &Object) -> Result<Metadata, TokenError> {
        let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let list = |name: &'static str| match given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) if list.len() <= MOST_ADDRESSES => {
                let texts: Option<Vec<String>> = list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                texts.map(Some).ok_or_else(|| wrong(format!("{name} is not a list of texts")))
            }
            Some(_) => Err(wrong(format!("{name} is not a list of texts"))),
        };
        let method = match text("token_endpoint_auth_method") {
            None | Some("client_secret_basic") => "client_secret_basic",
            Some("client_secret_post") => "client_secret_post",
            Some("none") => "none",
            Some(other) => return Err(wrong(format!("The method {other} is not known"))),
        };
        let named = list("grant_types")?.unwrap_or_else(|| vec!["authorization_code".into()]);
        let allowed = &self.settings.allowed_grant_types;
        let grant = |name: &String| allowed.iter().copied().find(|grant| grant.as_str() == name);
        let grants: Option<Vec<GrantType>> = named.iter().map(grant).collect();
        let grants = grants.ok_or_else(|| wrong("A grant type is not allowed"))?;
        for kind in list("response_types")?.unwrap_or_else(|| vec!["code".into()]) {
            let needs = match kind.as_str() {
                "code" => GrantType::AuthorizationCode,
                "id_token" | "id_token token" => GrantType::Implicit,
                _ => GrantType::Hybrid,
            };
            let by_browser = [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::Hybrid];
            if grants.iter().any(|grant| by_browser.contains(grant)) && !grants.contains(&needs) {
                return Err(wrong(format!("The response type {kind} needs another grant type")));
            }
        }
        let addresses = list("redirect_uris")?.unwrap_or_default();
        let goodbyes = list("post_logout_redirect_uris")?.unwrap_or_default();
        let by_browser = [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::Hybrid];
        if addresses.is_empty() && grants.iter().any(|grant| by_browser.contains(grant)) {
            return Err(TokenError::about("invalid_redirect_uri", "There is no address to send people back to"));
        }
        if let Some(bad) = addresses.iter().chain(&goodbyes).find(|address| !is_address(address)) {
            return Err(TokenError::about("invalid_redirect_uri", format!("Nobody can be sent to {bad}")));
        }
        let behind = text("backchannel_logout_uri").map(|uri| (LogoutMethod::Backchannel, uri.to_owned()));
        let before = || text("frontchannel_logout_uri").map(|uri| (LogoutMethod::Frontchannel, uri.to_owned()));
        let logout = behind.or_else(before);
        if logout.as_ref().is_some_and(|(_, uri)| !uri.starts_with("https://") && !uri.starts_with("http://")) {
            return Err(wrong("A logout address is none of the web"));
        }
        let name: String = text("client_name").unwrap_or("Application").chars().take(LONGEST_NAME).collect();
        Ok(Metadata { name, method, grants, addresses, goodbyes, logout })
    }

    /// Makes provider and application, or neither.
    async fn make(&self, metadata: &Metadata, request: vestibule_events::Request) -> Result<Value, TokenError> {
        let Self { state, client, settings, .. } = self;
        let (api, ctx) = (&state.api, state.ctx());
        let principal = Principal {
            actor: if self.principal.is_anonymous() { Actor::System } else { self.principal.actor.clone() },
            superuser: true,
            request,
            ..Principal::anonymous(self.principal.client_ip)
        };
        let base = &client.provider.provider;
        let id = ctx.token(ID_LENGTH);
        let secret = if metadata.method == "none" { String::new() } else { ctx.token(SECRET_LENGTH) };
        let address = |kind: &'static str| move |url: &String| json!({"matching_mode": "strict", "url": url, "redirect_uri_type": kind});
        let addresses: Vec<Value> = (metadata.addresses.iter().map(address("authorization")))
            .chain(metadata.goodbyes.iter().map(address("logout")))
            .collect();
        let mappings = match settings.override_property_mappings.as_slice() {
            [] => &base.property_mappings,
            own => own,
        };
        let public = metadata.method == "none";
        let (method, uri) = metadata.logout.clone().unwrap_or((LogoutMethod::Backchannel, String::new()));
        // Names are unique, and everybody may choose theirs.
        let name = format!("{} ({})", metadata.name, id.get(..8).unwrap_or_default());
        let grants: Vec<&str> = metadata.grants.iter().map(|grant| grant.as_str()).collect();
        let provider = json!({
            "name": name,
            "client_id": id,
            "client_secret": secret,
            "client_type": if public { ClientType::Public } else { ClientType::Confidential }.as_str(),
            "grant_types": grants,
            "redirect_uris": addresses,
            "logout_uri": uri,
            "logout_method": method.as_str(),
            "authentication_flow": base.authentication_flow,
            "authorization_flow": settings.override_authorization_flow.or(base.authorization_flow),
            "invalidation_flow": settings.override_invalidation_flow.or(base.invalidation_flow),
            "property_mappings": mappings,
            "signing_key": client.provider.signing_key,
            "access_token_validity": settings.access_token_validity,
            "refresh_token_validity": settings.refresh_token_validity,
        });
        let slug = format!("registered-{}", id.get(..12).unwrap_or_default().to_lowercase());
        let kind = |model: &str| {
            api.registry.kind(model).cloned().ok_or_else(|| ApiError::internal("a kind that is not there"))
        };
        let mut change = state.store().change(principal.actor.clone()).await?;
        let body = provider.as_object().cloned().unwrap_or_default();
        let model = kind(<OAuth2Provider as vestibule_store::DocumentType>::KIND)?;
        let made = write_object(&mut change, &api.registry, ctx, &principal, &model, None, &body, Mode::Create).await;
        let made = made.map_err(refused)?;
        let application = json!({
            "name": name, "slug": slug, "provider": made.get("pk"), "group": settings.default_application_group,
        });
        let body = application.as_object().cloned().unwrap_or_default();
        let model = kind(APPLICATION)?;
        let made = write_object(&mut change, &api.registry, ctx, &principal, &model, None, &body, Mode::Create).await;
        made.map_err(refused)?;
        change.commit().await?;
        let mut told = json!({
            "client_id": id,
            "client_id_issued_at": ctx.now().timestamp(),
            "client_name": metadata.name,
            "redirect_uris": metadata.addresses,
            "post_logout_redirect_uris": metadata.goodbyes,
            "grant_types": grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": metadata.method,
        });
        if let (false, Some(told)) = (public, told.as_object_mut()) {
            told.insert("client_secret".into(), secret.into());
            told.insert("client_secret_expires_at".into(), 0.into());
        }
        Ok(told)
    }
}

/// What the engine does not take, in the protocol's words.
fn refused(error: ApiError) -> TokenError {
    match error {
        ApiError::Invalid(errors) => wrong(errors.to_json().to_string()),
        other => TokenError::Failed(other),
    }
}

/// Whether an application may have people sent to an address: of the web over TLS, of the machine that it runs on, or of a
/// scheme of its own (RFC 8252, section 7).
fn is_address(address: &str) -> bool {
    if is_dangerous(address) || address.contains(['#', '*']) || address.chars().any(char::is_control) {
        return false;
    }
    let Ok(url) = Url::parse(address) else { return false };
    match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        own => own.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_of_the_web_of_the_machine_or_of_the_application() {
        for good in ["https://a.example/cb", "http://localhost:8080/cb", "http://127.0.0.1/cb", "com.example.app:/cb"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["http://a.example/cb", "javascript:alert(1)", "https://*.example/", "https://a/#x", "myapp:/cb", ""]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
