//! What a stage is: the family of its kinds, and how one behaves.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::resources::avatar::Pictured;
use vestibule_directory::session::Session;
use vestibule_directory::{Brand, current_brand};
use vestibule_events::Event;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Permission, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{Call, Computed, Family, Field, Fields, Operation, Represent, Shape, shapes};
use vestibule_store::{Configuration, Document, DocumentType};
use vestibule_web::Locale;

use crate::answer::{Answer, AnswerErrors};
use crate::flow::{Flow, flow_set_fields};
use crate::flow_token;
use crate::plan::{Pending, Plan};
use crate::program::Program;
use crate::state::FlowState;
use crate::suppose::{Supposed, Supposing};

/// The fields that every stage begins with.
#[derive(Clone, Debug, Fields)]
pub struct StageBase {
    /// Key.
    #[field(read_only, label = "Stage uuid")]
    pub pk: Uuid,
    /// Its name, unique among all stages.
    #[field(unique = "stage with this name already exists.")]
    pub name: String,
    /// The form that clients show it with.
    #[field(computed = |represent, _| represent.kind.spec.component_name().into())]
    pub component: Computed,
    /// What its kind is called.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name().into())]
    pub verbose_name: Computed,
    /// What many of its kind are called.
    #[field(computed = |represent, _| represent.kind.spec.verbose_name_plural().into())]
    pub verbose_name_plural: Computed,
    /// Its model.
    #[field(computed = |represent, _| represent.kind.model().into())]
    pub meta_model_name: Computed,
    /// Flows that the stage is bound to.
    #[field(shape = Shape::Object("FlowSet", flow_set_fields).list(), computed = flow_set)]
    pub flow_set: Computed,
}

/// All stages.
pub static STAGES: Family = Family {
    model: "authentik_flows.stage",
    path: "stages/all",
    schema: "Stage",
    verbose_name: "stage",
    verbose_name_plural: "stages",
    lookup: "pk",
    parameter: "stage_uuid",
    fields: stage_fields,
    whole: false,
    filters: &["name"],
    search: &["name"],
    ordering: &["name"],
    describe: |object| format!("Stage {}", object.get("name").and_then(Value::as_str).unwrap_or_default()),
};

/// The fields that every stage has.
pub fn stage_fields() -> Vec<Field> {
    StageBase::fields()
}

fn flow_set(represent: &Represent<'_>, object: &Object) -> Value {
    let Some(pk) = crate::flow::pk_of(object) else { return json!([]) };
    let program = represent.configuration.index::<Program>();
    let (Some(kind), fields) = (represent.registry.kind(Flow::KIND), flow_set_fields()) else { return json!([]) };
    let inner = Represent { kind, written: &[], ..*represent };
    let flows = program.flows_of(pk).iter().filter_map(|flow| represent.configuration.document(Flow::KIND, *flow));
    flows.map(|flow| Value::Object(inner.fields(&fields, &flow.value))).collect()
}

/// What a person meets on arrival at a stage.
pub enum Enter {
    /// A question.
    Ask(Object),
    /// Nothing: the stage has done its work.
    Pass,
    /// Nothing: its work was done before, as if the stage were not there.
    Skip,
    /// A refusal, with its sentence.
    Deny(String),
    /// A way to somewhere else; the plan stays where it is.
    Redirect(String),
    /// The end of the flow, which leads there: to another host too.
    Leave(String),
    /// The end of the flow: what is shown there is no question.
    Last(Object),
}

/// What an answer does. Nothing but `Next` advances a plan.
pub enum Outcome {
    /// The stage is done.
    Next,
    /// The same question again, with what was wrong.
    Invalid(AnswerErrors),
    /// A refusal, with its sentence.
    Denied(String),
    /// A way to somewhere else; the plan stays where it is.
    Redirect(String),
    /// The flow from its beginning.
    Restart,
    /// Nothing: what was sent is no answer to anything, but a visit.
    Again,
}

