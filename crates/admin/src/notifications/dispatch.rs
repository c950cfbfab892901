//! From an event to the people who are told: each rule is asked, each transport of those that match is set going.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Request;
use vestibule_flow::{Occasion, Policies, PolicyEngineMode, Question};
use vestibule_kernel::Object;
use vestibule_resource::Fields as _;
use vestibule_store::{Configuration, Document, DocumentType as _, Store, StoreError};
use vestibule_tasks::{Actor, LogLevel, NewTask, Perform, RelatedObject, Run, TaskError};

use super::Services;
use super::deliver::{Delivered, Message, Recipient, deliver};
use super::rule::NotificationRule;
use super::transport::NotificationTransport;

/// The task that delivers one notification.
const DELIVER: &str = "authentik.events.tasks.notification_transport";
/// What ties a rule to what it matches.
const BINDING: &str = "authentik_policies.policybinding";
/// Most people that one event is told to, by one transport.
const MOST: usize = 10_000;

/// Who does the tasks of this file.
pub(super) fn actors(services: &Services) -> Vec<Actor> {
    vec![
        Actor::new(
            vestibule_events::DISPATCH,
            "Asks the rules who is to be told of an event.",
            Dispatch { policies: Arc::clone(&services.policies) },
        ),
        Actor::new(DELIVER, "Delivers a notification.", Deliver { services: services.clone() }),
    ]
}

/// An event, as far as it is told.
struct Told {
    pk: Uuid,
    action: String,
    app: String,
    client_ip: Option<String>,
    user: Value,
    context: Value,
}

impl Told {
    /// As policies see it.
    fn to_json(&self) -> Value {
        json!({
            "pk": self.pk, "action": self.action, "app": self.app, "client_ip": self.client_ip, "user": self.user,
            "context": self.context,
        })
    }
}

async fn load(store: &Store, pk: Uuid) -> Result<Option<Told>, StoreError> {
    let sql = "SELECT action, app, client_ip, user_json, context FROM events WHERE pk = $1";
    let row = store.database().query_one(sql, vec![pk.into()]).await?;
    let read = |row: vestibule_store::Row| -> Result<Told, StoreError> {
        let (action, app, client_ip) = (row.text("action")?, row.text("app")?, row.optional_text("client_ip")?);
        Ok(Told { pk, action, app, client_ip, user: row.json("user_json")?, context: row.json("context")? })
    };
    row.map(read).transpose()
}

struct Dispatch {
    policies: Arc<dyn Policies>,
}

#[async_trait]
impl Perform for Dispatch {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        let pk = run.uuid("event")?;
        let Some(event) = load(&run.store, pk).await? else {
            run.log(LogLevel::Warning, "The event is gone.");
            return Ok(());
        };
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        if is_about_a_rule(&configuration, &event.context) {
            return Ok(());
        }
        let mut count = 0;
        for (key, rule) in configuration.all::<NotificationRule>() {
            if matches(&self.policies, &configuration, key, &event).await? {
                count += enqueue(run, &configuration, rule, pk, &event).await?;
            }
        }
        if count > 0 {
            run.log(LogLevel::Info, format!("{count} notifications are on their way."));
        }
        Ok(())
    }
}

/// Whether the event tells of a policy that a rule itself asks: telling of it would go round for ever.
fn is_about_a_rule(configuration: &Configuration, context: &Value) -> bool {
    let Some(policy) = context.get("policy_uuid").and_then(Value::as_str).and_then(|text| text.parse::<Uuid>().ok())
    else {
        return false;
    };
    let policy = policy.to_string();
    let of_rule = |binding: &Document| {
        let target = binding.text("target").parse().ok();
        target.is_some_and(|target| configuration.document(NotificationRule::KIND, target).is_some())
    };
    configuration.documents(BINDING).any(|binding| binding.text("policy") == policy && of_rule(binding))
}

