//! Enqueuing.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{StoreError, Transaction};

/// The one queue.
pub(crate) const QUEUE: &str = "default";

/// The object that a task or a schedule is about.
#[derive(Clone, Debug)]
pub struct RelatedObject {
    /// Its model, `app.model`.
    pub model: &'static str,
    /// Its key.
    pub pk: String,
}

/// A task to be enqueued. Its arguments hold keys of things, never secrets.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub(crate) actor: String,
    pub(crate) arguments: Value,
    pub(crate) uid: Option<String>,
    pub(crate) related: Option<(String, String, String)>,
    pub(crate) schedule: Option<Uuid>,
    pub(crate) eta: Option<DateTime<Utc>>,
}

impl NewTask {
    /// A task for an actor.
    pub fn new(actor: &str, arguments: Value) -> Self {
        Self { actor: actor.to_owned(), arguments, uid: None, related: None, schedule: None, eta: None }
    }

    /// What tells it from others of its actor, for people.
    pub fn uid(self, uid: impl Into<String>) -> Self {
        Self { uid: Some(uid.into()), ..self }
    }

    /// The object that it is about.
    pub fn about(self, object: RelatedObject) -> Self {
        let (app, model) = object.model.split_once('.').unwrap_or_default();
        Self { related: Some((app.to_owned(), model.to_owned(), object.pk)), ..self }
    }

    /// Not before this moment.
    pub fn not_before(self, eta: DateTime<Utc>) -> Self {
        Self { eta: Some(eta), ..self }
    }

    /// Enqueues it as part of a transaction; whoever waits for work is woken by its commit.
    pub async fn enqueue(self, ctx: &Ctx, transaction: &mut Transaction) -> Result<Uuid, StoreError> {
        let (id, now) = (ctx.uuid(), ctx.now());
        let sql = "INSERT INTO tasks (id, queue_name, actor_name, uid, arguments, rel_obj_app, rel_obj_model, \
                   rel_obj_id, schedule_id, state, aggregated_status, retries, created, mtime, eta, due) VALUES \
                   ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', 'queued', 0, $10, $10, $11, $12)";
        let (app, model, object) = match self.related {
            Some((app, model, object)) => (Some(app), Some(model), Some(object)),
            None => (None, None, None),
        };
        let params = vec![
            id.into(),
            QUEUE.into(),
            self.actor.into(),
            self.uid.into(),
            self.arguments.into(),
            app.into(),
            model.into(),
            object.into(),
            self.schedule.into(),
            now.into(),
            self.eta.into(),
            self.eta.unwrap_or(now).into(),
        ];
        transaction.add(sql, params).await?;
        transaction.wake().await?;
        Ok(id)
    }
}

/// Enqueues a task anew that was given up; false when it was not.
pub async fn retry(ctx: &Ctx, transaction: &mut Transaction, task: Uuid) -> Result<bool, StoreError> {
    let sql = "UPDATE tasks SET state = 'queued', aggregated_status = 'queued', retries = 0, eta = NULL, mtime = $1, \
               due = $1, owner = NULL WHERE id = $2 AND state = 'rejected'";
    let done = transaction.execute(sql, vec![ctx.now().into(), task.into()]).await? == 1;
    if done {
        let sql = "UPDATE task_logs SET previous = TRUE WHERE task_id = $1";
        transaction.execute(sql, vec![task.into()]).await?;
        transaction.wake().await?;
    }
    Ok(done)
}