/// A request to walk a flow, as much of it as stages may know.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Address, scheme and host of the client.
    pub client: ClientInfo,
    /// Its browser.
    pub user_agent: String,
    /// The language to speak.
    pub locale: Locale,
    /// The parameters that the flow was entered with.
    pub query: Query,
    /// The same as text.
    pub query_text: String,
    /// Names the request in logs.
    pub request_id: String,
    /// The request, as events tell of it.
    pub request: vestibule_events::Request,
    /// What the browser says to be known by.
    pub device: Option<String>,
    /// What the browser shows for a second factor that was used in it.
    pub factor: Option<String>,
}

/// That the person is to be signed in when the present stage is done.
pub struct SignIn {
    /// The user.
    pub user: i64,
    /// How long the session lasts.
    pub expires: chrono::DateTime<chrono::Utc>,
    /// Whether the browser forgets the session when it is closed.
    pub until_closed: bool,
    /// Whether other sessions of the user end.
    pub terminate_others: bool,
    /// What is written about it.
    pub event: Event,
    /// What the session is bound to (`network`, `geoip`); null: to nothing.
    pub bound: Value,
    /// What the browser is to be known by from here on, and how many seconds.
    pub device: Option<(String, i64)>,
    /// Whether they came by a link that was sent to them alone.
    pub recovered: bool,
}

/// The brand of the host that a client asked.
pub(crate) fn brand_of<'a>(configuration: &'a Configuration, client: &ClientInfo) -> Option<&'a Brand> {
    current_brand(configuration, &client.host_name())?.get()
}

/// What a stage works with.
pub struct StageCx<'a> {
    /// Everything shared.
    pub state: &'a FlowState,
    /// The configuration at the start of the request.
    pub configuration: &'a Arc<Configuration>,
    /// The flow.
    pub flow: &'a Flow,
    /// The plan; stages note on it what they find out.
    pub plan: &'a mut Plan,
    /// The session; stages read who is signed in.
    pub session: &'a Session,
    /// The request.
    pub visit: &'a Visit,
    /// Set by a stage to sign the person in when it is done.
    pub sign_in: Option<SignIn>,
    /// Set by a stage to sign the person out when it is done.
    pub sign_out: bool,
    /// Set by a stage that saw a second factor used: what the browser is to show for it, and how many seconds.
    pub factor: Option<(String, i64)>,
    /// Set by a stage that did for somebody what it does not do for nobody, and takes longer than finding them: the answer
    /// waits until that does not show.
    pub took_its_time: bool,
}

impl StageCx<'_> {
    /// The key of the user this flow is about: the pending one, else who is signed in.
    pub fn user(&self) -> Option<i64> {
        match &self.plan.pending {
            Some(pending) => pending.pk,
            None => self.session.user.as_ref().map(|user| user.pk),
        }
    }

    /// What pages show of the user this flow is about.
    pub fn shown(&self) -> Option<String> {
        match &self.plan.pending {
            Some(pending) => Some(pending.shown.clone()),
            None => self.session.user.as_ref().map(|user| user.username.clone()),
        }
    }

    /// Sets who walks through the flow. A plan that came with its user keeps them.
    pub fn set_pending(&mut self, pending: Pending) -> bool {
        let same = self.plan.user() == pending.pk && pending.pk.is_some();
        if self.plan.pinned && !same {
            return false;
        }
        // What was found out about one person says nothing about another.
        if !same {
            self.plan.forget_proof();
        }
        self.plan.pending = Some(pending);
        true
    }

    /// The brand of the host that was asked.
    pub fn brand(&self) -> Option<&Brand> {
        brand_of(self.configuration, &self.visit.client)
    }

    /// Another document of a typed kind.
    pub fn get<T: DocumentType>(&self, pk: Option<Uuid>) -> Option<&T> {
        self.configuration.get::<T>(pk?)
    }

    /// The address of another flow's page, that keeps where this one leads. What opened this flow opens no other.
    pub fn flow_url(&self, pk: Option<Uuid>) -> Option<String> {
        let flow = self.configuration.get::<Flow>(pk?)?;
        let is_token = |pair: &&str| pair.split('=').next() == Some(flow_token::PARAMETER);
        let kept: Vec<&str> = self.visit.query_text.split('&').filter(|pair| !is_token(pair)).collect();
        let query = kept.join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        Some(format!("/if/flow/{}/{mark}{query}", flow.slug))
    }

    /// The key of the flow that a slug names.
    pub fn flow_named(&self, slug: &str) -> Option<Uuid> {
        self.configuration.index::<Program>().flow(slug)
    }

    /// Puts a stage into the plan, right behind the present one.
    pub fn insert_stage(&mut self, stage: Uuid) {
        let place = self.plan.bindings.len().min(1);
        self.plan.bindings.insert(place, stage);
    }

    /// Adds who is signing in to a question.
    pub fn show_pending(&self, challenge: &mut Object) {
        let picture = shown_picture(self.plan, self.session, self.configuration);
        challenge.insert("pending_user_avatar".into(), picture.into());
        challenge.insert("pending_user".into(), self.shown().unwrap_or_default().into());
    }
}

