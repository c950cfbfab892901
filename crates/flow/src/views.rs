//! Addresses that lead to flows.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request};
use uuid::Uuid;
use vestibule_directory::Brand;
use vestibule_kernel::ApiError;
use vestibule_kernel::secret::sha256_hex;
use vestibule_store::Configuration;

use crate::flow::{Designation, Flow};
use crate::json::{Arrived, arrive, cookies};
use crate::next::{Next, resolve};
use crate::page::{error_page, found};
use crate::plan::{Pending, Plan};
use crate::planner;
use crate::policies::{Occasion, Question};
use crate::program::Program;
use crate::settle::{Effect, settle};
use crate::stage::{Visit, brand_of};
use crate::state::FlowState;

pub(crate) fn routes(state: &FlowState) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/flows/-/cancel/", get(cancel))
        .route("/flows/-/configure/{stage}/", get(configure))
        .route("/flows/-/default/authentication/", get(default_authentication))
        .route("/flows/-/default/invalidation/", get(default_invalidation))
        .route("/static/brand/{name}", get(custom_css))
        .with_state(state.clone())
}

/// Leads to the login.
pub(crate) const LOGIN: &str = "/flows/-/default/authentication/";

async fn arrived(state: &FlowState, request: Request<Body>) -> Result<Arrived, Response> {
    let query = |parts: &http::request::Parts| parts.uri.query().unwrap_or_default().to_owned();
    arrive(state, request, query).await.map_err(|error| vestibule_resource::http::error_answer(&error))
}

async fn root(State(state): State<FlowState>, request: Request<Body>) -> Response {
    match arrived(&state, request).await {
        Ok(Arrived { session, visit, .. }) if session.user.is_some() => match visit.query_text.as_str() {
            "" => found("/if/user/"),
            query => found(&format!("/if/user/?{query}")),
        },
        Ok(_) => found(&format!("{LOGIN}?next=/")),
        Err(response) => response,
    }
}

/// "Not you?": forgets the plan and begins the same flow again, still on the way to the same place.
async fn cancel(State(state): State<FlowState>, request: Request<Body>) -> Response {
    let Arrived { visit, mut session, .. } = match arrived(&state, request).await {
        Ok(arrived) => arrived,
        Err(response) => return response,
    };
    let configuration = state.store().configuration();
    let plan = Plan::of(&session.data);
    let flow = plan.as_ref().and_then(|plan| configuration.get::<Flow>(plan.flow)).map(|flow| flow.slug.clone());
    let next = visit.query.get("next").map(str::to_owned).or_else(|| plan.as_ref().and_then(|plan| plan.next.clone()));
    let effect = if plan.is_some() {
        Plan::forget(&mut session.data);
        Effect::Save
    } else {
        Effect::None
    };
    let settled = match settle(&state, &mut session, effect, &visit).await {
        Ok(settled) => settled,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    let next = next.filter(|next| !next.is_empty());
    let query = next.as_ref().map(|next| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        format!("?{query}")
    });
    let to = match (flow, session.user.is_some()) {
        (Some(slug), false) => format!("/if/flow/{slug}/{}", query.unwrap_or_default()),
        (None, false) => format!("{LOGIN}{}", query.unwrap_or_default()),
        (_, true) => match resolve(next.as_deref(), &visit.client.host) {
            Next::Here(path) => path,
            Next::Dangerous => "/".into(),
        },
    };
    let mut response = found(&to);
    cookies(&mut response, &state, &visit.client, &session, &settled);
    response
}

/// The flow by which somebody sets up for themselves what a stage needs: their password, say. They walk it as who they are.
async fn configure(State(state): State<FlowState>, Path(stage): Path<String>, request: Request<Body>) -> Response {
    let Arrived { visit, parts, mut session, .. } = match arrived(&state, request).await {
        Ok(arrived) => arrived,
        Err(response) => return response,
    };
    let Some(user) = session.user.clone() else {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", parts.uri.path()).finish();
        return found(&format!("{LOGIN}?{query}"));
    };
    let configuration = state.store().configuration();
    let planned = match configure_flow(&configuration, &stage) {
        Some(flow) => {
            let plan = planner::plan(state.policies.as_ref(), &configuration, flow, &session, &visit.request).await;
            plan.map(|plan| (flow, plan))
        }
        None => Err(ApiError::not_found()),
    };
    let (flow, mut plan) = match planned {
        Ok((flow, Ok(plan))) => (flow, plan),
        Ok((_, Err(_))) => return error_page(&state, &visit, &parts, 404),
        Err(error) => return error_page(&state, &visit, &parts, error.status()),
    };
    plan.pending = Some(Pending::signed_in(&user, &configuration));
    plan.pinned = true;
    plan.keep(&mut session.data);
    match settle(&state, &mut session, Effect::Save, &visit).await {
        Ok(_) if visit.query_text.is_empty() => found(&format!("/if/flow/{}/", flow.slug)),
        Ok(_) => found(&format!("/if/flow/{}/?{}", flow.slug, visit.query_text)),
        Err(error) => error_page(&state, &visit, &parts, error.status()),
    }
}

