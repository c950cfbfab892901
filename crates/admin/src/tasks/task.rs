//! Tasks: what was done, is being done, and waits.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, no_content, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Call, Computed, Fields, Hooks, Kind, Lookup, Operation, Resource, Shape, Spec, Verb};
use vestibule_store::Param;

use super::{Descriptions, State, Status, attached, describe, text};

vestibule_resource::choices! {
    /// How much an entry of a log matters.
    pub enum Level: "LogLevelEnum" {
        Critical = "critical" "Critical",
        Exception = "exception" "Exception",
        Error = "error" "Error",
        Warn = "warn" "Warn",
        Warning = "warning" "Warning",
        Info = "info" "Info",
        Debug = "debug" "Debug",
        NotSet = "notset" "Not Set",
    }
}

/// A task.
#[derive(Fields)]
pub(super) struct Task {
    /// The key.
    #[field(internal, column = "id")]
    pub pk: Uuid,
    /// The key.
    #[field(computed = |_, object| attached(object, "pk"), shape = Shape::Uuid)]
    pub message_id: Computed,
    /// The queue that it waits in.
    pub queue_name: String,
    /// Who does it.
    pub actor_name: String,
    /// How it stands.
    pub state: State,
    /// When that changed last.
    pub mtime: DateTime<Utc>,
    /// How often it was tried again.
    #[field(min = 0, max = i64::MAX)]
    pub retries: i64,
    /// When it is due, if it rests.
    pub eta: Option<DateTime<Utc>>,
    /// The application of the model that it is about.
    #[field(computed = |_, object| text(object, "related_app"))]
    pub rel_obj_app_label: Computed,
    /// The model that it is about.
    #[field(computed = |_, object| text(object, "related_model"))]
    pub rel_obj_model: Computed,
    /// The key of what it is about.
    pub rel_obj_id: Option<String>,
    /// What it is called.
    #[field(attached)]
    pub uid: Computed,
    /// What it told, at the last try.
    #[field(attached, shape = logs())]
    pub logs: Vec<Value>,
    /// What it told at the tries before.
    #[field(attached, shape = logs())]
    pub previous_logs: Vec<Value>,
    /// How it stands, or how it ended.
    pub aggregated_status: Status,
    /// What its actor does.
    #[field(attached, nullable)]
    pub description: Computed,
    /// What tells it from others of its actor.
    #[field(internal, column = "uid")]
    pub own_uid: Option<String>,
    /// The application of the model that it is about.
    #[field(internal, column = "rel_obj_app")]
    pub related_app: Option<String>,
    /// The model that it is about.
    #[field(internal, column = "rel_obj_model")]
    pub related_model: Option<String>,
}

#[derive(Fields)]
struct LogEvent {
    timestamp: DateTime<Utc>,
    log_level: Level,
    logger: String,
    event: String,
    attributes: Object,
}

fn logs() -> Shape {
    Shape::Object("LogEvent", LogEvent::fields).list()
}

/// The kind of tasks.
pub(super) fn kind() -> Kind {
    Kind::record::<Task>()
}

impl Resource for Task {
    fn spec() -> Spec {
        let status = Shape::Choice(&Status::CHOICES).list();
        let spec = Spec::new("tasks/tasks", "authentik_tasks.task", "Task")
            .verbose("Task", "Tasks")
            .table("tasks", "id")
            .lookup("pk", "message_id")
            .search(&[
                "pk",
                "queue_name",
                "actor_name",
                "state",
                "related_app",
                "related_model",
                "rel_obj_id",
                "own_uid",
                "aggregated_status",
            ])
            .order(&["-mtime"])
            .filter(&["actor_name", "queue_name", "state", "rel_obj_id", "rel_obj_id__isnull"])
            .filter(&["rel_obj_content_type__app_label=related_app", "rel_obj_content_type__model=related_model"])
            .filter_with("aggregated_status", "aggregated_status", Lookup::Sql(one_of), status)
            .describe(|object| object.get("actor_name").and_then(Value::as_str).unwrap_or_default().to_owned())
            .hooks(&TaskHooks)
            .verbs(&[Verb::View])
            .without_used_by();
        operations().into_iter().fold(spec, Spec::operation)
    }
}

