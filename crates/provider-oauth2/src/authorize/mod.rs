//! `/application/o/authorize/`: somebody is sent here by an application, signs in if they have not, is asked what their
//! flow asks, and goes back with a code or with tokens (RFC 6749, section 4.1; OpenID Connect Core, section 3).

mod fulfil;
pub(crate) mod mode;
pub(crate) mod request;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use vestibule_applications::access;
use vestibule_directory::session::Session;
use vestibule_events::Event;
use vestibule_flow::begin::{APPLICATION_NAME, Begin, Begun, CONSENT, CONSENT_MODEL, context, login_flow};
use vestibule_flow::pages::{self, Arrived, arrive, denied, error_page, found, html, see_other, shell};
use vestibule_flow::{Flow, FlowState, Occasion};
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_store::Durability;

pub(crate) use fulfil::{BUILT_IN, FULFIL, granted, span};

use self::mode::Ready;
use self::request::{AuthorizationRequest, Refused, refuse};
use crate::claims::subject;
use crate::client::Client;
use crate::hint::Hint;
use crate::parameters::Parameters;
use crate::pushed;

/// Where a session notes at which login it was asked to sign in anew.
const ASKED_AT: &str = "goauthentik.io/providers/oauth2/login";
/// Where the plan keeps the request.
const REQUEST: &str = "goauthentik.io/providers/oauth2/params";

/// The endpoint, as its own applications call it.
pub(crate) async fn authorize(State(state): State<FlowState>, request: Request<Body>) -> Response {
    answer(&state, request, false).await
}

/// The same for applications that believe to speak to GitHub.
pub(crate) async fn github(State(state): State<FlowState>, request: Request<Body>) -> Response {
    answer(&state, request, true).await
}

async fn answer(state: &FlowState, request: Request<Body>, github: bool) -> Response {
    let query = |parts: &http::request::Parts| parts.uri.query().unwrap_or_default().to_owned();
    let mut arrived = match arrive(state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    if arrived.parts.method == Method::POST {
        return by_query(&arrived);
    }
    match run(state, &mut arrived, github).await {
        Ok(response) => response,
        Err(error) => {
            if let ApiError::Internal(cause) = &error {
                tracing::error!(error = %cause, "an authorization failed");
            }
            error_page(state, &arrived.visit, &arrived.parts, error.status())
        }
    }
}

/// A form is sent on as an address: a session's cookie does not come with a form from another site.
fn by_query(arrived: &Arrived) -> Response {
    let form = Parameters::of_form(&arrived.parts, &arrived.body);
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form.pairs());
    see_other(&format!("{}?{}", arrived.parts.uri.path(), text.finish()))
}

async fn run(state: &FlowState, arrived: &mut Arrived, github: bool) -> Result<Response, ApiError> {
    let configuration = state.store().configuration();
    let mut given = Parameters::of(&arrived.visit.query_text);
    let Some(client) = Client::by_client_id(&configuration, given.text("client_id")) else {
        let sentence = format!("Invalid client identifier: {}.", given.text("client_id"));
        note(state, arrived, "Client ID Error", &sentence).await?;
        return Ok(explain(state, arrived, "client"));
    };
    if let Some(address) = given.get("request_uri").filter(|address| pushed::is_ours(address)).map(str::to_owned) {
        match pushed::take(state, &client, &address).await? {
            Some(parameters) => {
                given = parameters;
                arrived.visit.query_text = on_the_way(&given, &address);
            }
            None => return Ok(explain(state, arrived, "pushed")),
        }
    }
    let asked = match AuthorizationRequest::read(&client, &given, github) {
        Ok(asked) => asked,
        Err(refused) => return refused_answer(state, arrived, &client, refused).await,
    };
    let Some(user) = arrived.session.user.clone() else {
        if asked.prompts("none") {
            return refused_answer(state, arrived, &client, refuse(&asked.respond, "login_required")).await;
        }
        return to_login(state, arrived, &client).await;
    };
    let hint = match given.get("id_token_hint") {
        Some(hint) => Hint::read(state, &client, hint).await?,
        None => Some(Hint::Closed),
    };
    let somebody_else = match hint {
        Some(Hint::Closed) => false,
        Some(Hint::Subject(named)) => {
            let row = state.users.by_pk(user.pk).await?;
            row.is_none_or(|row| subject(client.provider, &row) != named)
        }
        None => return refused_answer(state, arrived, &client, refuse(&asked.respond, "invalid_request")).await,
    };
    let noted = arrived.session.data.get(ASKED_AT).cloned();
    let anew = must_sign_in_anew(state, &mut arrived.session, &asked, somebody_else);
    if anew && asked.prompts("none") {
        return refused_answer(state, arrived, &client, refuse(&asked.respond, "login_required")).await;
    }
    if noted.as_ref() != arrived.session.data.get(ASKED_AT) {
        state.sessions.save(&mut arrived.session).await?;
    }
    if anew {
        return to_login(state, arrived, &client).await;
    }
    if somebody_else {
        return refused_answer(state, arrived, &client, refuse(&asked.respond, "login_required")).await;
    }
    let policies = &state.policies;
    let known = policy_context(&asked);
    let occasion = Occasion { context: Some(&known), ..Occasion::of(&arrived.visit.request) };
    let verdict = access::check(policies, &configuration, client.application, Some(user.pk), occasion).await?;
    if !verdict.passing {
        return Ok(denied(state, arrived, &verdict.messages));
    }
    begin(state, arrived, &client, asked).await
}

