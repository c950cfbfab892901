//! Transports: how a notification reaches people.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Computed, Fields, Kind, Operation, Resource, Shape, Spec, Validation, Verb};
use vestibule_store::DocumentType;

use super::deliver::{self, Delivered, Message, Recipient};
use super::{Services, Severity, label};
use vestibule_resource::EventAction;

/// Templates that mails of notifications may be made of.
const TEMPLATES: [&str; 6] = [
    "email/account_confirmation.html",
    "email/email_otp.html",
    "email/event_notification.html",
    "email/invitation.html",
    "email/password_reset.html",
    "email/setup.html",
];

vestibule_resource::choices! {
    /// Ways to reach people.
    pub enum Mode: "TransportModeEnum" {
        Local = "local" "On the pages of this server",
        Webhook = "webhook" "Webhook",
        WebhookSlack = "webhook_slack" "Webhook as Slack and Discord understand it",
        Email = "email" "E-mail",
    }
}

/// A transport.
#[derive(Clone, Debug, Fields)]
pub(super) struct NotificationTransport {
    /// The key.
    #[field(read_only, label = "Uuid")]
    pub pk: Uuid,
    /// A name for administrators.
    #[field(unique = "This field must be unique.")]
    pub name: String,
    /// How it reaches people.
    #[field(default = "local")]
    pub mode: Mode,
    /// What people call the mode.
    #[field(computed = |_, object| label(&Mode::CHOICES, text(object, "mode")).into())]
    pub mode_verbose: Computed,
    /// Where webhooks go.
    #[field(blank, format = Url, default = "")]
    pub webhook_url: String,
    /// The authority that the webhook's server is believed by, instead of the public ones.
    #[field(references = "authentik_crypto.certificatekeypair", on_delete = SetDefault)]
    pub webhook_ca: Option<Uuid>,
    /// Makes the body of a webhook.
    #[field(references = "authentik_events.notificationwebhookmapping", on_delete = SetDefault)]
    pub webhook_mapping_body: Option<Uuid>,
    /// Makes further headers of a webhook.
    #[field(references = "authentik_events.notificationwebhookmapping", on_delete = SetDefault)]
    pub webhook_mapping_headers: Option<Uuid>,
    /// How subjects of mails begin.
    #[field(blank, raw, default = "authentik Notification: ")]
    pub email_subject_prefix: String,
    /// What mails are made of.
    #[field(default = "email/event_notification.html")]
    pub email_template: String,
    /// Whether one notification is enough, however many are to be told: for chat channels.
    #[field(default = false)]
    pub send_once: bool,
}

impl DocumentType for NotificationTransport {
    const KIND: &'static str = "authentik_events.notificationtransport";
}

/// The kind of transports.
pub(super) fn kind() -> Kind {
    Kind::document::<NotificationTransport>()
}

#[derive(Fields)]
struct NotificationTransportTest {
    /// What the other side answered.
    messages: Vec<String>,
}

impl Resource for NotificationTransport {
    fn spec() -> Spec {
        let answer = Some(Shape::Object("NotificationTransportTest", NotificationTransportTest::fields));
        Spec::new("events/transports", Self::KIND, "NotificationTransport")
            .verbose("Notification Transport", "Notification Transports")
            .search(&["name", "mode", "webhook_url"])
            .order(&["name"])
            .filter(&["mode", "name", "send_once", "webhook_url"])
            .describe(|object| format!("Notification Transport {}", text(object, "name")))
            .operation(
                Operation::new(Method::POST, "{}/test/", "events_transports_test_create", answer, test)
                    .permission(Permission::Verb(Verb::Change))
                    .doc("Sends a notification to oneself, to see whether it arrives."),
            )
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let template = cx.text("email_template");
        if cx.given.contains_key("email_template") && !TEMPLATES.contains(&template) {
            errors.add("email_template", format!("Invalid template '{template}' specified."));
        }
        if ["webhook", "webhook_slack"].contains(&cx.text("mode")) && cx.text("webhook_url").is_empty() {
            errors.add("webhook_url", "Webhook URL may not be empty.");
        }
    }
}

fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Sends at once, so that the answer tells how it went.
async fn test(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let services = api.extension::<Services>()?;
    let transport = NotificationTransport::read(&call.object).map_err(ApiError::internal)?;
    let mut change = api.store.change(principal.actor.clone()).await?;
    let context = json!({"message": format!("Test of the transport {}.", transport.name)});
    let action = EventAction::CustomPrefix.as_str();
    let event = Event::new(action, "authentik.events.api.notification_transports", principal.actor.clone());
    let event = event.context(context.clone()).request(&principal.request);
    let pk = event.write(&api.ctx, change.transaction()).await?;
    change.commit().await?;
    let Some(recipient) = Recipient::find(api.store.database(), principal.user()).await? else {
        return Err(ApiError::Forbidden);
    };
    let message = Message {
        key: api.ctx.uuid(),
        event: pk,
        action: action.into(),
        event_user: principal.actor.to_json(),
        context,
        severity: Severity::Notice.as_str().into(),
        body: format!("Test Notification from transport {}", transport.name),
        hyperlink: None,
        hyperlink_label: None,
        recipient,
    };
    match deliver::deliver(&services, &api.store, &api.ctx, &transport, &message).await {
        Ok(Delivered::Sent(messages)) => ok(&json!({ "messages": messages })),
        Ok(Delivered::Discarded(reason)) => Err(refusal(&reason)),
        Err(error) => Err(refusal(error.reason())),
    }
}

fn refusal(reason: &str) -> ApiError {
    FieldErrors::one(vestibule_kernel::error::NON_FIELD, reason).into()
}