fn one_of(text: &str) -> Result<Option<(String, Vec<Param>)>, FieldErrors> {
    let wanted: Vec<&str> = text.split(',').filter(|one| !one.is_empty()).collect();
    let known = |status: &&str| Status::CHOICES.values.iter().any(|(value, _)| value == status);
    if let Some(unknown) = wanted.iter().find(|status| !known(status)) {
        let message = format!("Select a valid choice. {unknown} is not one of the available choices.");
        return Err(FieldErrors::one("aggregated_status", message));
    }
    let places = vec!["$?"; wanted.len()].join(", ");
    let params = wanted.into_iter().map(Param::from).collect();
    Ok((!places.is_empty()).then(|| (format!("aggregated_status IN ({places})"), params)))
}

struct TaskHooks;

#[async_trait]
impl Hooks for TaskHooks {
    /// Adds the logs: one query.
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let descriptions = api.extension::<Descriptions>()?;
        let key = |object: &Object| object.get("pk").and_then(Value::as_str).and_then(|key| key.parse::<Uuid>().ok());
        let keys: Vec<Param> = objects.iter().filter_map(key).map(Param::from).collect();
        let mut rows = Vec::new();
        if !keys.is_empty() {
            let places: Vec<String> = (1..=keys.len()).map(|number| format!("${number}")).collect();
            let sql = format!(
                "SELECT task_id, previous, at, log_level, logger, event, attributes FROM task_logs \
                 WHERE task_id IN ({}) ORDER BY id",
                places.join(", ")
            );
            rows = api.store.database().query(sql, keys).await?;
        }
        for object in objects.iter_mut() {
            let own = key(object);
            let (mut logs, mut previous) = (Vec::new(), Vec::new());
            for row in &rows {
                if Some(row.uuid("task_id")?) == own {
                    let entry = json!({
                        "timestamp": row.time("at")?.to_rfc3339_opts(SecondsFormat::Micros, true),
                        "log_level": row.text("log_level")?,
                        "logger": row.text("logger")?,
                        "event": row.text("event")?,
                        "attributes": row.json("attributes")?,
                    });
                    if row.bool("previous")? { previous.push(entry) } else { logs.push(entry) }
                }
            }
            object.insert("logs".into(), logs.into());
            object.insert("previous_logs".into(), previous.into());
            describe(&descriptions, object);
        }
        Ok(())
    }
}

#[derive(Fields)]
struct GlobalTaskStatus {
    #[field(read_only)]
    queued: i64,
    #[field(read_only)]
    consumed: i64,
    #[field(read_only)]
    preprocess: i64,
    #[field(read_only)]
    running: i64,
    #[field(read_only)]
    postprocess: i64,
    #[field(read_only)]
    rejected: i64,
    #[field(read_only)]
    done: i64,
    #[field(read_only)]
    info: i64,
    #[field(read_only)]
    warning: i64,
    #[field(read_only)]
    error: i64,
}

fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("GlobalTaskStatus", GlobalTaskStatus::fields));
    vec![
        Operation::new(Method::GET, "status/", "tasks_tasks_status_retrieve", answer, status)
            .permission(Permission::Verb(Verb::View))
            .doc("How many tasks stand how."),
        Operation::new(Method::POST, "{}/retry/", "tasks_tasks_retry_create", None, retry)
            .permission(Permission::Named("authentik_tasks.retry_task"))
            .doc("Tries a task again that was given up."),
    ]
}

async fn status(call: Call) -> Answer {
    let sql = "SELECT aggregated_status, COUNT(*) AS count FROM tasks GROUP BY aggregated_status";
    let mut counts: Map<String, Value> =
        GlobalTaskStatus::fields().iter().map(|field| (field.name.to_owned(), json!(0))).collect();
    for row in call.api.store.database().scan(sql, vec![]).await? {
        let name = row.text("aggregated_status")?;
        if let Some(count) = counts.get_mut(&name) {
            *count = row.int("count")?.into();
        }
    }
    ok(&Value::Object(counts))
}

async fn retry(call: Call) -> Answer {
    let key = call.object.get("pk").and_then(Value::as_str).and_then(|key| key.parse().ok());
    let key = key.ok_or_else(ApiError::not_found)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    if !vestibule_tasks::retry(&call.api.ctx, change.transaction(), key).await? {
        return Err(ApiError::BadRequest("This task was not given up: there is nothing to try again.".into()));
    }
    change.commit().await?;
    no_content()
}
