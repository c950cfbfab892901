//! The role that may look at everything, and the group that has it: there from the first start on.

use serde_json::Value;
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::{Mode, Principal, Registry, Verb, write_object};
use vestibule_store::{Param, Store};

/// The name of both.
pub const READ_ONLY: &str = "authentik Read-only";
/// Persisted once they are made.
const DONE: &str = "read_only_done";

/// Makes them, once in the life of a database: whoever deletes them does not get them back. They may view every object
/// of every model; secrets have permissions of their own, which they lack.
///
/// # Errors
/// The database's.
pub async fn ensure_read_only(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
) -> Result<(), ApiError> {
    let kinds = (registry.kind("authentik_rbac.role"), registry.kind("authentik_core.group"));
    let (Some(role_kind), Some(group_kind)) = kinds else { return Ok(()) };
    if store.state(DONE).await?.is_some() {
        return Ok(());
    }
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds them made.
    change.lock().await?;
    let sql = "SELECT pk FROM roles WHERE name = $1 UNION SELECT pk FROM groups WHERE name = $1";
    let there = change.transaction().query_one(sql, vec![READ_ONLY.into()]).await?.is_some();
    if change.state(DONE).await?.is_none() && !there {
        let body = [("name".to_owned(), Value::from(READ_ONLY))].into_iter().collect();
        let role = write_object(&mut change, registry, ctx, principal, role_kind, None, &body, Mode::Create).await?;
        let key = role.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse::<uuid::Uuid>().ok());
        for permission in view_permissions(registry) {
            let sql = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2)";
            let params: Vec<Param> = vec![key.into(), permission.into()];
            change.transaction().execute(sql, params).await?;
        }
        let roles = Value::Array(role.get("pk").cloned().into_iter().collect());
        let body = [("name".to_owned(), Value::from(READ_ONLY)), ("roles".to_owned(), roles)].into_iter().collect();
        write_object(&mut change, registry, ctx, principal, group_kind, None, &body, Mode::Create).await?;
    }
    change.set_state(DONE, "1").await?;
    Ok(change.commit().await?)
}

/// One for each model.
fn view_permissions(registry: &Registry) -> Vec<String> {
    let of_family = |model: &str| {
        let (app, name) = model.split_once('.').unwrap_or_default();
        format!("{app}.view_{name}")
    };
    let kinds = registry.kinds().iter().map(|kind| kind.permission(Verb::View));
    let mut all: Vec<String> = kinds.chain(registry.families().iter().map(|family| of_family(family.model))).collect();
    all.sort();
    all.dedup();
    all
}
