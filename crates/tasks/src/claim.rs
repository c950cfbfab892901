//! Taking a task on a lease, keeping the lease, and what becomes of the task.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{Database, Durability, Param, Row, StoreError, Transaction};

use crate::actor::{Log, LogLevel};

/// How long a task is a node's without a sign of life.
pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The first pause before a failed task is tried again; each further one is twice as long.
const PAUSE: TimeDelta = TimeDelta::seconds(15);
/// The longest pause.
const PAUSE_MOST: TimeDelta = TimeDelta::hours(1);

/// A task that a node has taken.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its key.
    pub id: Uuid,
    /// Who does it.
    pub actor: String,
    /// What tells it from others of its actor.
    pub uid: Option<String>,
    /// What it is about.
    pub arguments: Value,
    /// Attempts that failed.
    pub retries: i64,
    /// Whether the node that had it before is gone.
    pub abandoned: bool,
}

impl Claimed {
    /// Its name for people: the actor, and what tells it from others.
    pub fn name(&self) -> String {
        match &self.uid {
            Some(uid) => format!("{}:{uid}", self.actor),
            None => self.actor.clone(),
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.uuid("id")?,
            actor: row.text("actor_name")?,
            uid: row.optional_text("uid")?,
            arguments: row.json("arguments")?,
            retries: row.int("retries")?,
            abandoned: row.bool("abandoned")?,
        })
    }
}

/// When the next task wants somebody: one that waits, or one whose lease ends.
pub(crate) async fn next_due(database: &Database) -> Result<Option<DateTime<Utc>>, StoreError> {
    let row = database.query_one("SELECT due FROM tasks WHERE due IS NOT NULL ORDER BY due LIMIT 1", vec![]).await?;
    row.map(|row| row.time("due")).transpose()
}

/// Takes the task that has waited longest, or one whose node is gone.
pub(crate) async fn claim(database: &Database, ctx: &Ctx, owner: Uuid) -> Result<Option<Claimed>, StoreError> {
    let now = ctx.now();
    let mut transaction = database.begin(Durability::Process).await?;
    let found = database.speak(
        "SELECT id, actor_name, uid, arguments, retries, (state = 'running') AS abandoned FROM tasks \
         WHERE due <= $1 ORDER BY due LIMIT 1 {skip locked}",
    );
    let Some(row) = transaction.query_one(found, vec![now.into()]).await? else { return Ok(None) };
    let mut claimed = Claimed::read(&row)?;
    if claimed.abandoned {
        claimed.retries += 1;
    }
    let sql = "UPDATE tasks SET state = 'running', aggregated_status = 'running', owner = $1, due = $2, mtime = $3, \
               retries = $4 WHERE id = $5";
    let params = vec![owner.into(), (now + LEASE).into(), now.into(), claimed.retries.into(), claimed.id.into()];
    transaction.execute(sql, params).await?;
    if claimed.retries > 0 {
        let sql = "UPDATE task_logs SET previous = TRUE WHERE task_id = $1";
        transaction.execute(sql, vec![claimed.id.into()]).await?;
    }
    transaction.commit().await?;
    Ok(Some(claimed))
}

/// Renews the lease; false when it is somebody else's by now.
pub(crate) async fn renew(database: &Database, ctx: &Ctx, owner: Uuid, task: Uuid) -> Result<bool, StoreError> {
    let sql = "UPDATE tasks SET due = $1 WHERE id = $2 AND owner = $3 AND state = 'running'";
    let params = vec![(ctx.now() + LEASE).into(), task.into(), owner.into()];
    Ok(database.execute(Durability::Process, sql, params).await? == 1)
}

/// Gives back what a node had taken: another may begin it at once.
pub(crate) async fn release(database: &Database, ctx: &Ctx, owner: Uuid) -> Result<u64, StoreError> {
    let mut transaction = database.begin(Durability::Process).await?;
    let sql = "UPDATE tasks SET state = 'queued', aggregated_status = 'queued', owner = NULL, due = $1 \
               WHERE owner = $2 AND state = 'running'";
    let released = transaction.execute(sql, vec![ctx.now().into(), owner.into()]).await?;
    if released > 0 {
        transaction.wake().await?;
    }
    transaction.commit().await?;
    Ok(released)
}

/// What becomes of a task after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done.
    Done,
    /// It is tried again.
    Again,
    /// It is given up.
    Rejected,
}

/// Writes down how an attempt ended, if the task is still `owner`'s.
pub(crate) async fn conclude(
    transaction: &mut Transaction,
    ctx: &Ctx,
    owner: Uuid,
    task: &Claimed,
    next: Next,
    logs: &[Log],
) -> Result<bool, StoreError> {
    let now = ctx.now();
    let (state, status, eta) = match next {
        Next::Done => ("done", logs.iter().map(|log| log.level).max().map_or("done", LogLevel::as_str), None),
        Next::Again => ("queued", "queued", Some(now + pause(task.retries))),
        Next::Rejected => ("rejected", "rejected", None),
    };
    let retries = task.retries + i64::from(next == Next::Again);
    let sql = "UPDATE tasks SET state = $1, aggregated_status = $2, retries = $3, mtime = $4, eta = $5, due = $5, \
               owner = NULL WHERE id = $6 AND owner = $7 AND state = 'running'";
    let params: Vec<Param> =
        vec![state.into(), status.into(), retries.into(), now.into(), eta.into(), task.id.into(), owner.into()];
    if transaction.execute(sql, params).await? == 0 {
        return Ok(false);
    }
    for log in logs {
        let sql = "INSERT INTO task_logs (task_id, previous, at, log_level, logger, event, attributes) \
                   VALUES ($1, FALSE, $2, $3, $4, $5, $6)";
        let params: Vec<Param> = vec![
            task.id.into(),
            log.at.into(),
            log.level.as_str().into(),
            task.name().into(),
            log.message.as_str().into(),
            (&log.attributes).into(),
        ];
        transaction.execute(sql, params).await?;
    }
    if next == Next::Again {
        transaction.wake().await?;
    }
    Ok(true)
}

/// How long a task rests after so many failures.
fn pause(retries: i64) -> TimeDelta {
    let doubled =
        i32::try_from(retries.clamp(0, 16)).map_or(PAUSE_MOST, |times| PAUSE * 2_i32.pow(times.unsigned_abs()));
    doubled.min(PAUSE_MOST)
}
