//! Blueprints against the store: applying them in one change, writing the configuration as one.

pub mod api;
mod apply;
pub mod export;
mod lookup;
mod names;
#[cfg(test)]
mod tests;

pub use apply::{Applied, Applier, ApplyError, Origin};

use vestibule_kernel::Ctx;
use vestibule_resource::{Principal, Registry};
use vestibule_store::{Change, Store, StoreError};

/// Persisted once the default blueprints are applied.
const DEFAULTS_DONE: &str = "defaults_done";

/// The server itself, as one who writes.
pub fn system() -> Principal {
    let here = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    Principal { actor: vestibule_kernel::Actor::System, superuser: true, ..Principal::anonymous(here) }
}

/// Applies the blueprints that come with the server, once in the life of a database.
///
/// # Errors
/// The entry that failed; then nothing was applied.
pub async fn apply_defaults(store: &Store, registry: &Registry, ctx: &Ctx) -> Result<(), ApplyError> {
    if store.state(DEFAULTS_DONE).await?.is_some() {
        return Ok(());
    }
    let mut principal = system();
    principal.request.quiet = true;
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds them applied.
    change.lock().await?;
    if state(&mut change, DEFAULTS_DONE).await?.is_some() {
        return Ok(());
    }
    let mut applier = Applier::new(&mut change, registry, ctx, &principal, Origin::Server);
    for (file, text) in vestibule_blueprints::defaults() {
        applier.apply(file, text, &serde_json::Map::new()).await?;
    }
    change.set_state(DEFAULTS_DONE, "1").await?;
    Ok(change.commit().await?)
}

/// A persisted value as a change under way sees it.
pub(crate) async fn state(change: &mut Change, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM server_state WHERE name = $1";
    let row = change.transaction().query_one(sql, vec![name.into()]).await?;
    row.map(|row| row.text("value")).transpose()
}
