//! Schedules: what is done by the clock, and when.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission, no_content};
use vestibule_resource::http::Query;
use vestibule_resource::{
    Api, Call, Computed, Fields, Hooks, Kind, Operation, Resource, Shape, Spec, Validation, Verb, WriteCx,
};
use vestibule_tasks::next_run;

use super::{Descriptions, attached, describe, text};

vestibule_resource::choices! {
    /// How the last task stands, or how it ended.
    pub enum LastStatus: "LastTaskStatusEnum" {
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

/// A schedule.
#[derive(Fields)]
pub(super) struct Schedule {
    /// The key.
    #[field(internal, column = "id")]
    pub pk: Uuid,
    /// The key.
    #[field(computed = |_, object| attached(object, "pk"), shape = Shape::Uuid)]
    pub id: Computed,
    /// What tells it from others of its actor.
    #[field(read_only)]
    pub identifier: Option<String>,
    /// What it is called.
    #[field(attached)]
    pub uid: Computed,
    /// Who does its tasks.
    #[field(read_only)]
    pub actor_name: String,
    /// The application of the model that it is about.
    #[field(computed = |_, object| text(object, "related_app"))]
    pub rel_obj_app_label: Computed,
    /// The model that it is about.
    #[field(computed = |_, object| text(object, "related_model"))]
    pub rel_obj_model: Computed,
    /// The key of what it is about.
    #[field(min = 1)]
    pub rel_obj_id: Option<String>,
    /// When: minute, hour, day of the month, month, day of the week (UTC).
    pub crontab: String,
    /// Whether it rests.
    #[field(default = false)]
    pub paused: bool,
    /// When it is due next.
    #[field(read_only)]
    pub next_run: DateTime<Utc>,
    /// What its actor does.
    #[field(attached, nullable)]
    pub description: Computed,
    /// How its last task stands, or how it ended.
    #[field(attached, nullable, shape = Shape::Choice(&LastStatus::CHOICES))]
    pub last_task_status: Computed,
    /// What tells its tasks from others of its actor.
    #[field(internal, column = "uid")]
    pub own_uid: Option<String>,
    /// The application of the model that it is about.
    #[field(internal, column = "rel_obj_app")]
    pub related_app: Option<String>,
    /// The model that it is about.
    #[field(internal, column = "rel_obj_model")]
    pub related_model: Option<String>,
}

/// The kind of schedules.
pub(super) fn kind() -> Kind {
    Kind::record::<Schedule>()
}

impl Resource for Schedule {
    fn spec() -> Spec {
        Spec::new("tasks/schedules", "authentik_tasks_schedules.schedule", "Schedule")
            .verbose("Schedule", "Schedules")
            .table("schedules", "id")
            .lookup("pk", "id")
            .unique_together(&["actor_name", "identifier"])
            .search(&["pk", "identifier", "own_uid", "actor_name", "related_app", "related_model", "rel_obj_id"])
            .order(&["next_run", "actor_name", "identifier"])
            .filter(&["actor_name", "paused", "rel_obj_id", "rel_obj_id__isnull"])
            .filter(&["rel_obj_content_type__app_label=related_app", "rel_obj_content_type__model=related_model"])
            .describe(|object| {
                let actor = object.get("actor_name").and_then(Value::as_str).unwrap_or_default();
                format!("Schedule {actor}")
            })
            .hooks(&ScheduleHooks)
            .verbs(&[Verb::View, Verb::Change])
            .without_used_by()
            .operation(
                Operation::new(Method::POST, "{}/send/", "tasks_schedules_send_create", None, send)
                    .permission(Permission::Named("authentik_tasks_schedules.send_schedule"))
                    .doc("Has its task done now."),
            )
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.given.contains_key("crontab") && next_run(cx.text("crontab"), DateTime::UNIX_EPOCH).is_err() {
            errors.add("crontab", format!("{} is not a valid crontab", cx.text("crontab")));
        }
    }
}

struct ScheduleHooks;

#[async_trait]
impl Hooks for ScheduleHooks {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let descriptions = api.extension::<Descriptions>()?;
        for object in objects.iter_mut() {
            let key = object.get("pk").and_then(Value::as_str).and_then(|key| key.parse::<Uuid>().ok());
            let sql = "SELECT aggregated_status FROM tasks WHERE schedule_id = $1 ORDER BY mtime DESC LIMIT 1";
            let last = api.store.database().query_one(sql, vec![key.into()]).await?;
            let status = last.map(|row| row.text("aggregated_status")).transpose()?;
            object.insert("last_task_status".into(), status.into());
            describe(&descriptions, object);
        }
        Ok(())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let present = cx.existing.and_then(|object| object.get("crontab"));
        let resumed = cx.existing.and_then(|object| object.get("paused")) == Some(&Value::Bool(true));
        if cx.given.contains_key("crontab") && present != object.get("crontab") || resumed {
            let crontab = object.get("crontab").and_then(Value::as_str).unwrap_or_default();
            let next = next_run(crontab, cx.ctx.now()).map_err(|reason| FieldErrors::one("crontab", reason))?;
            object.insert("next_run".into(), next.to_rfc3339_opts(SecondsFormat::Micros, true).into());
        }
        Ok(())
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, _: &Object) -> Result<(), ApiError> {
        // Whoever waits for the next one may have waited for another moment.
        Ok(cx.change.transaction().wake().await?)
    }
}

async fn send(call: Call) -> Answer {
    let key = call.object.get("pk").and_then(Value::as_str).and_then(|key| key.parse().ok());
    let key = key.ok_or_else(ApiError::not_found)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    vestibule_tasks::send(&call.api.ctx, change.transaction(), key).await?;
    change.commit().await?;
    no_content()
}
