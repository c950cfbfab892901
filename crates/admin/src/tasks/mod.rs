//! Tasks and schedules as resources, and the nodes that do them.

mod schedule;
mod task;

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use vestibule_directory::resources::system::VERSION;
use vestibule_events::Event;
use vestibule_kernel::{Actor, Ctx, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Kind, Operation, Shape};
use vestibule_store::{Row, StoreError, Transaction};
use vestibule_tasks::{ALIVE, Claimed, Rejected};

vestibule_resource::choices! {
    /// How a task stands.
    pub enum State: "TaskStatusEnum" {
        WaitingForDependencies = "waiting_for_dependencies" "Waiting For Dependencies",
        Queued = "queued" "Queued",
        Consumed = "consumed" "Consumed",
        Preprocess = "preprocess" "Preprocess",
        Running = "running" "Running",
        Postprocess = "postprocess" "Postprocess",
        Rejected = "rejected" "Rejected",
        Done = "done" "Done",
    }
}

vestibule_resource::choices! {
    /// How a task stands, or how it ended.
    pub enum Status: "TaskAggregatedStatusEnum" {
        WaitingForDependencies = "waiting_for_dependencies" "Waiting For Dependencies",
        Queued = "queued" "Queued",
        Consumed = "consumed" "Consumed",
        Preprocess = "preprocess" "Preprocess",
        Running = "running" "Running",
        Postprocess = "postprocess" "Postprocess",
        Rejected = "rejected" "Rejected",
        Done = "done" "Done",
        Info = "info" "Info",
        Warning = "warning" "Warning",
        Error = "error" "Error",
    }
}

/// What each actor does, by its name.
#[derive(Clone, Debug, Default)]
pub struct Descriptions(pub BTreeMap<&'static str, &'static str>);

/// Writes an event of each task that is given up.
pub struct Failures;

#[async_trait]
impl Rejected for Failures {
    async fn rejected(
        &self,
        ctx: &Ctx,
        transaction: &mut Transaction,
        task: &Claimed,
        reason: &str,
    ) -> Result<(), StoreError> {
        let message = format!("Task {} encountered an error: {reason}", task.name());
        let event = Event::new("system_task_exception", "authentik.tasks", Actor::System);
        let event = event.context(json!({"message": message, "actor": task.actor, "task": task.id}));
        // A task that tells of events must not be told of: it would go round for ever.
        let event = if task.actor.starts_with("authentik.events.") { event.untold() } else { event };
        event.write(ctx, transaction).await.map(drop)
    }
}

/// Kinds of this folder.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![schedule::kind(), task::kind()]
}

#[derive(Fields)]
struct Worker {
    /// Its name.
    worker_id: String,
    /// The version it runs.
    version: String,
    /// Whether that is the version that answers.
    version_matching: bool,
}

/// Operations of this folder that belong to no kind.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = Shape::Object("Worker", Worker::fields).list();
    vec![
        Operation::new(Method::GET, "tasks/workers/", "tasks_workers_list", Some(answer), workers)
            .permission(Permission::Named("authentik_rbac.view_system_info"))
            .doc("The nodes that do tasks."),
    ]
}

async fn workers(call: Call) -> Answer {
    let sql = "SELECT id, hostname, version FROM workers WHERE last_seen > $1 ORDER BY hostname, id";
    let since = call.api.ctx.now() - ALIVE;
    let shown = |row: &Row| -> Result<Value, StoreError> {
        let version = row.text("version")?;
        Ok(json!({
            "worker_id": format!("{}@{}", row.uuid("id")?, row.text("hostname")?),
            "version_matching": version == VERSION,
            "version": version,
        }))
    };
    let rows = call.api.store.database().query(sql, vec![since.into()]).await?;
    ok(&rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?.into())
}

/// Adds what an object's actor does.
fn describe(descriptions: &Descriptions, object: &mut Object) {
    let actor = object.get("actor_name").and_then(Value::as_str).unwrap_or_default();
    let description = descriptions.0.get(actor).copied();
    let extra = object.get("own_uid").and_then(Value::as_str);
    let uid = extra.map_or_else(|| actor.to_owned(), |extra| format!("{actor}:{extra}"));
    object.insert("description".into(), description.into());
    object.insert("uid".into(), uid.into());
}

/// A text that a hook attached.
fn attached(object: &Object, name: &str) -> Value {
    object.get(name).cloned().unwrap_or(Value::Null)
}

/// A text, empty where there is none.
fn text(object: &Object, name: &str) -> Value {
    object.get(name).and_then(Value::as_str).unwrap_or_default().into()
}
