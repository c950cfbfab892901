//! Which groups a user is in.

use std::collections::BTreeSet;

use uuid::Uuid;
use vestibule_store::{Database, StoreError};

pub use crate::superuser::is_privileged;

/// The groups of a user, with every group above them. `UNION` ends a circle of parents. One statement, for nobody too.
pub async fn groups_of(database: &Database, user: Option<i64>) -> Result<BTreeSet<Uuid>, StoreError> {
    let sql = "WITH RECURSIVE up (pk) AS (SELECT group_pk FROM memberships WHERE user_id = $1 \
               UNION SELECT group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk) \
               SELECT pk FROM up";
    let rows = database.query(sql, vec![user.unwrap_or(-1).into()]).await?;
    rows.iter().map(|row| row.uuid("pk")).collect()
}
