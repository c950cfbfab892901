//! What a policy is asked, and what it answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_expression_host::Outside;
use vestibule_flow::Occasion;
use vestibule_kernel::{Ctx, Object};
use vestibule_resource::Registry;
use vestibule_store::{Configuration, Store, StoreError};

use crate::subject::Subject;

/// What the settings say about policies.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Where is asked whether a password is known to thieves; the first five digits of its hash follow.
    pub hibp_url: String,
    /// How long a reputation lasts from its first attempt on.
    pub reputation_lasts: TimeDelta,
    /// The reputation of an account, over all addresses, at which it is locked; `None`: none is.
    pub lockout_score: Option<i64>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            hibp_url: "https://api.pwnedpasswords.com/range/".into(),
            reputation_lasts: TimeDelta::days(1),
            lockout_score: None,
        }
    }
}

/// What policies work with.
#[derive(Clone)]
pub struct Means {
    /// Database and configuration.
    pub store: Store,
    /// Time and randomness.
    pub ctx: Ctx,
    /// What is served.
    pub registry: Arc<Registry>,
    /// Other servers, and what else programs reach.
    pub outside: Arc<Outside>,
    /// What the settings say.
    pub settings: Arc<PolicySettings>,
}

/// What a policy is asked.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What it works with.
    pub means: &'a Means,
    /// The configuration at the start of the request.
    pub configuration: &'a Configuration,
    /// Who wants to pass.
    pub subject: &'a Subject,
    /// What it is about: the target of the binding.
    pub target: Option<Uuid>,
    /// The circumstances.
    pub occasion: Occasion<'a>,
    /// Whether it is tried out: then nothing that it would do is done.
    pub trial: bool,
}

impl<'a> Request<'a> {
    /// The client's address.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.occasion.request.client_ip.as_deref()?.parse().ok()
    }

    /// Who wants to pass; `None`: nobody, or somebody by a name that nobody has.
    ///
    /// # Errors
    /// The database.
    pub async fn user(&self) -> Result<Option<&'a UserRow>, StoreError> {
        self.subject.row(self.means).await
    }

    /// The name of who wants to pass: the user's, else what was typed.
    ///
    /// # Errors
    /// The database.
    pub async fn username(&self) -> Result<&'a str, StoreError> {
        let typed = || self.occasion.plan.and_then(|plan| plan.pending.as_ref());
        Ok(match self.user().await? {
            Some(user) => &user.username,
            None => typed().map_or("", |pending| pending.identifier.as_str()),
        })
    }

    /// Something of the context, by name: what was given with the question, what the plan holds, what is known of the
    /// address.
    pub fn context(&self, name: &str) -> Option<&'a Value> {
        let given = self.occasion.context.and_then(|context| context.get(name));
        let planned = || self.occasion.plan.and_then(|plan| plan.context.get(name));
        let located = || match name {
            "geoip" => Some(&self.occasion.request.geo),
            "asn" => Some(&self.occasion.request.asn),
            _ => None,
        };
        given.or_else(planned).or_else(|| located().filter(|value| !value.is_null()))
    }

    /// The whole context.
    pub fn whole_context(&self) -> Object {
        let mut context = self.occasion.plan.map(|plan| plan.context.clone()).unwrap_or_default();
        for (name, value) in [("geoip", &self.occasion.request.geo), ("asn", &self.occasion.request.asn)] {
            if !value.is_null() {
                context.insert(name.into(), value.clone());
            }
        }
        context.extend(self.occasion.context.cloned().unwrap_or_default());
        context
    }
}

/// A line that a policy wrote into the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// `debug`, `info`, `warning`, `error`.
    pub level: &'static str,
    /// Who wrote it.
    pub logger: String,
    /// The message.
    pub event: String,
    /// What else it says.
    pub attributes: Value,
}

impl LogLine {
    /// As the wire has it.
    pub fn to_json(&self) -> Value {
        json!({
            "timestamp": self.at, "log_level": self.level, "logger": self.logger, "event": self.event,
            "attributes": self.attributes,
        })
    }
}

/// What a policy answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyResult {
    /// Whether it lets pass.
    pub passing: bool,
    /// What it wants to be said to the person.
    pub messages: Vec<String>,
    /// What it wrote into the log.
    pub log: Vec<LogLine>,
    /// What it changed of the plan.
    pub changes: Option<Changes>,
    /// What it answered by itself, before that was taken for yes or no.
    pub answer: Value,
}

/// What a policy changes of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// The whole context, as it is now.
    pub context: Object,
    /// The key of whom the plan is about from here on; `None`: whom it was about.
    pub user: Option<i64>,
}

impl PolicyResult {
    /// An answer without a word.
    pub fn of(passing: bool) -> Self {
        Self { passing, ..Self::default() }
    }

    /// A no, and why.
    pub fn no(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], ..Self::default() }
    }
}

/// Why a policy could not answer. Administrators read it; nobody else does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyException {
    /// What sort of failure it was, as an event names it.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// In which line of an expression.
    pub line: Option<usize>,
}

impl PolicyException {
    /// A failure.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), line: None }
    }

    /// It took longer than it may.
    pub fn timed_out(after: Duration) -> Self {
        Self::new("TimeoutError", format!("The policy took longer than {} seconds.", after.as_secs()))
    }
}

impl From<StoreError> for PolicyException {
    fn from(error: StoreError) -> Self {
        Self::new("DatabaseError", error.to_string())
    }
}
