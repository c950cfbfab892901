//! Events as a resource: what happened, to be read, counted and, by outposts and scripts, written.

mod statistics;

use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_events::{Facts, Program, quarter_day};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{
    EventAction, Fields, Hooks, Inside, Kind, Lookup, Resource, Searchable, Shape, Spec, Suggest, Validation, WriteCx,
};
use vestibule_store::Param;

/// The model of events.
pub(crate) const MODEL: &str = "authentik_events.event";

/// An event.
#[derive(Fields)]
pub(crate) struct Event {
    /// The key.
    #[field(read_only, label = "Event uuid")]
    pub pk: Uuid,
    /// Who did it.
    #[field(default = {}, column = "user_json")]
    pub user: Object,
    /// What happened.
    pub action: EventAction,
    /// The part of the server it happened in.
    pub app: String,
    /// Details.
    #[field(default = {})]
    pub context: Object,
    /// Where the request came from.
    #[field(min = 1)]
    pub client_ip: Option<String>,
    /// When it happened.
    #[field(read_only)]
    pub created: DateTime<Utc>,
    /// Until when it is kept.
    #[field(optional)]
    pub expires: Option<DateTime<Utc>>,
    /// The brand of the host that was asked.
    #[field(default = vestibule_events::no_brand())]
    pub brand: Object,
    /// Columns that lists are filtered by.
    #[field(internal)]
    pub user_id: Option<i64>,
    /// See [`Facts`].
    #[field(internal)]
    pub username: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub context_username: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub model_app: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub model_name: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub model_pk: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub authorized_app: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub device: Option<String>,
    /// See [`Facts`].
    #[field(internal)]
    pub brand_name: Option<String>,
    /// Which quarter of a day it happened in.
    #[field(internal)]
    pub quarter_day: Option<i64>,
}

/// The kind of events.
pub(crate) fn kind() -> Kind {
    Kind::record::<Event>()
}

type Condition = Result<Option<(String, Vec<Param>)>, FieldErrors>;

/// What expressions of the search language may name.
const SEARCHABLE: [Searchable; 8] = [
    Searchable::new("action").suggest(Suggest::Choices),
    Searchable::new("event_uuid").of("pk"),
    Searchable::new("app").suggest(Suggest::Recent("created")),
    Searchable::new("client_ip"),
    Searchable::new("user").inside(&[Inside::Integer("pk"), Inside::Text("username"), Inside::Text("email")]),
    Searchable::new("brand").inside(&[
        Inside::Text("pk"),
        Inside::Text("app"),
        Inside::Text("name"),
        Inside::Text("model_name"),
    ]),
    Searchable::new("context").inside(&[Inside::Json(
        "http_request",
        &[
            Inside::Json("args", &[]),
            Inside::Text("path"),
            Inside::Text("method"),
            Inside::Text("request_id"),
            Inside::Text("user_agent"),
        ],
    )]),
    Searchable::new("created").suggest(Suggest::Own),
];

impl Resource for Event {
    fn spec() -> Spec {
        let spec = Spec::new("events/events", MODEL, "Event")
            .verbose("Event", "Events")
            .table("events", "pk")
            .lookup("pk", "event_uuid")
            .search(&["pk", "user", "action", "app", "context", "client_ip"])
            .searchable(&SEARCHABLE)
            .order(&["-created"])
            .filter_with("action", "action", Lookup::Contains, Shape::TEXT)
            .filter_with("actions", "action", Lookup::Sql(one_of), Shape::Choice(&EventAction::CHOICES).list())
            .filter(&["brand_name", "client_ip"])
            .filter_with("context_authorized_app", "authorized_app", Lookup::Sql(by_application), Shape::TEXT)
            .filter_with("context_device", "device", Lookup::Sql(by_device), Shape::TEXT)
            .filter(&["context_model_app=model_app", "context_model_name=model_name"])
            .filter_with("context_model_pk", "model_pk", Lookup::Sql(by_model), Shape::TEXT)
            .filter_with("username", "username", Lookup::Sql(by_username), Shape::TEXT)
            .describe(|object| object.get("action").and_then(Value::as_str).unwrap_or_default().to_owned())
            .hooks(&EventHooks)
            .without_used_by()
            .unaudited();
        statistics::operations().into_iter().fold(spec, Spec::operation)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.given.get("client_ip").and_then(Value::as_str).is_some_and(|text| text.parse::<IpAddr>().is_err()) {
            errors.add("client_ip", "Enter a valid IPv4 or IPv6 address.");
        }
    }
}

/// Any of the actions named.
fn one_of(text: &str) -> Condition {
    let actions: Vec<&str> = text.split(',').filter(|one| !one.is_empty()).collect();
    let known = |action: &&str| EventAction::CHOICES.values.iter().any(|(value, _)| value == action);
    if let Some(unknown) = actions.iter().find(|action| !known(action)) {
        let message = format!("Select a valid choice. {unknown} is not one of the available choices.");
        return Err(FieldErrors::one("actions", message));
    }
    let places = vec!["$?"; actions.len()].join(", ");
    let params = actions.into_iter().map(Param::from).collect();
    Ok((!places.is_empty()).then(|| (format!("action IN ({places})"), params)))
}

fn by_key(column: &str, text: &str) -> Condition {
    Ok(Some((format!("{column} = $?"), vec![text.replace('-', "").into()])))
}

fn by_application(text: &str) -> Condition {
    by_key("authorized_app", text)
}

fn by_device(text: &str) -> Condition {
    by_key("device", text)
}

fn by_model(text: &str) -> Condition {
    by_key("model_pk", text)
}

/// Who did it, or whose name was given.
fn by_username(text: &str) -> Condition {
    Ok(Some(("username = $? OR context_username = $?".into(), vec![text.into(), text.into()])))
}

struct EventHooks;

#[async_trait]
impl Hooks for EventHooks {
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none() {
            let now = cx.ctx.now();
            object.insert("created".into(), stamp(now));
            object.insert("quarter_day".into(), quarter_day(now).into());
            if object.get("expires").is_none_or(Value::is_null) {
                let program = cx.change.configuration().index::<Program>();
                object.insert("expires".into(), stamp(program.expiry(now)));
            }
        }
        let part = |name: &str| object.get(name).cloned().unwrap_or(Value::Null);
        let user = part("user");
        let facts = Facts::of(&user, &part("context"), &part("brand"));
        let columns = [
            ("user_id", user.get("pk").and_then(Value::as_i64).into()),
            ("username", facts.username.into()),
            ("context_username", facts.context_username.into()),
            ("model_app", facts.model_app.into()),
            ("model_name", facts.model_name.into()),
            ("model_pk", facts.model_pk.into()),
            ("authorized_app", facts.authorized_app.into()),
            ("device", facts.device.into()),
            ("brand_name", facts.brand_name.into()),
        ];
        object.extend(columns.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
        Ok(())
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        // Rules hear of events that scripts write, too.
        let action = object.get("action").and_then(Value::as_str).unwrap_or_default();
        if cx.existing.is_none() && cx.change.configuration().index::<Program>().is_awaited(action) {
            let arguments = serde_json::json!({"event": object.get("pk")});
            let task = vestibule_tasks::NewTask::new(vestibule_events::DISPATCH, arguments);
            task.enqueue(cx.ctx, cx.change.transaction()).await?;
        }
        Ok(())
    }
}

/// A moment as objects keep it.
pub(crate) fn stamp(at: DateTime<Utc>) -> Value {
    at.to_rfc3339_opts(SecondsFormat::Micros, true).into()
}
