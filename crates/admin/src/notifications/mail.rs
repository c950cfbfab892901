//! A notification as a mail: what happened, who did it, and where to read more.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_tasks::TaskError;

use super::deliver::Message;
use super::transport::NotificationTransport;
use super::{Mailer, Services};

/// Most letters of one detail.
const LONGEST: usize = 1000;

#[async_trait]
impl Mailer for vestibule_mail::Mailer {
    async fn send(&self, to: (&str, &str), subject: &str, text: &str, html: &str) -> Result<(), String> {
        let message = vestibule_mail::Message {
            to: vec![(to.0.to_owned(), to.1.to_owned())],
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: Some(html.to_owned()),
            ..vestibule_mail::Message::default()
        };
        self.send(&message).await.map_err(|error| error.to_string())
    }
}

/// Sends it; under which subject.
pub(super) async fn send(
    services: &Services,
    transport: &NotificationTransport,
    message: &Message,
) -> Result<String, TaskError> {
    let to = &message.recipient;
    let Some(mailer) = &services.mailer else {
        return Err(TaskError::Hopeless("This server cannot send mails: it has no settings for that.".into()));
    };
    let subject = line(&format!("{}{}", transport.email_subject_prefix, message.action));
    let facts = facts(message);
    mailer
        .send((&to.name, &to.email), &subject, &text(message, &facts), &html(message, &facts))
        .await
        .map_err(TaskError::Retry)?;
    Ok(subject)
}

/// A text as one line: what ends a header is no part of one.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What is told besides: who, and the event's details.
fn facts(message: &Message) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for (name, key) in [("event_user_username", "username"), ("event_user_email", "email")] {
        if let Some(value) = message.event_user(key).filter(|value| !value.is_empty()) {
            facts.push((name.to_owned(), value.to_owned()));
        }
    }
    for (name, value) in message.context.as_object().into_iter().flatten() {
        if let Value::String(value) = value {
            facts.push((name.clone(), value.chars().take(LONGEST).collect()));
        }
    }
    facts
}

fn text(message: &Message, facts: &[(String, String)]) -> String {
    let mut text = format!("{}\n\n", message.body);
    for (name, value) in facts {
        text.push_str(&format!("{name}: {}\n", line(value)));
    }
    if let Some(target) = &message.hyperlink {
        text.push_str(&format!("\n{target}\n"));
    }
    text
}

fn html(message: &Message, facts: &[(String, String)]) -> String {
    let mut rows = String::new();
    for (name, value) in facts {
        rows.push_str(&format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value)));
    }
    let link = match &message.hyperlink {
        Some(target) if target.starts_with("https://") || target.starts_with("http://") => {
            let label = message.hyperlink_label.as_deref().unwrap_or(target);
            format!("<p><a href=\"{}\">{}</a></p>", escape(target), escape(label))
        }
        _ => String::new(),
    };
    let body = escape(&message.body);
    format!(
        "<!doctype html><html><body><h1>{}</h1><p>{body}</p><table>{rows}</table>{link}</body></html>",
        escape(&message.action)
    )
}

/// A text that means nothing to HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
