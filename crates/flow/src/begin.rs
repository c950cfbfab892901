//! Begins a flow for a purpose of another crate's: with what it has to know, and with a built-in stage at its end.

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::{Uuid, uuid};
use vestibule_directory::session::Session;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_store::{Configuration, Transaction};

use crate::binding::FlowStageBinding;
use crate::executor::{Reply, Walk};
use crate::flow::{Designation, Flow};
use crate::json::{Arrived, cookies};
use crate::page::found;
use crate::plan::{Pending, Plan};
use crate::planner::{self, NotApplicable};
use crate::program::Program;
use crate::settle::{Effect, settle};
use crate::stage::{Enter, StageCx};
use crate::state::FlowState;
use crate::views::default_flow;

/// Where the plan keeps the name of the application that it is about: pages show it.
pub const APPLICATION_NAME: &str = "application";

/// Knows which application somebody is on the way to, from what a flow was entered with.
pub trait Destination: Send + Sync {
    /// What the plan of a login knows from its beginning on.
    fn known(&self, configuration: &Configuration, query: &Query) -> Object;
}

/// What is known of where a visit leads.
pub(crate) fn destination(state: &FlowState, configuration: &Configuration, query: &Query) -> Object {
    let found = state.api.extensions.get::<Arc<dyn Destination>>();
    found.map(|destination| destination.known(configuration, query)).unwrap_or_default()
}

/// Stages that may pass silently, one after the other, before something is wrong.
const MOST_SILENT: usize = 64;

/// Says goodbye to applications when somebody signs out.
#[async_trait]
pub trait Farewell: Send + Sync {
    /// What the browser opens to tell applications that this session ends: `url`, `provider_name`, `binding`.
    async fn urls(&self, configuration: &Configuration, session: Uuid, origin: &str) -> Result<Vec<Value>, ApiError>;

    /// A session has ended: whoever wants to hear of it from the server is told.
    async fn ended(&self, session: Uuid) -> Result<(), ApiError>;
}

