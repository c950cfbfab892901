//! Devices without a browser (RFC 8628): one shows a code, somebody types it in elsewhere and allows the rest.

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use vestibule_applications::access;
use vestibule_directory::{Brand, current_brand};
use vestibule_events::Event;
use vestibule_flow::begin::{APPLICATION_NAME, Begin, Begun, context, login_flow};
use vestibule_flow::pages::{Arrived, arrive, error_page, found};
use vestibule_flow::{Answer, AnswerErrors, BuiltIn, Enter, Flow, FlowState, Occasion, Outcome, Stage, StageCx, Take};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::read_body;
use vestibule_store::{Configuration, Durability};

use crate::answer::{allow_origin, fresh, refusal, wrong_method};
use crate::authorize::{granted, permissions, span};
use crate::client::Client;
use crate::error::{TokenError, token_error};
use crate::grants::Granted;
use crate::parameters::{Credentials, Parameters};
use crate::provider::GrantType;

/// Names the stage that asks for the code.
const ASK: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e03");
/// Names the stage that says that it is done.
const DONE: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e04");
/// Where the plan keeps which device somebody allows.
const DEVICE: &str = "goauthentik.io/providers/oauth2/device";
/// Digits of the code that people type: as many as a television shows well.
const CODE_DIGITS: usize = 9;
/// How often a device may ask, seconds.
const INTERVAL: i64 = 5;

/// What comes of a device's question.
pub(crate) enum Polled {
    /// There is no such code.
    Unknown,
    /// It is too late.
    Expired,
    /// Nobody has typed it in yet.
    Pending,
    /// It asked a moment ago.
    TooSoon,
    /// Somebody has allowed it. It is used up.
    Allowed(Box<Allowed>),
}

/// What somebody has allowed a device.
pub(crate) struct Allowed {
    pub user: i64,
    pub scope: Vec<String>,
    pub granted: Granted,
}

/// A device asks.
pub(crate) async fn poll(state: &FlowState, provider: i64, code: &str) -> Result<Polled, ApiError> {
    let (store, now) = (state.store(), state.ctx().now());
    let hash = store.keys().lookup_hash(code);
    let mut transaction = store.database().begin(Durability::Process).await?;
    let sql = "SELECT id, user_id, scope, expires, polled, granted FROM oauth2_device_codes \
               WHERE device_hash = $1 AND provider = $2";
    let Some(row) = transaction.query_one(sql, vec![hash.into(), provider.into()]).await? else {
        return Ok(Polled::Unknown);
    };
    let id = row.int("id")?;
    if row.time("expires")? <= now {
        return Ok(Polled::Expired);
    }
    let Some(user) = row.optional_int("user_id")? else {
        let last = row.optional_time("polled")?;
        let sql = "UPDATE oauth2_device_codes SET polled = $1 WHERE id = $2";
        transaction.execute(sql, vec![now.into(), id.into()]).await?;
        transaction.commit().await?;
        let soon = last.is_some_and(|last| now - last < TimeDelta::seconds(INTERVAL - 1));
        return Ok(if soon { Polled::TooSoon } else { Polled::Pending });
    };
    // Of two questions at once, one has the answer.
    let sql = "DELETE FROM oauth2_device_codes WHERE id = $1";
    if transaction.execute(sql, vec![id.into()]).await? == 0 {
        return Ok(Polled::Unknown);
    }
    transaction.commit().await?;
    let scope = row.text("scope")?.split_whitespace().map(str::to_owned).collect();
    let granted = serde_json::from_value(row.json("granted")?).unwrap_or_default();
    Ok(Polled::Allowed(Box::new(Allowed { user, scope, granted })))
}

