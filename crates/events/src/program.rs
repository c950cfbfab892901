//! What the configuration says about events: how long they are kept, and whether rules wait for them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use vestibule_kernel::duration;
use vestibule_store::{Configuration, Document, Index};

/// The task that asks the rules about an event.
pub const DISPATCH: &str = "authentik.events.tasks.event_trigger_dispatch";

/// The policy that looks at events.
const MATCHER: &str = "authentik_policies_event_matcher.eventmatcherpolicy";

/// How long an event is kept unless the settings say otherwise.
const RETENTION: TimeDelta = TimeDelta::days(365);

/// What the configuration says about events.
pub struct Program {
    retention: TimeDelta,
    rules: Rules,
}

/// What rules wait for.
enum Rules {
    /// Events of these actions, at most.
    Actions(BTreeSet<String>),
    /// Any event.
    Any,
}

impl Index for Program {
    fn build(configuration: &Configuration) -> Self {
        let set = configuration.documents("authentik_tenants.tenant").next();
        let retention = set.and_then(|settings| duration::parse(settings.text("event_retention")).ok());
        let rules = configuration.documents("authentik_events.notificationrule");
        let rules: BTreeSet<String> = rules.map(|rule| rule.pk.to_string()).collect();
        // A rule matches by what is bound to it; without a binding it never does.
        let bindings = configuration.documents("authentik_policies.policybinding").filter(|binding| {
            rules.contains(binding.text("target")) && binding.value.get("enabled") != Some(&Value::Bool(false))
        });
        let actions: Option<BTreeSet<String>> = bindings.map(|binding| only_action(configuration, binding)).collect();
        let rules = actions.map_or(Rules::Any, Rules::Actions);
        Self { retention: retention.filter(|span| *span > TimeDelta::zero()).unwrap_or(RETENTION), rules }
    }
}

impl Program {
    /// Until when an event of this moment is kept.
    pub fn expiry(&self, created: DateTime<Utc>) -> DateTime<Utc> {
        created.checked_add_signed(self.retention).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// What happened before this is kept no longer.
    pub fn forgets(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_sub_signed(self.retention).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Whether a rule could match an event of this action.
    pub fn is_awaited(&self, action: &str) -> bool {
        match &self.rules {
            Rules::Actions(actions) => actions.contains(action),
            Rules::Any => true,
        }
    }
}

/// The one action whose events a binding lets pass; `None` where it is not as simple as that.
fn only_action(configuration: &Configuration, binding: &Document) -> Option<String> {
    if binding.value.get("negate") == Some(&Value::Bool(true)) {
        return None;
    }
    let policy = configuration.find(binding.text("policy").parse().ok()?)?;
    let is_simple = policy.kind == MATCHER && policy.text("query").is_empty();
    Some(policy.text("action").to_owned()).filter(|action| is_simple && !action.is_empty())
}