/// Knows where else people may sign in: the sources. Stages that offer them, and stages that make accounts, ask here.
#[async_trait]
pub trait Elsewhere: Send + Sync {
    /// The buttons of these sources, in this order, as the wire shows them: `name`, `icon_url`, `promoted` and `challenge`.
    /// What cannot be used now, or not by this visitor, has none.
    fn buttons(&self, cx: &StageCx<'_>, sources: &[Uuid]) -> Vec<Value>;

    /// Where whoever typed this address signs in, if an administrator has named one of these sources for its domain.
    fn of_address(&self, cx: &StageCx<'_>, sources: &[Uuid], address: &str) -> Option<String>;

    /// Whether a visitor has been sent to a source a moment ago, and is back.
    fn has_left(&self, session: &Session, now: DateTime<Utc>) -> bool;

    /// An account was made for whoever walks through this plan: what connects it to a source is written with it.
    async fn account_made(&self, cx: &StageCx<'_>, transaction: &mut Transaction, user: i64) -> Result<(), ApiError>;
}

/// The sources, where the server has any.
pub fn elsewhere(state: &FlowState) -> Option<Arc<Arc<dyn Elsewhere>>> {
    state.api.extensions.get::<Arc<dyn Elsewhere>>()
}

/// Names the built-in stage that opens what applications want to be told by.
pub const FAREWELL: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e06");
/// Where the plan keeps what it opens; an empty list: it has.
pub const FAREWELL_FRAMES: &str = "goauthentik.io/providers/oauth2/iframe_sessions";

/// Where the plan keeps an e-mail address of which somebody who knows says that it belongs to whoever walks through it: an
/// invitation, or the source that they come from.
pub const VOUCHED_ADDRESS: &str = "goauthentik.io/flows/vouched_address";

/// The model of stages that ask for consent.
pub const CONSENT_MODEL: &str = "authentik_stages_consent.consentstage";
/// Names the built-in stage that asks for it.
pub const CONSENT: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e02");

/// A flow that is to be walked.
pub struct Begin<'f> {
    /// Which.
    pub flow: &'f Flow,
    /// What its stages have to know.
    pub context: Object,
    /// A stage that has to be met: one of this model, or else this built-in one.
    pub required: Option<(&'static str, Uuid)>,
    /// Whether nobody may be asked anything.
    pub silent: bool,
    /// The stage at its end.
    pub last: Option<Uuid>,
    /// Where it leads when it is done.
    pub next: Option<String>,
    /// Whom it is about, where that is known from elsewhere, and how they have proved to be it. No stage may choose another.
    pub person: Option<(Pending, &'static str)>,
    /// The query of the flow's page.
    pub query: String,
}

/// How a flow began.
pub enum Begun {
    /// The browser is led there.
    Led(Response),
    /// It is not for this person; what they may be told.
    NotForThem(Vec<String>),
    /// They would be asked, which is not wanted: by this component. Nothing is kept of it.
    WouldAsk(String),
}

impl<'f> Begin<'f> {
    /// A flow, and nothing else.
    pub fn new(flow: &'f Flow) -> Self {
        Self {
            flow,
            context: Object::new(),
            required: None,
            silent: false,
            last: None,
            next: None,
            person: None,
            query: String::new(),
        }
    }

    /// Begins it for whoever visits. Where no stage would ask anything, its end is reached at once, and no plan is kept.
    ///
    /// # Errors
    /// A policy that fails, the database.
    pub async fn go(self, state: &FlowState, arrived: &mut Arrived) -> Result<Begun, ApiError> {
        let configuration = state.store().configuration();
        let (session, visit) = (&mut arrived.session, &arrived.visit);
        let policies = state.policies.as_ref();
        let mut plan = Plan { context: self.context, ..Plan::new(self.flow.pk, Vec::new()) };
        let known = self.person.is_some();
        if let Some((pending, proof)) = self.person {
            plan.pending = Some(pending);
            plan.authenticated = Some(proof.to_owned());
        } else if let Some(user) = &session.user {
            plan.pending = Some(Pending::signed_in(user, &configuration));
        }
        let pinned = plan.pending.is_some();
        let bare = plan.clone();
        let planned = planner::plan_with(policies, &configuration, self.flow, session, &visit.request, plan).await?;
        plan = match planned {
            Ok(plan) => plan,
            Err(NotApplicable::Empty) if self.required.is_some() || self.last.is_some() => bare,
            Err(NotApplicable::Policies(messages)) => return Ok(Begun::NotForThem(messages)),
            Err(_) => return Ok(Begun::NotForThem(Vec::new())),
        };
        plan.pinned = pinned;
        plan.next = self.next;
        if let Some((model, stage)) = self.required
            && !plan.bindings.iter().any(|binding| is_of(&configuration, *binding, model))
        {
            plan.bindings.push(stage);
        }
        if let (true, Some(last)) = (plan.bindings.is_empty() && !known, self.last)
            && let Some(to) = alone(state, self.flow, &mut plan.clone(), arrived, last).await?
        {
            return Ok(Begun::Led(found(&to)));
        }
        plan.bindings.extend(self.last);
        if self.silent {
            return silently(state, self.flow, &plan, arrived).await;
        }
        let Arrived { session, visit, .. } = arrived;
        plan.keep(&mut session.data);
        let settled = settle(state, session, Effect::Save, visit).await?;
        let mark = if self.query.is_empty() { "" } else { "?" };
        let mut response = found(&format!("/if/flow/{}/{mark}{}", self.flow.slug, self.query));
        cookies(&mut response, state, &visit.client, session, &settled);
        Ok(Begun::Led(response))
    }
}

/// Whether a binding's stage is of a model.
fn is_of(configuration: &Configuration, binding: Uuid, model: &str) -> bool {
    let stage = configuration.get::<FlowStageBinding>(binding).map(|binding| binding.stage);
    stage.and_then(|stage| configuration.find(stage)).is_some_and(|stage| stage.kind == model)
}

/// Walks a plan to its end, if nobody is asked anything on the way.
async fn silently(state: &FlowState, flow: &Flow, plan: &Plan, arrived: &mut Arrived) -> Result<Begun, ApiError> {
    let configuration = state.store().configuration();
    let before = arrived.session.clone();
    plan.keep(&mut arrived.session.data);
    for _ in 0..MOST_SILENT {
        let Arrived { session, visit, .. } = arrived;
        let walk = Walk::new(state, Arc::clone(&configuration), &flow.slug, visit, session);
        let mut walk = walk.ok_or_else(ApiError::not_found)?;
        match walk.enter().await? {
            Reply::Again => {}
            Reply::Redirect(to) => {
                let settled = settle(state, &mut arrived.session, Effect::Save, &arrived.visit).await?;
                let mut response = found(&to);
                cookies(&mut response, state, &arrived.visit.client, &arrived.session, &settled);
                return Ok(Begun::Led(response));
            }
            Reply::Challenge(challenge) => {
                arrived.session = before;
                let component = challenge.get("component").and_then(Value::as_str).unwrap_or_default();
                return Ok(Begun::WouldAsk(component.to_owned()));
            }
            Reply::Failed => break,
        }
    }
    arrived.session = before;
    Ok(Begun::WouldAsk(String::new()))
}

/// Where a built-in stage leads that asks nothing; `None`: it asks.
async fn alone(
    state: &FlowState,
    flow: &Flow,
    plan: &mut Plan,
    arrived: &Arrived,
    stage: Uuid,
) -> Result<Option<String>, ApiError> {
    let configuration = state.store().configuration();
    let Some(found) = state.stages.behaviour(&configuration, stage).filter(|found| !found.asks) else {
        return Ok(None);
    };
    let mut cx = StageCx {
        state,
        configuration: &configuration,
        flow,
        plan,
        session: &arrived.session,
        visit: &arrived.visit,
        sign_in: None,
        sign_out: false,
        factor: None,
        took_its_time: false,
    };
    match found.stage.challenge(&mut cx).await? {
        Enter::Leave(to) | Enter::Redirect(to) => Ok(Some(to)),
        Enter::Ask(_) | Enter::Last(_) | Enter::Pass | Enter::Skip | Enter::Deny(_) => Ok(None),
    }
}

/// The flow by which whoever visits signs in: this one, or the brand's.
///
/// # Errors
/// A policy that fails.
pub async fn login_flow(state: &FlowState, arrived: &Arrived, own: Option<Uuid>) -> Result<Option<Flow>, ApiError> {
    designated(state, arrived, own, Designation::Authentication).await
}

/// The flow by which whoever visits signs out: this one, or the brand's.
///
/// # Errors
/// A policy that fails.
pub async fn logout_flow(state: &FlowState, arrived: &Arrived, own: Option<Uuid>) -> Result<Option<Flow>, ApiError> {
    designated(state, arrived, own, Designation::Invalidation).await
}

async fn designated(
    state: &FlowState,
    arrived: &Arrived,
    own: Option<Uuid>,
    designation: Designation,
) -> Result<Option<Flow>, ApiError> {
    let configuration = state.store().configuration();
    if let Some(flow) = own.and_then(|pk| configuration.get::<Flow>(pk)) {
        return Ok(Some(flow.clone()));
    }
    let user = arrived.session.user.as_ref().map(|user| user.pk);
    Ok(default_flow(state, &configuration, &arrived.visit, designation, user).await?.cloned())
}

/// The flow of a slug.
pub fn flow_named(state: &FlowState, slug: &str) -> Option<Flow> {
    let configuration = state.store().configuration();
    let pk = configuration.index::<Program>().flow(slug)?;
    configuration.get::<Flow>(pk).cloned()
}

/// A context with these in it.
pub fn context<const N: usize>(pairs: [(&str, Value); N]) -> Object {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