/// `/application/o/device/`: a device gets its codes.
pub(crate) async fn authorization(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let (parts, body) = match read_body(request, state.api.body_limit).await {
        Ok(read) => read,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match parts.method {
        Method::OPTIONS => return allow_origin(fresh(StatusCode::OK, &json!({})), &parts, None),
        Method::POST => {}
        _ => return wrong_method("POST, OPTIONS"),
    }
    let info = vestibule_directory::ClientInfo::of(&parts);
    if let Err(error) = state.limits.address(info.ip) {
        return crate::answer::failure(&error, &parts);
    }
    let form = Parameters::of_form(&parts, &body);
    let credentials = Credentials::of(&parts, &form);
    let configuration = state.store().configuration();
    let client = Client::by_client_id(&configuration, &credentials.client_id);
    let answer = match client {
        Some(client) => begin(&state, &client, &credentials, &form, &info.origin()).await,
        None => Err(token_error("invalid_client")),
    };
    let answer = match answer {
        Ok(answer) => fresh(StatusCode::OK, &answer),
        Err(error) => refusal(error, StatusCode::BAD_REQUEST, &parts),
    };
    allow_origin(answer, &parts, client)
}

async fn begin(
    state: &FlowState,
    client: &Client<'_>,
    credentials: &Credentials,
    form: &Parameters,
    origin: &str,
) -> Result<Value, TokenError> {
    if !client.may_use(GrantType::DeviceCode) {
        return Err(token_error("unauthorized_client"));
    }
    if !credentials.secret.is_empty() && client.is_confidential() && !client.is_secret(credentials) {
        return Err(token_error("invalid_client"));
    }
    let (store, ctx) = (state.store(), state.ctx());
    let known = client.scopes();
    let asked = form.scope();
    let scope: Vec<String> = asked.into_iter().filter(|one| known.contains(one.as_str())).collect();
    let lasts = span(&client.provider.access_code_validity);
    let device_code = ctx.token(128);
    for _ in 0..8 {
        let user_code = digits(ctx);
        let sql = "INSERT INTO oauth2_device_codes (device_hash, user_code, provider, scope, expires) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_code) DO NOTHING";
        let params = vec![
            store.keys().lookup_hash(&device_code).into(),
            user_code.as_str().into(),
            client.pk().into(),
            scope.join(" ").into(),
            (ctx.now() + lasts).into(),
        ];
        if store.database().execute(Durability::Process, sql, params).await? == 1 {
            return Ok(json!({
                "device_code": device_code,
                "verification_uri": format!("{origin}/device"),
                "verification_uri_complete": format!("{origin}/device?code={user_code}"),
                "user_code": user_code,
                "expires_in": lasts.num_seconds(),
                "interval": INTERVAL,
            }));
        }
    }
    Err(ApiError::internal("no code for a device is free").into())
}

fn digits(ctx: &vestibule_kernel::Ctx) -> String {
    let number = u64::from_be_bytes(ctx.bytes::<8>());
    let width = CODE_DIGITS;
    format!("{:0width$}", number % 10_u64.pow(u32::try_from(width).unwrap_or(9)))
}

/// `/device`: somebody types a code in, or has it in the address already.
pub(crate) async fn enter(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let query = |parts: &http::request::Parts| parts.uri.query().unwrap_or_default().to_owned();
    let mut arrived = match arrive(&state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match entered(&state, &mut arrived).await {
        Ok(response) => response,
        Err(error) => error_page(&state, &arrived.visit, &arrived.parts, error.status()),
    }
}

async fn entered(state: &FlowState, arrived: &mut Arrived) -> Result<Response, ApiError> {
    if arrived.session.user.is_none() {
        let flow = login_flow(state, arrived, None).await?.ok_or_else(ApiError::not_found)?;
        let here = arrived.parts.uri.path_and_query().map_or("/device", |whole| whole.as_str());
        let next = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
        return Ok(found(&format!("/if/flow/{}/?{next}", flow.slug)));
    }
    let configuration = state.store().configuration();
    let brand = current_brand(&configuration, &arrived.visit.client.host_name());
    let flow = brand.and_then(|brand| configuration.get::<Flow>(brand.get::<Brand>()?.flow_device_code?));
    let flow = flow.ok_or_else(ApiError::not_found)?;
    if let Some(code) = arrived.visit.query.get("code").map(str::to_owned)
        && let Some((known, flow)) = allow(state, &configuration, &code, arrived).await?
    {
        let begin = Begin { context: known, last: Some(DONE), ..Begin::new(&flow) };
        return Ok(match begin.go(state, arrived).await? {
            Begun::Led(response) => response,
            Begun::NotForThem(_) | Begun::WouldAsk(_) => error_page(state, &arrived.visit, &arrived.parts, 403),
        });
    }
    match (Begin { last: Some(ASK), ..Begin::new(flow) }).go(state, arrived).await? {
        Begun::Led(response) => Ok(response),
        Begun::NotForThem(_) | Begun::WouldAsk(_) => Err(ApiError::not_found()),
    }
}

/// What the authorization flow of a code's client has to know, and the flow; `None`: there is no such code, or it is not for
/// them.
async fn allow(
    state: &FlowState,
    configuration: &Configuration,
    code: &str,
    arrived: &Arrived,
) -> Result<Option<(Object, Flow)>, ApiError> {
    let user = arrived.session.user.as_ref().map(|user| user.pk);
    find(state, configuration, code, user, &arrived.visit.request, arrived.visit.client.ip).await
}

async fn find(
    state: &FlowState,
    configuration: &Configuration,
    code: &str,
    user: Option<i64>,
    request: &vestibule_events::Request,
    address: std::net::IpAddr,
) -> Result<Option<(Object, Flow)>, ApiError> {
    // So few digits could be guessed, one after the other.
    state.limits.address(address)?;
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    let sql = "SELECT id, provider, scope FROM oauth2_device_codes \
               WHERE user_code = $1 AND expires > $2 AND user_id IS NULL";
    let params = vec![code.into(), state.ctx().now().into()];
    let Some(row) = state.store().database().query_one(sql, params).await? else { return Ok(None) };
    let Some(client) = Client::by_number(configuration, row.int("provider")?) else { return Ok(None) };
    let scope: Vec<String> = row.text("scope")?.split_whitespace().map(str::to_owned).collect();
    let known = context([("oauth_scopes", json!(scope)), ("oauth_grant_type", GrantType::DeviceCode.as_str().into())]);
    let occasion = Occasion { context: Some(&known), ..Occasion::of(request) };
    if !access::check(&state.policies, configuration, client.application, user, occasion).await?.passing {
        return Ok(None);
    }
    let flow = client.provider.provider.authorization_flow.and_then(|pk| configuration.get::<Flow>(pk)).cloned();
    let known = context([
        ("is_sso", true.into()),
        (APPLICATION_NAME, client.application.name.clone().into()),
        ("application_pk", client.application.pk.to_string().into()),
        ("consent_header", format!("You're about to sign into {}.", client.application.name).into()),
        ("consent_permissions", permissions(&client, &scope).into()),
        (DEVICE, row.int("id")?.into()),
    ]);
    Ok(flow.map(|flow| (known, flow)))
}

/// Asks for the code of a device.
struct AskCode;

/// As the executor knows them.
pub(crate) const BUILT_IN: [BuiltIn; 2] = [
    BuiltIn {
        pk: ASK,
        component: "ak-provider-oauth2-device-code",
        page: Some(include_str!("device_code.html")),
        stage: &AskCode,
        sample: || json!({"component": "ak-provider-oauth2-device-code"}),
    },
    BuiltIn {
        pk: DONE,
        component: "ak-provider-oauth2-device-code-finish",
        page: Some(include_str!("device_done.html")),
        stage: &Finish,
        sample: || json!({"component": "ak-provider-oauth2-device-code-finish"}),
    },
];

#[async_trait]
impl Stage for AskCode {
    async fn challenge(&self, _: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(Enter::Ask(context([("component", "ak-provider-oauth2-device-code".into())])))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let take = Take { required: true, ..Take::OPTIONAL };
        let Some(code) = answer.text("code", take, &mut errors) else { return Ok(Outcome::Invalid(errors)) };
        let user = cx.session.user.as_ref().map(|user| user.pk);
        let (state, request, address) = (cx.state, &cx.visit.request, cx.visit.client.ip);
        match find(state, cx.configuration, &code, user, request, address).await? {
            // The address brings it from there on, as if it had been opened with the code in it.
            Some(_) => {
                let code: String = code.chars().filter(char::is_ascii_digit).collect();
                Ok(Outcome::Redirect(format!("/device?code={code}")))
            }
            None => Ok(Outcome::Invalid(AnswerErrors::one("code", "Invalid code", "invalid"))),
        }
    }
}

/// Notes that whoever walks the flow has allowed the device, and says so.
struct Finish;

#[async_trait]
impl Stage for Finish {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let device = cx.plan.context.get(DEVICE).and_then(Value::as_i64);
        let user = cx.session.user.as_ref().filter(|user| cx.plan.user() == Some(user.pk));
        let (Some(device), Some(user)) = (device, user) else {
            return Ok(Enter::Deny("There is nothing to authorize.".into()));
        };
        let (store, ctx) = (cx.state.store(), cx.state.ctx());
        let granted = serde_json::to_value(granted(cx.session, ctx.now().timestamp())).unwrap_or_default();
        let event = Event::new("authorize_application", "authentik.providers.oauth2.views.device", user.actor())
            .context(json!({
                "authorized_application": {
                    "pk": cx.plan.context.get("application_pk"), "app": "authentik_core",
                    "name": cx.plan.context.get(APPLICATION_NAME), "model_name": "application",
                },
                "flow": cx.flow.pk.simple().to_string(),
            }))
            .request(&cx.visit.request);
        let mut transaction = store.database().begin(Durability::Process).await?;
        // Once: what somebody has allowed is nobody else's to change.
        let sql = "UPDATE oauth2_device_codes SET user_id = $1, granted = $2 \
                   WHERE id = $3 AND user_id IS NULL AND expires > $4";
        let params = vec![user.pk.into(), granted.into(), device.into(), ctx.now().into()];
        if transaction.execute(sql, params).await? == 0 {
            return Ok(Enter::Deny("The code has expired.".into()));
        }
        event.write(ctx, &mut transaction).await?;
        transaction.commit().await?;
        Ok(Enter::Last(context([("component", "ak-provider-oauth2-device-code-finish".into())])))
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(Outcome::Again)
    }
}