/// Whether one of a rule's bindings matches. Nothing is guarded here: where a policy fails, its binding says what counts.
async fn matches(
    policies: &Arc<dyn Policies>,
    configuration: &Configuration,
    rule: Uuid,
    event: &Told,
) -> Result<bool, TaskError> {
    let user = event.user.get("pk").and_then(Value::as_i64);
    let question = Question { target: rule, mode: PolicyEngineMode::Any, open: false, user };
    let mut context = Object::new();
    context.insert("event".into(), event.to_json());
    let request = Request { client_ip: event.client_ip.clone(), ..Request::default() };
    let occasion = Occasion { context: Some(&context), harmless: true, ..Occasion::of(&request) };
    let verdict = policies.may_pass(configuration, question, occasion).await;
    verdict.map(|verdict| verdict.passing).map_err(|error| TaskError::Retry(error.to_string()))
}

/// A group and all below it.
const BELOW: &str = "WITH RECURSIVE below (pk) AS (SELECT pk FROM groups WHERE pk = $1 UNION \
                     SELECT group_parents.child FROM group_parents JOIN below ON group_parents.parent = below.pk)";

/// Sets the transports of a rule going; how many notifications.
async fn enqueue(
    run: &Run,
    configuration: &Configuration,
    rule: &NotificationRule,
    event: Uuid,
    told: &Told,
) -> Result<usize, TaskError> {
    let causer = told.user.get("pk").and_then(Value::as_i64).filter(|_| rule.destination_event_user);
    let mut recipients: Vec<i64> = causer.into_iter().collect();
    if let Some(group) = rule.destination_group {
        let sql = format!(
            "{BELOW} SELECT DISTINCT users.id AS id FROM memberships JOIN users ON users.id = memberships.user_id \
             WHERE memberships.group_pk IN (SELECT pk FROM below) AND users.is_active ORDER BY id LIMIT {MOST}"
        );
        for row in run.store.database().query(sql, vec![group.into()]).await? {
            let member = row.int("id")?;
            if causer != Some(member) {
                recipients.push(member);
            }
        }
    }
    let mut count = 0;
    for pk in &rule.transports {
        let Some(transport) = configuration.get::<NotificationTransport>(*pk) else { continue };
        let most = if transport.send_once { 1 } else { recipients.len() };
        for user in recipients.iter().take(most) {
            let arguments = json!({"event": event, "rule": rule.pk, "transport": pk, "user": user});
            let about = RelatedObject { model: NotificationTransport::KIND, pk: pk.to_string() };
            run.follow_up(NewTask::new(DELIVER, arguments).uid(&transport.name).about(about));
            count += 1;
        }
    }
    Ok(count)
}

struct Deliver {
    services: Services,
}

#[async_trait]
impl Perform for Deliver {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        let (event, rule, transport) = (run.uuid("event")?, run.uuid("rule")?, run.uuid("transport")?);
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        let user = run.arguments.get("user").and_then(Value::as_i64);
        let recipient = Recipient::find(run.store.database(), user).await?;
        let (Some(told), Some(recipient)) = (load(&run.store, event).await?, recipient) else {
            run.log(LogLevel::Info, "The event or the user is gone.");
            return Ok(());
        };
        let found = (
            configuration.get::<NotificationRule>(rule),
            configuration.document(NotificationTransport::KIND, transport),
        );
        let (Some(rule), Some(document)) = found else {
            run.log(LogLevel::Info, "The rule or the transport is gone.");
            return Ok(());
        };
        let transport = NotificationTransport::read(&document.value).map_err(TaskError::Hopeless)?;
        let text = |name: &str| told.context.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = Message {
            // Made of what it is about, so that a repetition is the same notification.
            key: run.id,
            event,
            severity: rule.severity.as_str().into(),
            body: text("message").unwrap_or_else(|| summary(&told)),
            hyperlink: text("hyperlink"),
            hyperlink_label: text("hyperlink_label"),
            action: told.action,
            event_user: told.user,
            context: told.context,
            recipient,
        };
        match deliver(&self.services, &run.store, &run.ctx, &transport, &message).await? {
            Delivered::Sent(_) => {}
            Delivered::Discarded(reason) => run.log(LogLevel::Info, format!("Discarded: {reason}")),
        }
        Ok(())
    }
}

/// An event in a line.
fn summary(told: &Told) -> String {
    format!("{}: {}", told.action, told.context)
}
