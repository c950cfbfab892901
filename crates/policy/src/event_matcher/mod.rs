//! Passes for events of some sort: what rules are bound to, that tell people of them.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_resource::{Choices, EventAction, Fields, Kind, Lookup, MODELS, Resource, Shape, Spec, row_matches};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

mod apps;

use apps::APPS;

/// The name of the event in the context of a question.
pub(crate) const EVENT: &str = "event";
/// The model of events.
const MODEL: &str = "authentik_events.event";
/// Models, for the field.
static KINDS: &Choices = &MODELS;

/// Passes for events of some sort: all that is set must fit.
#[derive(Clone, Debug, Fields)]
pub struct EventMatcherPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// What happened.
    pub action: Option<EventAction>,
    /// The address that it came from, exactly.
    #[field(min = 1)]
    pub client_ip: Option<String>,
    /// The application that it happened in.
    #[field(shape = Shape::Choice(&APPS))]
    pub app: Option<String>,
    /// The kind of object that it happened to.
    #[field(shape = Shape::Choice(KINDS))]
    pub model: Option<String>,
    /// A search, as the list of events has it.
    #[field(min = 1)]
    pub query: Option<String>,
}

impl DocumentType for EventMatcherPolicy {
    const KIND: &'static str = "authentik_policies_event_matcher.eventmatcherpolicy";
}

impl Resource for EventMatcherPolicy {
    fn spec() -> Spec {
        Spec::new("policies/event_matcher", Self::KIND, "EventMatcherPolicy")
            .verbose("Event Matcher Policy", "Event Matcher Policies")
            .component("ak-policy-event-matcher-form")
            .says("Passes for events of some sort.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name", "action", "client_ip", "execution_logging", "policy_uuid=pk", "query"])
            .filter_with("app", "app", Lookup::Exact, Shape::TEXT)
            .filter_with("model", "model", Lookup::Exact, Shape::TEXT)
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<EventMatcherPolicy>,
    policy: |document| document.get::<EventMatcherPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

#[async_trait]
impl Policy for EventMatcherPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let Some(event) = request.context(EVENT) else { return Ok(PolicyResult::default()) };
        let mut checks: Vec<(bool, &str)> = Vec::new();
        if let Some(query) = &self.query {
            checks.push((finds(query, event, request).await?, "Query matched."));
        }
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(action) = self.action {
            checks.push((text("action") == action.as_str(), "Action matched."));
        }
        if let Some(address) = &self.client_ip {
            checks.push((text("client_ip") == address, "Client IP matched."));
        }
        if let Some(app) = &self.app {
            checks.push((is_within(text("app"), app), "App matched."));
        }
        if let Some(model) = &self.model {
            let of = event.get("context").and_then(|context| context.get("model"));
            let part = |name: &str| of.and_then(|of| of.get(name)).and_then(Value::as_str).unwrap_or_default();
            checks.push((format!("{}.{}", part("app"), part("model_name")) == *model, "Model matched."));
        }
        let passing = checks.iter().all(|(fits, _)| *fits);
        let messages = checks.into_iter().map(|(_, message)| message.to_owned()).collect();
        Ok(PolicyResult { passing, messages, ..PolicyResult::default() })
    }
}

/// Whether a part of the server belongs to an application: an event names the part.
fn is_within(part: &str, app: &str) -> bool {
    part.strip_prefix(app).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a search finds the event.
async fn finds(query: &str, event: &Value, request: &Request<'_>) -> Result<bool, PolicyException> {
    let means = request.means;
    let key = event.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse::<Uuid>().ok());
    let (Some(kind), Some(key)) = (means.registry.kind(MODEL), key) else { return Ok(false) };
    match row_matches(means.store.database(), kind, key.into(), query).await? {
        Some(found) => Ok(found),
        None => Err(PolicyException::new("DjangoQLParserError", "The query cannot be read.")),
    }
}