fn configure_flow<'a>(configuration: &'a Configuration, stage: &str) -> Option<&'a Flow> {
    let stage = configuration.find(stage.parse().ok()?)?;
    configuration.get::<Flow>(stage.text("configure_flow").parse().ok()?)
}

async fn default_authentication(State(state): State<FlowState>, request: Request<Body>) -> Response {
    to_default(&state, request, Designation::Authentication).await
}

async fn default_invalidation(State(state): State<FlowState>, request: Request<Body>) -> Response {
    to_default(&state, request, Designation::Invalidation).await
}

/// To the brand's flow for a purpose, or the first there is; parameters are kept.
async fn to_default(state: &FlowState, request: Request<Body>, designation: Designation) -> Response {
    let Arrived { visit, parts, session, .. } = match arrived(state, request).await {
        Ok(arrived) => arrived,
        Err(response) => return response,
    };
    let configuration = state.store().configuration();
    let user = session.user.as_ref().map(|user| user.pk);
    let chosen = match default_flow(state, &configuration, &visit, designation, user).await {
        Ok(chosen) => chosen,
        Err(error) => return vestibule_resource::http::error_answer(&error),
    };
    match chosen {
        Some(flow) if visit.query_text.is_empty() => found(&format!("/if/flow/{}/", flow.slug)),
        Some(flow) => found(&format!("/if/flow/{}/?{}", flow.slug, visit.query_text)),
        None => error_page(state, &visit, &parts, 404),
    }
}

/// The brand's flow for a purpose, or the first whose policies let this person pass.
pub(crate) async fn default_flow<'a>(
    state: &FlowState,
    configuration: &'a Configuration,
    visit: &Visit,
    designation: Designation,
    user: Option<i64>,
) -> Result<Option<&'a Flow>, ApiError> {
    let brand = brand_of(configuration, &visit.client);
    let chosen: Option<Uuid> = brand.and_then(|brand| match designation {
        Designation::Authentication => brand.flow_authentication,
        Designation::Invalidation => brand.flow_invalidation,
        Designation::Recovery => brand.flow_recovery,
        Designation::Unenrollment => brand.flow_unenrollment,
        _ => None,
    });
    if let Some(flow) = chosen.and_then(|pk| configuration.get::<Flow>(pk)) {
        return Ok(Some(flow));
    }
    let program = configuration.index::<Program>();
    for flow in program.designated(designation).iter().filter_map(|pk| configuration.get::<Flow>(*pk)) {
        let question =
            Question { target: flow.policybindingmodel_ptr_id, mode: flow.policy_engine_mode, open: true, user };
        if state.policies.may_pass(configuration, question, Occasion::of(&visit.request)).await?.passing {
            return Ok(Some(flow));
        }
    }
    Ok(None)
}

/// Where a brand's own style sheet is; its hash changes with it.
pub(crate) fn custom_css_url(brand: &Brand) -> String {
    let hash = sha256_hex(brand.branding_custom_css.as_bytes());
    format!("/static/brand/{}.css?v={}", brand.pk, hash.get(..12).unwrap_or_default())
}

async fn custom_css(State(state): State<FlowState>, Path(name): Path<String>) -> Response {
    let configuration = state.store().configuration();
    let pk = name.strip_suffix(".css").and_then(|pk| pk.parse::<Uuid>().ok());
    let Some(brand) = pk.and_then(|pk| configuration.get::<Brand>(pk)) else {
        return vestibule_resource::http::error_answer(&ApiError::not_found());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, brand.branding_custom_css.clone()).into_response()
}
