//! What the server forgets by itself: what has expired, what was seen, what is about people who are gone.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_events::Program;
use vestibule_kernel::Ctx;
use vestibule_store::{Durability, Param, Store, StoreError};
use vestibule_tasks::{Actor, LogLevel, Perform, Run, Schedule, TaskError};

/// Rows removed at once, so that logins do not wait for long.
const BATCH: i64 = 1000;
/// How long tasks are kept that have ended.
const TASKS: chrono::TimeDelta = chrono::TimeDelta::days(30);

const EXPIRED: &str = "authentik.core.tasks.clean_expired_models";
const NOTIFICATIONS: &str = "authentik.events.tasks.notification_cleanup";
const PERSON: &str = vestibule_directory::resources::user::FORGET;

/// What expires: table, key, condition with the present moment in `$1`.
const EXPIRING: &[(&str, &str, &str)] = &[
    ("sessions", "id_hash", "expires <= $1"),
    ("events", "pk", "expires <= $1"),
    ("reputation_scores", "pk", "expires <= $1"),
    ("captcha_answers", "random", "expires <= $1"),
    ("oauth2_codes", "id", "expires <= $1"),
    ("oauth2_access_tokens", "id", "expires <= $1"),
    ("oauth2_refresh_tokens", "id", "expires <= $1"),
    ("oauth2_device_codes", "id", "expires <= $1"),
    ("oauth2_spent", "hash", "expires <= $1"),
    ("oauth2_seen", "hash", "expires <= $1"),
    ("oauth2_pushed", "hash", "expires <= $1"),
    ("invitations", "pk", "expires <= $1"),
    ("tokens", "pk", "expiring AND expires <= $1 AND intent IN ('recovery', 'verification', 'app_password')"),
];

/// Who does the tasks of this file.
pub(crate) fn actors() -> Vec<Actor> {
    vec![
        Actor::new(EXPIRED, "Removes what has expired.", Expired),
        Actor::new(NOTIFICATIONS, "Removes notifications that were seen; others go with their event.", Notifications),
        Actor::new(PERSON, "Removes the events of a user who was deleted.", Person),
    ]
}

/// When.
pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule { actor: EXPIRED, crontab: "2-59/5 * * * *" },
        Schedule { actor: NOTIFICATIONS, crontab: "17 */8 * * *" },
    ]
}

/// Removes rows of a table in batches; how many.
async fn remove(store: &Store, table: &str, key: &str, condition: &str, param: Param) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let sql = format!(
            "DELETE FROM {table} WHERE {condition} AND {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT $2)"
        );
        let rows = store.database().execute(Durability::Process, sql, vec![param.clone(), BATCH.into()]).await?;
        removed += rows;
        if rows < BATCH.unsigned_abs() {
            return Ok(removed);
        }
    }
}

struct Expired;

#[async_trait]
impl Perform for Expired {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        let removed = clean_up(&run.store, &run.ctx).await?;
        if removed > 0 {
            run.log(LogLevel::Info, format!("Removed {removed} rows."));
        }
        Ok(())
    }
}

/// Removes what has expired; how many rows.
async fn clean_up(store: &Store, ctx: &Ctx) -> Result<u64, StoreError> {
    let now = ctx.now();
    let mut removed = 0;
    for (table, key, condition) in EXPIRING {
        removed += remove(store, table, key, condition, now.into()).await?;
    }
    let ended = remove(store, "tasks", "id", "due IS NULL AND mtime <= $1", (now - TASKS).into()).await?;
    // What was done to the configuration is told as long as the events that tell of it.
    let forgotten = store.configuration().index::<Program>().forgets(now);
    let history = remove(store, "configuration_revision", "id", "at <= $1", forgotten.into()).await?;
    Ok(removed + ended + history)
}

struct Notifications;

#[async_trait]
impl Perform for Notifications {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        // Whatever is removed has been sent by now.
        let condition = "seen AND created <= $1";
        let removed = remove(&run.store, "notifications", "pk", condition, run.ctx.now().into()).await?;
        run.log(LogLevel::Info, format!("Expired {removed} Notifications"));
        Ok(())
    }
}

struct Person;

#[async_trait]
impl Perform for Person {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        let Some(user) = run.arguments.get("user").and_then(Value::as_i64) else {
            return Err(TaskError::Hopeless("the argument `user` is missing".into()));
        };
        let removed = remove(&run.store, "events", "pk", "user_id = $1", user.into()).await?;
        run.log(LogLevel::Info, format!("Removed {removed} events."));
        Ok(())
    }
}
