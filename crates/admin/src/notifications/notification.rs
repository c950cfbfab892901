//! A notification: what a user sees of an event.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission, no_content};
use vestibule_resource::http::Query;
use vestibule_resource::{
    Access, Api, Call, Computed, Fields, Hooks, Kind, Lookup, OnDelete, Operation, Represent, Resource, Shape, Spec,
    Verb, select,
};
use vestibule_store::{Durability, Param};

use super::Severity;
use crate::events::{self, Event};

/// The model of users.
const USER: &str = "authentik_core.user";
/// Letters of a notification that name it.
const SHOWN: usize = 75;

/// A notification.
#[derive(Fields)]
pub(super) struct Notification {
    /// The key.
    #[field(read_only, label = "Uuid")]
    pub pk: Uuid,
    /// How much it matters.
    #[field(read_only)]
    pub severity: Severity,
    /// What it says.
    #[field(read_only)]
    pub body: String,
    /// Where it leads.
    #[field(blank, max = 4096)]
    pub hyperlink: Option<String>,
    /// What the link is called.
    #[field(blank)]
    pub hyperlink_label: Option<String>,
    /// When it was sent.
    #[field(read_only)]
    pub created: DateTime<Utc>,
    /// The event it tells of.
    #[field(computed = event, shape = Shape::Object("Event", Event::fields))]
    pub event: Computed,
    /// Whether the user has seen it.
    #[field(default = false)]
    pub seen: bool,
    /// The event's key.
    #[field(internal)]
    pub event_pk: Option<Uuid>,
    /// Whose it is.
    #[field(internal, column = "user_id")]
    pub user: i64,
}

/// The kind of notifications.
pub(super) fn kind() -> Kind {
    let mut kind = Kind::record::<Notification>();
    for field in kind.fields.iter_mut().filter(|field| field.name == "event") {
        // Understood in requests, as clients send back what they got; it changes nothing.
        field.access = Access::ReadWrite;
    }
    kind
}

impl Resource for Notification {
    fn spec() -> Spec {
        Spec::new("events/notifications", "authentik_events.notification", "Notification")
            .verbose("Notification", "Notifications")
            .table("notifications", "pk")
            .lookup("pk", "uuid")
            .search(&["body"])
            .order(&["-created"])
            .filter(&["body", "created", "seen", "severity"])
            .filter_with("event", "event_pk", Lookup::Exact, Shape::Reference(events::MODEL, OnDelete::SetNull))
            .filter_with("user", "user", Lookup::Exact, Shape::Reference(USER, OnDelete::Cascade))
            .describe(|object| {
                let body = object.get("body").and_then(Value::as_str).unwrap_or_default();
                let more = if body.chars().count() > SHOWN { ".." } else { "" };
                let start: String = body.chars().take(SHOWN).collect();
                let user = object.get("user").and_then(Value::as_i64).unwrap_or_default();
                format!("Notification for user {user}: {start}{more}")
            })
            .hooks(&NotificationHooks)
            .owner("user")
            .verbs(&[Verb::View, Verb::Change, Verb::Delete])
            .unaudited()
            .operation(
                Operation::new(
                    Method::POST,
                    "mark_all_seen/",
                    "events_notifications_mark_all_seen_create",
                    None,
                    mark_all_seen,
                )
                .permission(Permission::SignedIn)
                .doc("Marks one's own notifications as seen."),
            )
    }
}

fn event(represent: &Represent<'_>, object: &Object) -> Value {
    match (represent.registry.kind(events::MODEL), object.get("event")) {
        (Some(kind), Some(Value::Object(event))) => Value::Object(represent.fields(&kind.fields, event)),
        _ => Value::Null,
    }
}

struct NotificationHooks;

#[async_trait]
impl Hooks for NotificationHooks {
    /// Adds the events: one query.
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let Some(kind) = api.registry.kind(events::MODEL) else { return Ok(()) };
        let key = |object: &Object| object.get("event_pk").and_then(Value::as_str).map(str::to_owned);
        let keys: Vec<Param> =
            objects.iter().filter_map(key).filter_map(|key| key.parse::<Uuid>().ok()).map(Param::from).collect();
        let mut found = Vec::new();
        if !keys.is_empty() {
            let places: Vec<String> = (1..=keys.len()).map(|number| format!("${number}")).collect();
            let tail = format!(" WHERE pk IN ({})", places.join(", "));
            found = select(api.store.database(), kind, &tail, keys).await?;
        }
        for object in objects {
            let own = key(object);
            let event = found.iter().find(|event| event.get("pk").and_then(Value::as_str) == own.as_deref());
            object.insert("event".into(), event.cloned().map_or(Value::Null, Value::Object));
        }
        Ok(())
    }
}

async fn mark_all_seen(call: Call) -> Answer {
    let sql = "UPDATE notifications SET seen = TRUE WHERE user_id = $1 AND NOT seen";
    let params = vec![call.principal.user().into()];
    call.api.store.database().execute(Durability::Process, sql, params).await?;
    no_content()
}
