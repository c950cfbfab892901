//! One notification on its way to one person.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{Actor, Ctx};
use vestibule_store::{Database, Durability, Store, StoreError};
use vestibule_tasks::TaskError;

use super::transport::{Mode, NotificationTransport};
use super::{Services, mail, webhook};

/// Who is told.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    pub pk: i64,
    pub username: String,
    pub name: String,
    pub email: String,
}

impl Recipient {
    /// An active user.
    pub(super) async fn find(database: &Database, pk: Option<i64>) -> Result<Option<Self>, StoreError> {
        let Some(pk) = pk else { return Ok(None) };
        let sql = "SELECT username, name, email FROM users WHERE id = $1 AND is_active";
        let row = database.query_one(sql, vec![pk.into()]).await?;
        let read = |row: vestibule_store::Row| -> Result<Self, StoreError> {
            Ok(Self { pk, username: row.text("username")?, name: row.text("name")?, email: row.text("email")? })
        };
        row.map(read).transpose()
    }
}

/// What is told.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The key of the notification; the same for every attempt.
    pub key: Uuid,
    /// The event's key.
    pub event: Uuid,
    /// What happened.
    pub action: String,
    /// Who did it, as the event shows them.
    pub event_user: Value,
    /// The event's details.
    pub context: Value,
    /// How much it matters.
    pub severity: String,
    /// What it says.
    pub body: String,
    /// Where it leads.
    pub hyperlink: Option<String>,
    /// What the link is called.
    pub hyperlink_label: Option<String>,
    /// Who is told.
    pub recipient: Recipient,
}

impl Message {
    /// A text about who caused the event.
    pub(super) fn event_user(&self, name: &str) -> Option<&str> {
        self.event_user.get(name).and_then(Value::as_str)
    }
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The other side has it; what it answered.
    Sent(Vec<String>),
    /// The recipient cannot be reached that way, and that is nobody's fault; why.
    Discarded(String),
}

/// Delivers.
pub(super) async fn deliver(
    services: &Services,
    store: &Store,
    ctx: &Ctx,
    transport: &NotificationTransport,
    message: &Message,
) -> Result<Delivered, TaskError> {
    let target = || webhook::Target { transport, authority: authority(store, transport) };
    match transport.mode {
        Mode::Local => keep(store, ctx, message).await.map(|()| Delivered::Sent(Vec::new())),
        Mode::Webhook => webhook::send(services, store, &target(), message).await.map(Delivered::Sent),
        Mode::WebhookSlack => webhook::send_slack(services, &target(), message).await.map(Delivered::Sent),
        Mode::Email if message.recipient.email.trim().is_empty() => {
            Ok(Delivered::Discarded(format!("{} has no e-mail address.", message.recipient.username)))
        }
        Mode::Email => {
            let subject = mail::send(services, transport, message).await?;
            note(store, ctx, &subject, &message.recipient).await;
            Ok(Delivered::Sent(Vec::new()))
        }
    }
}

/// Writes the event of a mail. That it cannot be written is no reason to send the mail again.
async fn note(store: &Store, ctx: &Ctx, subject: &str, to: &Recipient) {
    let to = format!("{} <{}>", to.name, to.email);
    let context = json!({"message": format!("Email to {to} sent"), "subject": subject, "to_email": [to]});
    // A mail that tells of an event is not told of: it would go round for ever.
    let event = Event::new("email_sent", "authentik.stages.email.tasks", Actor::System).context(context).untold();
    let written = async {
        let mut transaction = store.database().begin(Durability::Process).await?;
        event.write(ctx, &mut transaction).await?;
        transaction.commit().await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "the event of a mail could not be written");
    }
}

/// The certificate of the authority that a webhook's server is believed by.
fn authority(store: &Store, transport: &NotificationTransport) -> Option<String> {
    let configuration = store.configuration();
    let pair = configuration.document("authentik_crypto.certificatekeypair", transport.webhook_ca?)?;
    Some(pair.text("certificate_data").to_owned())
}

/// Keeps it for the user to see; a repetition does not double it.
async fn keep(store: &Store, ctx: &Ctx, message: &Message) -> Result<(), TaskError> {
    let sql = "INSERT INTO notifications (pk, user_id, event_pk, severity, body, hyperlink, hyperlink_label, created, \
               seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE) ON CONFLICT (pk) DO NOTHING";
    let params = vec![
        message.key.into(),
        message.recipient.pk.into(),
        message.event.into(),
        message.severity.as_str().into(),
        message.body.as_str().into(),
        message.hyperlink.clone().into(),
        message.hyperlink_label.clone().into(),
        ctx.now().into(),
    ];
    store.database().execute(Durability::Process, sql, params).await?;
    Ok(())
}
