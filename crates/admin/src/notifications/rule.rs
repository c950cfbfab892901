//! Rules: who is told of which events. Which ones says what is bound to the rule; without a binding it matches nothing.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::resources::group::Group;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Fields, Hooks, Kind, Lookup, Represent, Resource, Shape, Spec, select};
use vestibule_store::{DocumentType, Param};

use super::Severity;

/// What policies, users and groups can be bound to.
const BOUND_TO: &str = "authentik_policies.policybindingmodel";
/// The model of groups.
const GROUP: &str = "authentik_core.group";

/// A rule.
#[derive(Clone, Debug, Fields)]
pub(super) struct NotificationRule {
    /// The key.
    #[field(read_only)]
    pub pk: Uuid,
    /// A name for administrators.
    #[field(unique = "This field must be unique.")]
    pub name: String,
    /// How it is told; without any, nobody hears of it.
    #[field(references = "authentik_events.notificationtransport", default = [])]
    pub transports: Vec<Uuid>,
    /// How much it matters.
    #[field(default = "notice")]
    pub severity: Severity,
    /// The group whose members are told.
    #[field(references = "authentik_core.group")]
    pub destination_group: Option<Uuid>,
    /// The same, in full.
    #[field(computed = group, shape = Shape::Object("Group", Group::fields), nullable)]
    pub destination_group_obj: Value,
    /// Whether the user who caused the event is told too.
    #[field(default = false)]
    pub destination_event_user: bool,
}

impl DocumentType for NotificationRule {
    const KIND: &'static str = "authentik_events.notificationrule";
}

/// The kind of rules.
pub(super) fn kind() -> Kind {
    Kind::document::<NotificationRule>()
}

impl Resource for NotificationRule {
    fn spec() -> Spec {
        Spec::new("events/rules", Self::KIND, "NotificationRule")
            .verbose("Notification Rule", "Notification Rules")
            .lookup("pk", "pbm_uuid")
            .also(BOUND_TO, "pk")
            .describe(|object| {
                format!("Notification Rule {}", object.get("name").and_then(Value::as_str).unwrap_or_default())
            })
            .search(&["name"])
            .search_referred("destination_group", "SELECT pk FROM groups WHERE name_folded LIKE $1 ESCAPE '\\'")
            .order(&["name"])
            .filter(&["name", "severity"])
            .filter_with(
                "destination_group__name",
                "destination_group",
                Lookup::Named { table: "groups", column: "name" },
                Shape::TEXT,
            )
            .hooks(&RuleHooks)
    }
}

fn group(represent: &Represent<'_>, object: &Object) -> Value {
    match (represent.registry.kind(GROUP), object.get("destination_group_obj")) {
        (Some(kind), Some(Value::Object(group))) => Value::Object(represent.fields(&kind.fields, group)),
        _ => Value::Null,
    }
}

struct RuleHooks;

#[async_trait]
impl Hooks for RuleHooks {
    /// Adds the groups, as groups show themselves.
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let Some(kind) = api.registry.kind(GROUP) else { return Ok(()) };
        let key = |object: &Object| object.get("destination_group").and_then(Value::as_str).map(str::to_owned);
        let mut keys: Vec<Uuid> = objects.iter().filter_map(key).filter_map(|key| key.parse().ok()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut groups = Vec::new();
        if !keys.is_empty() {
            let places: Vec<String> = (1..=keys.len()).map(|number| format!("${number}")).collect();
            let tail = format!(" WHERE pk IN ({})", places.join(", "));
            groups = select(api.store.database(), kind, &tail, keys.into_iter().map(Param::from).collect()).await?;
            kind.attach(api, &Query::default(), &mut groups).await?;
        }
        for object in objects {
            let own = key(object);
            let group = groups.iter().find(|group| group.get("pk").and_then(Value::as_str) == own.as_deref());
            object.insert("destination_group_obj".into(), group.cloned().map_or(Value::Null, Value::Object));
        }
        Ok(())
    }
}