/// The picture of the user a plan is about: the pending one, else who is signed in.
pub(crate) fn shown_picture(plan: &Plan, session: &Session, configuration: &Configuration) -> String {
    match (&plan.pending, &session.user) {
        (Some(pending), _) => pending.picture(configuration),
        (None, Some(user)) => user.pictured().picture(configuration),
        (None, None) => Pictured::typed("").picture(configuration),
    }
}

/// How a stage behaves. Implemented by the struct that holds its settings.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The question on arrival, or that there is none. Called on every visit: it must not change what an outstanding
    /// answer will be compared with.
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError>;

    /// What the answer does.
    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError>;

    /// What it would do where a walk is only supposed, with what the plan would know then; it writes and sends nothing.
    /// `None`: it asks if it has a page, and does its work if it has none.
    async fn suppose(&self, _: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        Ok(None)
    }
}

/// A kind of stage, as the executor knows it.
#[derive(Clone, Copy)]
pub struct StageEntry {
    /// Its model.
    pub model: &'static str,
    /// The component of its challenge.
    pub component: &'static str,
    /// The page of its challenge; stages that never ask have none.
    pub page: Option<&'static str>,
    /// The behaviour of a document of this kind.
    pub stage: fn(&Document) -> Option<&dyn Stage>,
    /// What administrators read when they choose a kind.
    pub description: &'static str,
    /// A challenge as it may look, for tests of its page.
    pub sample: fn() -> Value,
}

/// A stage that no administrator arranges: whoever begins a flow for a purpose of their own ([`crate::begin`]) puts it at
/// the plan's end.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// Names it in plans.
    pub pk: Uuid,
    /// The component of its challenge.
    pub component: &'static str,
    /// The page of its challenge; stages that never ask have none.
    pub page: Option<&'static str>,
    /// How it behaves.
    pub stage: &'static dyn Stage,
    /// A challenge as it may look, for tests of its page.
    pub sample: fn() -> Value,
}

/// How a stage behaves, and what it asks.
pub(crate) struct Behaviour<'s> {
    pub stage: &'s dyn Stage,
    pub component: &'static str,
    /// Whether it ever asks.
    pub asks: bool,
}

/// The kinds of stages there are.
#[derive(Default)]
pub struct StageRegistry {
    entries: Vec<StageEntry>,
    by_model: HashMap<&'static str, usize>,
    built_in: Vec<BuiltIn>,
}

