//! Webhooks: a POST of JSON, through the guard that keeps the server from talking to its own inside.

use serde_json::{Map, Value, json};
use vestibule_http_client::FetchError;
use vestibule_tasks::TaskError;

use super::Services;
use super::deliver::Message;
use super::transport::NotificationTransport;

/// What chat systems take at most: fields, letters of a name, letters of a value.
const FIELDS: usize = 25;
const NAME: usize = 256;
const VALUE: usize = 1024;

/// Where a webhook goes.
pub(super) struct Target<'a> {
    /// The transport.
    pub transport: &'a NotificationTransport,
    /// The certificate of the authority that its server is believed by, PEM; none: the public ones.
    pub authority: Option<String>,
}

/// The usual body.
pub(super) async fn send(
    services: &Services,
    target: &Target<'_>,
    message: &Message,
) -> Result<Vec<String>, TaskError> {
    let transport = target.transport;
    if transport.webhook_mapping_body.is_some() || transport.webhook_mapping_headers.is_some() {
        let reason = "This webhook has a property mapping, and this server does not evaluate expressions yet.";
        return Err(TaskError::Hopeless(reason.into()));
    }
    let mut body = json!({
        "body": message.body,
        "severity": message.severity,
        "user_email": message.recipient.email,
        "user_username": message.recipient.username,
    });
    if let Some(body) = body.as_object_mut().filter(|_| message.event_user.get("username").is_some()) {
        body.insert("event_user_email".into(), message.event_user("email").into());
        body.insert("event_user_username".into(), message.event_user("username").into());
    }
    post(services, target, &body).await
}

/// The body that Slack, and what imitates it, shows as a message.
pub(super) async fn send_slack(
    services: &Services,
    target: &Target<'_>,
    message: &Message,
) -> Result<Vec<String>, TaskError> {
    let field = |title: &str, value: &str| json!({"title": title, "value": value, "short": true});
    let mut fields =
        vec![field("Severity", &message.severity), field("Dispatched for user", &message.recipient.username)];
    if let Some(username) = message.event_user("username") {
        fields.push(field("Event user", username));
    }
    let details = message.context.as_object().into_iter().flatten();
    for (name, value) in details {
        if let (Some(value), true) = (value.as_str(), fields.len() < FIELDS) {
            fields.push(json!({"title": cut(name, NAME), "value": cut(value, VALUE)}));
        }
    }
    let mut attachment = Map::new();
    attachment.insert("author_name".into(), "Vestibule".into());
    if !services.base_url.is_empty() {
        attachment.insert("author_link".into(), services.base_url.as_str().into());
    }
    attachment.insert("title".into(), message.action.as_str().into());
    attachment.insert("text".into(), cut(&message.body, VALUE).into());
    attachment.insert("color".into(), "#3b5bdb".into());
    attachment.insert("fields".into(), fields.into());
    attachment.insert("footer".into(), concat!("Vestibule ", env!("CARGO_PKG_VERSION")).into());
    let body = json!({"username": "Vestibule", "attachments": [Value::Object(attachment)]});
    post(services, target, &body).await
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

async fn post(services: &Services, target: &Target<'_>, body: &Value) -> Result<Vec<String>, TaskError> {
    match services.http.notify(&target.transport.webhook_url, body, target.authority.as_deref()).await {
        Ok((status, text)) => Ok(vec![status.to_string(), text]),
        Err(error) => {
            let reason = error.to_string();
            Err(match error {
                // The same address gives the same answer.
                FetchError::Address | FetchError::NotPermitted | FetchError::NoTls | FetchError::Authority => {
                    TaskError::Hopeless(reason)
                }
                // Told that it is wrong, not that it is too much.
                FetchError::Status(status) if (400..500).contains(&status) && status != 408 && status != 429 => {
                    TaskError::Hopeless(reason)
                }
                _ => TaskError::Retry(reason),
            })
        }
    }
}
