//! The blueprints that come with the server, applied at its first start and kept as instances.

use vestibule_kernel::{Ctx, Object};
use vestibule_resource::Registry;
use vestibule_store::Store;

use crate::instance::{self, Kept};
use crate::library::Library;
use crate::{Applier, ApplyError, first_start};

/// Persisted once the default blueprints are applied.
const DONE: &str = "defaults_done";

/// Applies the blueprints that come with the server, once in the life of a database.
///
/// # Errors
/// The entry that failed; then nothing was applied.
pub async fn apply_defaults(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    library: &Library,
) -> Result<(), ApplyError> {
    if store.state(DONE).await?.is_some() {
        return Ok(());
    }
    let principal = first_start();
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds them applied.
    change.lock().await?;
    if change.state(DONE).await?.is_some() {
        return Ok(());
    }
    let mut applier = Applier::new(&mut change, registry, ctx, &principal, library);
    for (path, text) in vestibule_blueprints::defaults() {
        applier.apply(path, text, &Object::new(), &library.origin()).await?;
    }
    for (path, text) in vestibule_blueprints::defaults() {
        let kept = Kept { path, text, applied: true };
        instance::keep(&mut change, registry, ctx, &principal, kept).await.map_err(ApplyError::entry(path, 1))?;
    }
    change.set_state(DONE, "1").await?;
    Ok(change.commit().await?)
}
