//! `POST /api/vestibule/v1/flows/preview/`: the page that an identification stage, a flow or a brand would make, before it is
//! saved. What is sent is written as it would be written, in a transaction that never happens.

use std::sync::Arc;

use http::Method;
use http::header::USER_AGENT;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::Brand;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::password::Passwords;
use vestibule_directory::session::Sessions;
use vestibule_directory::user::Users;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{Call, Fields, Kind, Mode, Operation, Shape, Verb, choices, write_object};
use vestibule_store::{Change, Configuration, DocumentType as _};
use vestibule_web::Pages;

use crate::binding::FlowStageBinding;
use crate::executor::{Reply, Walk};
use crate::flow::{Designation, Flow};
use crate::json::{locale, request_id};
use crate::limits::Limits;
use crate::page::dressed;
use crate::policies::Policies;
use crate::program::Program;
use crate::stage::{StageRegistry, Visit};
use crate::state::{FlowParts, FlowState};

const IDENTIFICATION: &str = "authentik_stages_identification.identificationstage";

choices! {
    /// What has a preview.
    pub enum Previewed: "FlowPreviewModelEnum" {
        Identification = "authentik_stages_identification.identificationstage" "Identification stage",
        Flow = "authentik_flows.flow" "Flow",
        Brand = "authentik_brands.brand" "Brand",
    }
}

choices! {
    /// The looks of a page.
    pub enum Theme: "FlowPreviewThemeEnum" {
        Automatic = "automatic" "As the system of whoever looks",
        Light = "light" "Light",
        Dark = "dark" "Dark",
    }
}

#[derive(Fields)]
struct PreviewBody {
    /// What is previewed.
    model: Previewed,
    /// Its fields, as they would be sent to save it.
    #[field(default = Object::new())]
    fields: Object,
    /// The key of the object that they would be saved to; null: they would make a new one.
    object: Option<Uuid>,
    /// How it looks.
    #[field(default = "automatic")]
    theme: Theme,
}

#[derive(Fields)]
struct PreviewShown {
    /// The page. It runs no scripts and sends nothing: it is to be looked at.
    html: String,
    /// The brand's own style, which the page itself only refers to.
    css: String,
}

pub(crate) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("FlowPreview", PreviewShown::fields));
    vec![
        Operation::new(Method::POST, "/api/vestibule/v1/flows/preview/", "vestibule_flows_preview_create", answer, preview)
            .permission(Permission::Named("authentik_flows.view_flow"))
            .body(Body::Json("FlowPreviewRequest", PreviewBody::fields))
            .doc(
                "Makes the page that an identification stage, a flow or a brand would show if it were saved, and saves nothing. \
                 Takes the permission to save it.",
            ),
    ]
}

async fn preview(call: Call) -> Answer {
    let kind = call.api.registry.kind(call.text("model")).cloned().ok_or_else(ApiError::not_found)?;
    let key = call.body.get("object").and_then(Value::as_str).and_then(|key| key.parse::<Uuid>().ok());
    call.principal.require(&kind.permission(if key.is_some() { Verb::Change } else { Verb::Add }))?;
    let existing = match key {
        Some(key) => {
            let document = call.configuration.document(kind.model(), key);
            let message = || FieldErrors::one("object", format!("Invalid pk \"{key}\" - object does not exist."));
            Some(document.ok_or_else(message)?.value.clone())
        }
        None => None,
    };
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    let shown = arrange(&call, &mut change, &kind, existing.as_ref()).await?;
    // What would be; that it be so never happens.
    let configuration = change.configuration();
    drop(change);
    let (html, css) = render(&call, configuration, shown).await?;
    ok(&json!({"html": html, "css": css}))
}

/// What is to be walked, and for which host.
struct Shown {
    slug: String,
    host: Option<String>,
}

/// Writes what is previewed, and a flow around it that nobody else walks.
async fn arrange(
    call: &Call,
    change: &mut Change,
    kind: &Arc<Kind>,
    existing: Option<&Object>,
) -> Result<Shown, ApiError> {
    // What must be unique, and is on no page, is no reason to show none.
    let own = call.api.ctx.uuid().simple().to_string();
    let mut fields = call.body.get("fields").and_then(Value::as_object).cloned().unwrap_or_default();
    let program = call.configuration.index::<Program>();
    let existing_key = existing.and_then(|object| object.get("pk")?.as_str()?.parse::<Uuid>().ok());
    match kind.model() {
        IDENTIFICATION => {
            fields.insert("name".into(), own.as_str().into());
            let stage = write(call, change, kind, existing, &fields).await?;
            let around = existing_key.and_then(|stage| program.flows_of(stage).first().copied());
            let around = around.and_then(|flow| call.configuration.get::<Flow>(flow));
            Ok(Shown { slug: around_stage(call, change, &own, around, &stage).await?, host: None })
        }
        Flow::KIND => {
            fields.extend([("name".into(), own.as_str().into()), ("slug".into(), own.as_str().into())]);
            let flow = write(call, change, kind, existing, &fields).await?;
            let flow = change.configuration().get::<Flow>(pk(&flow)?).cloned();
            let stage = existing_key.and_then(|flow| identification(call, flow));
            let stage = match stage {
                Some(stage) => stage,
                None => new_identification(call, change, &own).await?,
            };
            Ok(Shown { slug: around_stage(call, change, &format!("{own}-"), flow.as_ref(), &stage).await?, host: None })
        }
        _ => {
            let host = format!("{own}.invalid");
            fields.extend([("domain".into(), host.as_str().into()), ("default".into(), false.into())]);
            let brand = write(call, change, kind, existing, &fields).await?;
            let flow = brand.get("flow_authentication").and_then(Value::as_str).and_then(|flow| flow.parse().ok());
            let logins = || {
                let mut flows = call.configuration.all::<Flow>();
                flows.find(|(_, flow)| flow.designation == Designation::Authentication).map(|(pk, _)| pk)
            };
            let flow: Option<Uuid> = flow.or_else(logins);
            let stage = match flow.and_then(|flow| identification(call, flow)) {
                Some(stage) => stage,
                None => new_identification(call, change, &own).await?,
            };
            let around = flow.and_then(|flow| call.configuration.get::<Flow>(flow));
            Ok(Shown { slug: around_stage(call, change, &own, around, &stage).await?, host: Some(host) })
        }
    }
}