/// What the pages on the way know of a request that was sent beforehand: what it says to people, not to this server.
fn on_the_way(given: &Parameters, name: &str) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.append_pair("client_id", given.text("client_id")).append_pair("request_uri", name);
    for (name, value) in ["login_hint", "ui_locales"].iter().filter_map(|name| Some((name, given.get(name)?))) {
        text.append_pair(name, value);
    }
    text.finish()
}

/// What policies of the application may look at.
fn policy_context(asked: &AuthorizationRequest) -> Object {
    let (challenge, method) = asked.challenge.clone().unzip();
    context([
        ("oauth_scopes", json!(asked.scope)),
        ("oauth_grant_type", if asked.asks_for("code") { "authorization_code" } else { "implicit" }.into()),
        ("oauth_code_challenge", challenge.into()),
        ("oauth_code_challenge_method", method.into()),
        ("oauth_max_age", asked.max_age.into()),
        ("oauth_redirect_uri", asked.redirect_uri.clone().into()),
        ("oauth_response_type", asked.response_type.join(" ").into()),
    ])
}

/// Walks the provider's authorization flow, whose end is the answer.
async fn begin(
    state: &FlowState,
    arrived: &mut Arrived,
    client: &Client<'_>,
    asked: AuthorizationRequest,
) -> Result<Response, ApiError> {
    let flow = client.provider.provider.authorization_flow.and_then(|pk| client.configuration.get::<Flow>(pk));
    let flow = flow.ok_or_else(ApiError::not_found)?;
    let silent = asked.prompts("none");
    let respond = asked.respond.clone();
    let known = context([
        ("is_sso", true.into()),
        (APPLICATION_NAME, client.application.name.clone().into()),
        ("application_pk", client.application.pk.to_string().into()),
        ("consent_header", format!("You're about to sign into {}.", client.application.name).into()),
        ("consent_permissions", permissions(client, &asked.scope).into()),
        ("consent_again", asked.prompts("consent").into()),
        (REQUEST, serde_json::to_value(&asked).map_err(ApiError::internal)?),
    ]);
    let begin = Begin {
        context: known,
        required: asked.prompts("consent").then_some((CONSENT_MODEL, CONSENT)),
        last: Some(FULFIL),
        query: arrived.visit.query_text.clone(),
        silent,
        ..Begin::new(flow)
    };
    match begin.go(state, arrived).await? {
        Begun::Led(response) => Ok(response),
        Begun::WouldAsk(component) => {
            let code = if component == "ak-stage-consent" { "consent_required" } else { "interaction_required" };
            refused_answer(state, arrived, client, refuse(&respond, code)).await
        }
        Begun::NotForThem(messages) if silent => {
            tracing::debug!(?messages, "an authorization flow is not for this person");
            refused_answer(state, arrived, client, refuse(&respond, "interaction_required")).await
        }
        Begun::NotForThem(messages) => Ok(denied(state, arrived, &messages)),
    }
}

/// What people read of what the application wants to know.
pub(crate) fn permissions(client: &Client<'_>, scope: &[String]) -> Vec<Value> {
    let asked = client.mappings().into_iter().filter(|(_, mapping)| scope.contains(&mapping.scope_name));
    let mut permissions: Vec<Value> =
        asked.map(|(_, mapping)| json!({"id": mapping.scope_name, "name": mapping.description})).collect();
    for one in scope {
        let name = match one.as_str() {
            "user" | "read:user" => "GitHub Compatibility: Access your User Information",
            "user:email" => "GitHub Compatibility: Access you Email addresses",
            "read:org" => "GitHub Compatibility: Access your Groups",
            _ => continue,
        };
        permissions.push(json!({"id": one, "name": name}));
    }
    permissions
}

