//! What the configuration says about events: how long they are kept, and whether rules wait for them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use vestibule_kernel::duration;
use vestibule_store::{Configuration, Index};

/// The task that asks the rules about an event.
pub const DISPATCH: &str = "authentik.events.tasks.event_trigger_dispatch";

/// How long an event is kept unless the settings say otherwise.
const RETENTION: TimeDelta = TimeDelta::days(365);

/// What the configuration says about events.
pub struct Program {
    retention: TimeDelta,
    rules: bool,
}

impl Index for Program {
    fn build(configuration: &Configuration) -> Self {
        let set = configuration.documents("authentik_tenants.tenant").next();
        let retention = set.and_then(|settings| duration::parse(settings.text("event_retention")).ok());
        // A rule matches by what is bound to it; without a binding it never does.
        let rules = configuration.documents("authentik_events.notificationrule").any(|rule| {
            let key = rule.pk.to_string();
            let bindings = configuration.documents("authentik_policies.policybinding");
            bindings.into_iter().any(|binding| {
                binding.text("target") == key && binding.value.get("enabled") != Some(&Value::Bool(false))
            })
        });
        Self { retention: retention.filter(|span| *span > TimeDelta::zero()).unwrap_or(RETENTION), rules }
    }
}

impl Program {
    /// Until when an event of this moment is kept.
    pub fn expiry(&self, created: DateTime<Utc>) -> DateTime<Utc> {
        created.checked_add_signed(self.retention).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether a rule could match.
    pub fn has_rules(&self) -> bool {
        self.rules
    }
}