/// The first identification stage of a flow.
fn identification(call: &Call, flow: Uuid) -> Option<Object> {
    let mut bindings: Vec<&FlowStageBinding> = call
        .configuration
        .all::<FlowStageBinding>()
        .map(|(_, binding)| binding)
        .filter(|one| one.target == flow)
        .collect();
    bindings.sort_by_key(|binding| binding.order);
    let stages = bindings.into_iter().filter_map(|binding| call.configuration.document(IDENTIFICATION, binding.stage));
    stages.map(|document| document.value.clone()).next()
}

async fn new_identification(call: &Call, change: &mut Change, name: &str) -> Result<Object, ApiError> {
    let kind = call.api.registry.kind(IDENTIFICATION).cloned().ok_or_else(ApiError::not_found)?;
    let fields = object(json!({"name": format!("{name}-stage"), "user_fields": ["username", "email"]}));
    write(call, change, &kind, None, &fields).await
}

/// A flow that looks like another, with one stage alone and no gates; its slug.
async fn around_stage(
    call: &Call,
    change: &mut Change,
    slug: &str,
    like: Option<&Flow>,
    stage: &Object,
) -> Result<String, ApiError> {
    let kind = |model: &str| call.api.registry.kind(model).cloned().ok_or_else(ApiError::not_found);
    let mut fields = object(json!({"name": slug, "slug": slug, "title": "Vestibule", "designation": "authentication"}));
    if let Some(like) = like {
        fields.insert("title".into(), like.title.as_str().into());
        fields.insert("layout".into(), like.layout.as_str().into());
        fields.insert("background".into(), like.background.as_str().into());
        fields.insert("designation".into(), like.designation.as_str().into());
    }
    let flow = write(call, change, &kind(Flow::KIND)?, None, &fields).await?;
    let binding = object(json!({"target": flow.get("pk"), "stage": stage.get("pk"), "order": 0}));
    write(call, change, &kind(FlowStageBinding::KIND)?, None, &binding).await?;
    Ok(slug.to_owned())
}

async fn write(
    call: &Call,
    change: &mut Change,
    kind: &Arc<Kind>,
    existing: Option<&Object>,
    fields: &Object,
) -> Result<Object, ApiError> {
    let mode = if existing.is_some() { Mode::PartialUpdate } else { Mode::Create };
    let (registry, ctx, principal) = (&call.api.registry, &call.api.ctx, &call.principal);
    write_object(change, registry, ctx, principal, kind, existing, fields, mode).await
}

fn object(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}

fn pk(object: &Object) -> Result<Uuid, ApiError> {
    let key = object.get("pk").and_then(Value::as_str).and_then(|key| key.parse().ok());
    key.ok_or_else(|| ApiError::internal("a document without a key"))
}

/// The page, as somebody meets it who is not signed in.
async fn render(call: &Call, configuration: Arc<Configuration>, shown: Shown) -> Result<(String, String), ApiError> {
    let state = FlowState::from(FlowParts {
        api: call.api.clone(),
        sessions: call.api.extension::<Sessions>()?,
        users: call.api.extension::<Users>()?,
        passwords: call.api.extension::<Passwords>()?,
        pages: call.api.extension::<Pages>()?,
        stages: call.api.extension::<StageRegistry>()?,
        policies: Arc::clone(&*call.api.extension::<Arc<dyn Policies>>()?),
        limits: Arc::new(Limits::new(false)),
    });
    let mut client = ClientInfo::of(&call.parts);
    client.host = shown.host.unwrap_or(client.host);
    let user_agent = call.parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let visit = Visit {
        locale: locale(&configuration, &call.parts, &client, None),
        user_agent: user_agent.to_owned(),
        query: Query::parse(""),
        query_text: String::new(),
        request_id: request_id(&call.parts),
        request: call.principal.request.clone(),
        device: None,
        factor: None,
        client,
    };
    let mut session = state.sessions.anonymous(visit.client.ip, user_agent);
    let walk = Walk::new(&state, Arc::clone(&configuration), &shown.slug, &visit, &mut session);
    let mut walk = walk.ok_or_else(ApiError::not_found)?;
    let Reply::Challenge(challenge) = walk.enter().await? else {
        let message = "It shows no page: it leads somewhere else at once.";
        return Err(FieldErrors::one(vestibule_kernel::error::NON_FIELD, message).into());
    };
    let (name, mut shell) = dressed(&state, &configuration, &visit, &shown.slug, &challenge);
    if let theme @ ("light" | "dark") = call.text("theme") {
        shell.theme = Some(theme.to_owned());
    }
    // Its address knows what is saved alone.
    shell.custom_css_url = None;
    let brand = vestibule_directory::current_brand(&configuration, &visit.client.host_name());
    let css = brand.and_then(|brand| brand.get::<Brand>().map(|brand| brand.branding_custom_css.clone()));
    let html = state.pages.render(name, &shell, &Value::Object(challenge.clone()));
    let html = html.map_err(|error| ApiError::internal(format!("a page could not be rendered: {error}")))?;
    Ok((html, css.unwrap_or_default()))
}
