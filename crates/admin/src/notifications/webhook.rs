//! Webhooks: a POST of JSON, through the guard that keeps the server from talking to its own inside.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;
use vestibule_directory::Users;
use vestibule_expression::Value as Made;
use vestibule_expression_host::{Circumstances, DocumentObject, UserObject};
use vestibule_http_client::FetchError;
use vestibule_kernel::Actor;
use vestibule_property_mappings::Mappings;
use vestibule_store::Store;
use vestibule_tasks::TaskError;

use super::Services;
use super::deliver::{Message, Recipient};
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

/// The body and the headers that the transport's mappings make; the usual ones where it has none.
pub(super) async fn send(
    services: &Services,
    store: &Store,
    target: &Target<'_>,
    message: &Message,
) -> Result<Vec<String>, TaskError> {
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
    if let Some(made) = mapped(services, store, target.transport.webhook_mapping_body, message).await? {
        body = made.to_json();
    }
    let headers = match mapped(services, store, target.transport.webhook_mapping_headers, message).await? {
        None | Some(Made::None) => Vec::new(),
        Some(Made::Dict(pairs)) => {
            let text = |value: &Made| value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned);
            pairs.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        Some(_) => return Err(TaskError::Hopeless("The mapping of the headers makes no dictionary.".into())),
    };
    post(services, target, &body, &headers).await
}

/// What a mapping makes of a message; none where there is no mapping.
async fn mapped(
    services: &Services,
    store: &Store,
    mapping: Option<Uuid>,
    message: &Message,
) -> Result<Option<Made>, TaskError> {
    let Some(pk) = mapping else { return Ok(None) };
    let Some(mapping) = store.configuration().find(pk).cloned() else { return Ok(None) };
    let Recipient { pk, username, email, .. } = &message.recipient;
    let circumstances = Circumstances {
        actor: Actor::User { pk: *pk, username: username.clone(), email: email.clone() },
        // A webhook that tells of an event is not told of: it would go round for ever.
        told: false,
        ..Circumstances::default()
    };
    let user = Users::new(store.clone(), store.ctx().clone()).by_pk(*pk).await?;
    let user = user.map(|row| Made::object(UserObject::new(store.clone(), row).under(Arc::new(circumstances.clone()))));
    let mappings = Mappings { store: store.clone(), outside: Arc::clone(&services.outside), circumstances };
    let inputs =
        vec![("user".to_owned(), user.unwrap_or_default()), ("notification".to_owned(), notification(message))];
    let made = mappings.run(&mapping, inputs).await;
    made.map(Some).map_err(|failure| TaskError::Hopeless(format!("{}: {failure}", mapping.text("name"))))
}

/// A message, as mappings see it.
fn notification(message: &Message) -> Made {
    let event = DocumentObject::new(
        "Event",
        [
            ("pk", message.event.to_string().into()),
            ("action", message.action.as_str().into()),
            ("user", message.event_user.clone().into()),
            ("context", message.context.clone().into()),
        ],
    );
    Made::object(DocumentObject::new(
        "Notification",
        [
            ("body", message.body.as_str().into()),
            ("severity", message.severity.as_str().into()),
            ("hyperlink", message.hyperlink.clone().into()),
            ("hyperlink_label", message.hyperlink_label.clone().into()),
            ("event", Made::object(event)),
        ],
    ))
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
    post(services, target, &body, &[]).await
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

async fn post(
    services: &Services,
    target: &Target<'_>,
    body: &Value,
    headers: &[(String, String)],
) -> Result<Vec<String>, TaskError> {
    match services.outside.http.notify(&target.transport.webhook_url, body, headers, target.authority.as_deref()).await
    {
        Ok((status, text)) => Ok(vec![status.to_string(), text]),
        Err(error) => {
            let reason = error.to_string();
            Err(match error {
                // The same address gives the same answer.
                FetchError::Address
                | FetchError::NotPermitted
                | FetchError::NoTls
                | FetchError::Authority
                | FetchError::Header => TaskError::Hopeless(reason),
                // Told that it is wrong, not that it is too much.
                FetchError::Status(status) if (400..500).contains(&status) && status != 408 && status != 429 => {
                    TaskError::Hopeless(reason)
                }
                _ => TaskError::Retry(reason),
            })
        }
    }
}
