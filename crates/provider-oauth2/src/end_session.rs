//! `/application/o/<slug>/end-session/`: somebody has signed out of an application (OpenID Connect RP-Initiated Logout).

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use vestibule_applications::tile;
use vestibule_flow::begin::{APPLICATION_NAME, Begin, Begun, FAREWELL, FAREWELL_FRAMES, context, logout_flow};
use vestibule_flow::pages::{Arrived, arrive, error_page, found, see_other};
use vestibule_flow::{Answer, BuiltIn, Enter, Flow, FlowState, Outcome, Stage, StageCx};
use vestibule_kernel::{ApiError, Object};

use crate::client::Client;
use crate::grants::end_session;
use crate::hint::Hint;
use crate::logout;
use crate::parameters::Parameters;
use crate::redirect_uri::is_registered;

/// Names the stage at the end.
const END: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e05");
/// Names the stage at the end that leads back to the application.
const BACK: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e07");
/// Where the plan keeps where the application wants people to go.
const ONWARD: &str = "goauthentik.io/providers/oauth2/post_logout_redirect_uri";

/// The endpoint.
pub(crate) async fn end(State(state): State<FlowState>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    let query = |parts: &http::request::Parts| parts.uri.query().unwrap_or_default().to_owned();
    let mut arrived = match arrive(&state, request, query).await {
        Ok(arrived) => arrived,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    if arrived.parts.method == Method::POST {
        // A session's cookie does not come with a form from another site.
        let form = Parameters::of_form(&arrived.parts, &arrived.body);
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(form.pairs());
        return see_other(&format!("{}?{}", arrived.parts.uri.path(), text.finish()));
    }
    match ended(&state, &slug, &mut arrived).await {
        Ok(response) => response,
        Err(error) => {
            if let ApiError::Internal(cause) = &error {
                tracing::error!(error = %cause, "the end of a session failed");
            }
            error_page(&state, &arrived.visit, &arrived.parts, error.status())
        }
    }
}

async fn ended(state: &FlowState, slug: &str, arrived: &mut Arrived) -> Result<Response, ApiError> {
    let configuration = state.store().configuration();
    let client = Client::by_slug(&configuration, slug).ok_or_else(ApiError::not_found)?;
    let given = Parameters::of(&arrived.visit.query_text);
    // A hint has to be an identity token of this client, even an old one.
    let fits = match given.get("id_token_hint") {
        Some(hint) => Hint::read(state, &client, hint).await?.is_some(),
        None => true,
    };
    if !fits || given.get("client_id").is_some_and(|named| named != client.provider.client_id) {
        return Err(ApiError::BadRequest("The request is for another application.".into()));
    }
    let onward = given.get("post_logout_redirect_uri");
    let onward = onward.filter(|address| is_registered(address, client.addresses("logout")));
    let onward = onward.map(|address| match given.get("state") {
        Some(state) => {
            let mark = if address.contains('?') { '&' } else { '?' };
            format!("{address}{mark}state={}", utf8_percent_encode(state, NON_ALPHANUMERIC))
        }
        None => address.to_owned(),
    });
    let Some(user) = arrived.session.user.clone() else {
        return Ok(found(onward.as_deref().unwrap_or("/")));
    };
    let (session, origin) = (arrived.session.uuid, arrived.visit.client.origin());
    end_session(state.store(), user.pk, client.pk(), session).await?;
    let frames: Vec<Value> = logout::in_browser(&client, session, &origin).into_iter().collect();
    logout::end(state.store(), &client, session).await?;
    let own = client.provider.provider.invalidation_flow;
    let flow: Flow = logout_flow(state, arrived, own).await?.ok_or_else(ApiError::not_found)?;
    let opened = tile(&configuration, client.application, &user.actor()).get("launch_url").cloned();
    let mut known = context([
        (APPLICATION_NAME, client.application.name.clone().into()),
        ("application_launch_url", opened.unwrap_or_default()),
        (FAREWELL_FRAMES, frames.clone().into()),
    ]);
    let last = if onward.is_some() { BACK } else { END };
    known.extend(onward.map(|onward| (ONWARD.to_owned(), onward.into())));
    let required = (!frames.is_empty()).then_some(("", FAREWELL));
    let begin = Begin { context: known, required, last: Some(last), ..Begin::new(&flow) };
    match begin.go(state, arrived).await? {
        Begun::Led(response) => Ok(response),
        Begun::NotForThem(_) | Begun::WouldAsk(_) => Err(ApiError::Forbidden),
    }
}

/// As the executor knows them.
pub(crate) const BUILT_IN: [BuiltIn; 2] = [
    BuiltIn { pk: BACK, component: "xak-flow-redirect", page: None, stage: &Back, sample: || Value::Null },
    BuiltIn {
        pk: END,
        component: "ak-stage-session-end",
        page: Some(include_str!("session_end.html")),
        stage: &End,
        sample: || {
            json!({
                "component": "ak-stage-session-end", "pending_user": "alice", "pending_user_avatar": "",
                "application_name": "Wiki", "application_launch_url": "https://wiki.example/", "brand_name": "Vestibule",
                "invalidation_flow_url": "/if/flow/default-invalidation-flow/", "overview_url": "/if/user/",
            })
        },
    },
];

/// Leads back to the application.
struct Back;

#[async_trait]
impl Stage for Back {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let onward = cx.plan.context.get(ONWARD).and_then(Value::as_str);
        Ok(Enter::Leave(onward.unwrap_or("/").to_owned()))
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        Ok(Outcome::Again)
    }
}

/// Says that it is done, and where to go from here.
struct End;

#[async_trait]
impl Stage for End {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        // The flow may have signed them out of everything.
        if cx.session.user.is_none() {
            return Ok(Enter::Leave("/".into()));
        }
        let mut challenge = Object::new();
        challenge.insert("component".into(), "ak-stage-session-end".into());
        cx.show_pending(&mut challenge);
        let known = |name: &str| cx.plan.context.get(name).filter(|value| value.is_string()).cloned();
        challenge.extend(known(APPLICATION_NAME).map(|name| ("application_name".to_owned(), name)));
        challenge.extend(known("application_launch_url").map(|url| ("application_launch_url".to_owned(), url)));
        let brand = cx.brand().map(|brand| brand.branding_title.clone());
        challenge.insert("brand_name".into(), brand.unwrap_or_else(|| "Vestibule".into()).into());
        challenge.insert("invalidation_flow_url".into(), "/flows/-/default/invalidation/".into());
        challenge.insert("overview_url".into(), "/if/user/".into());
        Ok(Enter::Last(challenge))
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        // It asks nothing.
        Ok(Outcome::Again)
    }
}
