//! Signs of life of the nodes that do tasks.

use chrono::TimeDelta;
use uuid::Uuid;
use vestibule_kernel::Ctx;
use vestibule_store::{Database, Durability, StoreError};

use crate::runner::Node;

/// How long after its last sign of life a node counts as alive.
pub const ALIVE: TimeDelta = TimeDelta::minutes(2);

/// Gives a sign of life.
pub(crate) async fn sign(database: &Database, ctx: &Ctx, id: Uuid, node: &Node) -> Result<(), StoreError> {
    let sql = "INSERT INTO workers (id, hostname, version, last_seen) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen";
    let params = vec![id.into(), (&node.hostname).into(), (&node.version).into(), ctx.now().into()];
    database.execute(Durability::Process, sql, params).await?;
    let sql = "DELETE FROM workers WHERE last_seen < $1";
    database.execute(Durability::Process, sql, vec![(ctx.now() - ALIVE).into()]).await?;
    Ok(())
}

/// Takes leave.
pub(crate) async fn leave(database: &Database, id: Uuid) -> Result<(), StoreError> {
    database.execute(Durability::Process, "DELETE FROM workers WHERE id = $1", vec![id.into()]).await?;
    Ok(())
}