impl StageRegistry {
    /// Of these entries.
    pub fn new(entries: Vec<StageEntry>) -> Self {
        let by_model = entries.iter().enumerate().map(|(position, entry)| (entry.model, position)).collect();
        Self { entries, by_model, built_in: Vec::new() }
    }
    /// With stages that no administrator arranges.
    pub fn with_built_in(mut self, built_in: Vec<BuiltIn>) -> Self {
        self.built_in.extend(built_in);
        self
    }
    /// Stages that no administrator arranges.
    pub fn built_in(&self) -> &[BuiltIn] {
        &self.built_in
    }
    /// The stage of this key, a document or built in.
    pub(crate) fn behaviour<'s>(&'s self, configuration: &'s Configuration, pk: Uuid) -> Option<Behaviour<'s>> {
        if let Some(built_in) = self.built_in.iter().find(|one| one.pk == pk) {
            let BuiltIn { stage, component, page, .. } = *built_in;
            return Some(Behaviour { stage, component, asks: page.is_some() });
        }
        let document = configuration.find(pk)?;
        let entry = self.entry(document)?;
        Some(Behaviour { stage: (entry.stage)(document)?, component: entry.component, asks: entry.page.is_some() })
    }
    /// Every kind.
    pub fn entries(&self) -> &[StageEntry] {
        &self.entries
    }
    /// The entry of a document.
    pub fn entry(&self, document: &Document) -> Option<&StageEntry> {
        self.entries.get(*self.by_model.get(document.kind)?)
    }
    /// Pages by component.
    pub fn pages(&self) -> Vec<(&'static str, &'static str)> {
        let arranged = self.entries.iter().filter_map(|entry| Some((entry.component, entry.page?)));
        arranged.chain(self.built_in.iter().filter_map(|one| Some((one.component, one.page?)))).collect()
    }
}

/// `stages/all/types/` and `stages/all/user_settings/`.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "stages/all/types/",
            "stages_all_types_list",
            Some(shapes::type_create()),
            |call| async move {
                let state = call.api.extension::<StageRegistry>()?;
                let mut kinds = call.api.registry.members(STAGES.model);
                kinds.sort_by_key(|kind| kind.model_name());
                let entries = kinds.into_iter().map(|kind| {
                    let entry = state.entries().iter().find(|entry| entry.model == kind.model());
                    json!({
                        "name": kind.spec.verbose_name(),
                        "description": entry.map_or(kind.spec.about(), |entry| entry.description),
                        "component": kind.spec.component_name(),
                        "model_name": kind.model_name(),
                        "icon_url": "",
                        "requires_enterprise": false,
                        "deprecated": false,
                    })
                });
                ok(&entries.collect())
            },
        )
        .permission(Permission::Named("authentik_flows.view_stage"))
        .doc("Kinds of stages that can be created."),
        Operation::new(
            Method::GET,
            "stages/all/user_settings/",
            "stages_all_user_settings_list",
            Some(shapes::user_setting()),
            |call| async move { ok(&user_settings(&call)) },
        )
        .doc("What the asking user may set up for themselves through stages."),
    ]
}

/// Stages with a flow by which a user configures them (a password stage's `configure_flow`), by name.
fn user_settings(call: &Call) -> Value {
    let configurable = call.configuration.all_documents().filter_map(|document| {
        let flow: Uuid = document.value.get("configure_flow")?.as_str()?.parse().ok()?;
        call.configuration.get::<Flow>(flow)?;
        Some((document, call.api.registry.kind(document.kind)?))
    });
    let mut stages: Vec<_> = configurable.collect();
    stages.sort_by_key(|(document, kind)| (kind.model(), document.text("name")));
    let described = stages.into_iter().map(|(document, kind)| {
        let component = kind.spec.component_name().replace("ak-stage-", "ak-user-settings-").replace("-form", "");
        json!({
            "object_uid": document.pk.to_string(),
            "component": component,
            "title": Some(document.text("friendly_name")).filter(|name| !name.is_empty()).unwrap_or(kind.spec.verbose_name()),
            "configure_url": format!("/flows/-/configure/{}/", document.pk),
            "icon_url": "",
        })
    });
    described.collect()
}
