//! Schedules: what is to be done again and again, by the clock (UTC).

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use croner::Cron;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{Database, Durability, Row, Store, StoreError, Transaction};

use crate::queue::NewTask;

/// A schedule that a family brings along.
pub struct Schedule {
    /// Who does its tasks.
    pub actor: &'static str,
    /// Minute, hour, day of the month, month, day of the week; administrators may change it.
    pub crontab: &'static str,
}

/// The first moment after `after` that a crontab names.
///
/// # Errors
/// What is wrong with the text, or that it never comes.
pub fn next_run(crontab: &str, after: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let cron = Cron::from_str(crontab.trim()).map_err(|error| error.to_string())?;
    cron.find_next_occurrence(&after, false).map_err(|error| error.to_string())
}

/// Makes the schedules that are not there yet, and forgets those whose actor is no more.
pub(crate) async fn ensure(store: &Store, ctx: &Ctx, schedules: &[Schedule]) -> Result<(), StoreError> {
    let mut transaction = store.database().begin(Durability::Full).await?;
    let now = ctx.now();
    for schedule in schedules {
        let next = next_run(schedule.crontab, now).unwrap_or(now);
        let sql = "INSERT INTO schedules (id, actor_name, identifier, arguments, crontab, paused, next_run) \
                   VALUES ($1, $2, '', $3, $4, FALSE, $5) ON CONFLICT (actor_name, identifier) DO NOTHING";
        let params =
            vec![ctx.uuid().into(), schedule.actor.into(), json!({}).into(), schedule.crontab.into(), next.into()];
        transaction.execute(sql, params).await?;
    }
    for row in transaction.query("SELECT id, actor_name FROM schedules WHERE identifier = ''", vec![]).await? {
        let name = row.text("actor_name")?;
        if !schedules.iter().any(|schedule| schedule.actor == name) {
            transaction.execute("DELETE FROM schedules WHERE id = $1", vec![row.uuid("id")?.into()]).await?;
        }
    }
    transaction.commit().await
}

/// When the next schedule is due.
pub(crate) async fn next_due(database: &Database) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT next_run FROM schedules WHERE NOT paused ORDER BY next_run LIMIT 1";
    database.query_one(sql, vec![]).await?.map(|row| row.time("next_run")).transpose()
}

const COLUMNS: &str = "id, actor_name, uid, arguments, rel_obj_app, rel_obj_model, rel_obj_id, crontab, next_run";

/// Enqueues a task for every schedule that is due. Of several nodes one does: whoever moves the schedule on.
pub(crate) async fn send_due(database: &Database, ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.now();
    let sql = format!("SELECT {COLUMNS} FROM schedules WHERE NOT paused AND next_run <= $1");
    for row in database.query(sql, vec![now.into()]).await? {
        let mut transaction = database.begin(Durability::Process).await?;
        let crontab = row.text("crontab")?;
        // What cannot be read was refused when it was written; should one be there all the same, it rests for a day.
        let next = next_run(&crontab, now).unwrap_or(now + chrono::TimeDelta::days(1));
        let sql = "UPDATE schedules SET next_run = $1 WHERE id = $2 AND next_run = $3 AND NOT paused";
        let params = vec![next.into(), row.uuid("id")?.into(), row.time("next_run")?.into()];
        if transaction.execute(sql, params).await? == 1 && !is_unfinished(&mut transaction, row.uuid("id")?).await? {
            task(&row)?.enqueue(ctx, &mut transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Enqueues a task for one schedule now, unless one of it is waiting already; its clock goes on as before.
pub async fn send(ctx: &Ctx, transaction: &mut Transaction, schedule: Uuid) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM schedules WHERE id = $1");
    if let Some(row) = transaction.query_one(sql, vec![schedule.into()]).await?
        && !is_unfinished(transaction, schedule).await?
    {
        task(&row)?.enqueue(ctx, transaction).await?;
    }
    Ok(())
}

async fn is_unfinished(transaction: &mut Transaction, schedule: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM tasks WHERE schedule_id = $1 AND due IS NOT NULL LIMIT 1";
    Ok(transaction.query_one(sql, vec![schedule.into()]).await?.is_some())
}

fn task(row: &Row) -> Result<NewTask, StoreError> {
    let related =
        (row.optional_text("rel_obj_app")?, row.optional_text("rel_obj_model")?, row.optional_text("rel_obj_id")?);
    Ok(NewTask {
        actor: row.text("actor_name")?,
        arguments: row.json("arguments").unwrap_or(Value::Null),
        uid: row.optional_text("uid")?,
        related: match related {
            (Some(app), Some(model), Some(pk)) => Some((app, model, pk)),
            _ => None,
        },
        schedule: Some(row.uuid("id")?),
        eta: None,
    })
}
