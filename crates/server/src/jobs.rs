//! What a running server does by itself: follow the changes of other nodes, forget what has expired.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use vestibule_kernel::Ctx;
use vestibule_store::{Durability, Store, StoreError};

/// How often what has expired is removed. It is not used before that either.
const CLEANUP: Duration = Duration::from_mins(10);
/// Rows removed at once, so that logins do not wait for long.
const BATCH: i64 = 1000;

/// What expires: table, key, column of the moment.
const EXPIRING: &[(&str, &str, &str)] = &[("sessions", "id_hash", "expires"), ("events", "pk", "expires")];

/// Starts every job. They end when the set is dropped.
pub(crate) fn start(store: &Store, ctx: &Ctx, each_cleanup: Arc<dyn Fn() + Send + Sync>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(store.clone().follow());
    let (store, ctx) = (store.clone(), ctx.clone());
    jobs.spawn(async move {
        let mut clock = tokio::time::interval(CLEANUP);
        loop {
            clock.tick().await;
            each_cleanup();
            match clean_up(&store, &ctx).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "removed what had expired"),
                Err(error) => tracing::warn!(%error, "what has expired could not be removed"),
            }
        }
    });
    jobs
}

/// Removes what has expired; how many rows.
pub(crate) async fn clean_up(store: &Store, ctx: &Ctx) -> Result<u64, StoreError> {
    let now = ctx.now();
    let mut removed = 0;
    for (table, key, column) in EXPIRING {
        loop {
            let sql = format!(
                "DELETE FROM {table} WHERE {column} <= $1 AND {key} IN \
                 (SELECT {key} FROM {table} WHERE {column} <= $1 LIMIT $2)"
            );
            let rows = store.database().execute(Durability::Process, sql, vec![now.into(), BATCH.into()]).await?;
            removed += rows;
            if rows < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    let sql = "DELETE FROM tokens WHERE expiring AND expires <= $1 AND intent IN ('recovery', 'verification')";
    Ok(removed + store.database().execute(Durability::Process, sql, vec![now.into()]).await?)
}