/// Whether they have to sign in again, because the application says so or means somebody else: once a request, not once
/// more on the way back.
fn must_sign_in_anew(
    state: &FlowState,
    session: &mut Session,
    asked: &AuthorizationRequest,
    somebody_else: bool,
) -> bool {
    let Some(login) = session.login() else { return true };
    let age = (state.ctx().now() - login.at).num_seconds();
    let too_old = asked.max_age.is_some_and(|most| age > most);
    let prompted = asked.prompts("login") || asked.prompts("select_account");
    let demanded = somebody_else || prompted || asked.max_age == Some(0);
    if !(too_old || demanded) {
        return false;
    }
    let asked_at = session.data.get(ASKED_AT).and_then(Value::as_str).map(str::to_owned);
    if asked_at.is_some_and(|before| before != login.id) && (demanded || !too_old) {
        session.data.remove(ASKED_AT);
        return false;
    }
    session.data.insert(ASKED_AT.into(), login.id.into());
    true
}

/// To the login, and back here afterwards.
async fn to_login(state: &FlowState, arrived: &Arrived, client: &Client<'_>) -> Result<Response, ApiError> {
    let own = client.provider.provider.authentication_flow;
    let flow = login_flow(state, arrived, own).await?.ok_or_else(ApiError::not_found)?;
    let query = &arrived.visit.query_text;
    // What leads elsewhere, or opens a flow, is not the application's to say.
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !["next", "flow_token"].contains(&pair.split('=').next().unwrap_or_default()))
        .collect();
    let here = arrived.parts.uri.path_and_query().map_or("/", |whole| whole.as_str());
    let next = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
    Ok(found(&format!("/if/flow/{}/?{}&{next}", flow.slug, kept.join("&"))))
}

/// The answer to a request that is not carried out.
async fn refused_answer(
    state: &FlowState,
    arrived: &Arrived,
    client: &Client<'_>,
    refused: Refused,
) -> Result<Response, ApiError> {
    match refused {
        Refused::Here { title, sentence } => {
            note(state, arrived, title, sentence).await?;
            Ok(explain(state, arrived, "redirect"))
        }
        Refused::Client(respond, code, sentence) => {
            let parameters = vec![("error".into(), code.into()), ("error_description".into(), sentence)];
            let now = state.ctx().now().timestamp();
            let ready = respond.with(client, &arrived.visit.client.origin(), now, parameters)?;
            Ok(send(state, arrived, client, ready))
        }
    }
}

/// Sends an answer to the client.
fn send(state: &FlowState, arrived: &Arrived, client: &Client<'_>, ready: Ready) -> Response {
    match ready {
        Ready::Address(address) => found(&address),
        Ready::Form(url, fields) => {
            let configuration = state.store().configuration();
            let mut shell = shell(&configuration, &arrived.visit, &client.application.name);
            shell.form_targets = vestibule_web::form_target(&url).into_iter().collect();
            let attrs: Object = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
            let content = json!({"component": "ak-stage-autosubmit", "url": url, "attrs": attrs});
            html(state, "ak-stage-autosubmit", &shell, &content, StatusCode::OK)
        }
    }
}

/// A page that says why nobody can be sent back.
fn explain(state: &FlowState, arrived: &Arrived, what: &str) -> Response {
    pages::explain(state, arrived, what, None, StatusCode::BAD_REQUEST)
}

/// An event for administrators: an application is set up badly, or somebody tries something.
async fn note(state: &FlowState, arrived: &Arrived, error: &str, sentence: &str) -> Result<(), ApiError> {
    let actor = arrived.session.user.as_ref().map_or(Actor::Anonymous, vestibule_directory::SessionUser::actor);
    let event = Event::new("configuration_error", "authentik.providers.oauth2.views.authorize", actor)
        .context(json!({"message": sentence, "error": error, "cause": null}))
        .request(&arrived.visit.request);
    let mut transaction = state.store().database().gather(Durability::Process);
    event.write(state.ctx(), &mut transaction).await?;
    Ok(transaction.commit().await?)
}
