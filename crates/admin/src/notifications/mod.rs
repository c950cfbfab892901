//! Who is told of events: rules say whom, transports say how, notifications are what they see.

mod deliver;
mod dispatch;
mod mail;
mod notification;
mod rule;
mod transport;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_expression_host::Outside;
use vestibule_flow::Policies;
use vestibule_resource::{Choices, Kind};
use vestibule_tasks::Actor;

vestibule_resource::choices! {
    /// How much a notification matters.
    pub enum Severity: "SeverityEnum" {
        Notice = "notice" "Notice",
        Warning = "warning" "Warning",
        Alert = "alert" "Alert",
    }
}

/// Sends mails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one: to whom (name and address), its subject, its text, and the same as HTML.
    ///
    /// # Errors
    /// Why it was not sent, for administrators.
    async fn send(&self, to: (&str, &str), subject: &str, text: &str, html: &str) -> Result<(), String>;
}

/// What deliveries need.
#[derive(Clone)]
pub struct Services {
    /// Sends webhooks.
    pub outside: Arc<Outside>,
    /// Sends mails, where that is set up.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Knows what is bound to rules.
    pub policies: Arc<dyn Policies>,
    /// Where people reach this server.
    pub base_url: String,
}

/// Kinds of this folder.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![notification::kind(), rule::kind(), transport::kind()]
}

/// Who does the tasks of this folder.
pub(crate) fn actors(services: &Services) -> Vec<Actor> {
    dispatch::actors(services)
}

/// A choice's label.
fn label(choices: &Choices, value: &str) -> String {
    let found = choices.values.iter().find(|(known, _)| *known == value);
    found.map_or_else(|| value.to_owned(), |(_, label)| (*label).to_owned())
}
