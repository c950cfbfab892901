//! The certificate that is there from the first start on, for everything that needs one and was given none.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::{Mode, Principal, Registry, write_object};
use vestibule_store::Store;

use crate::generate::{Algorithm, Request, generate};
use crate::keypair::MODEL;

/// Its name.
pub const SELF_SIGNED: &str = "authentik Self-signed Certificate";

/// Persisted once it is made.
const DONE: &str = "self_signed_done";

/// Makes it, once in the life of a database: whoever deletes it does not get it back. RSA, because some clients verify
/// nothing else, and of 2048 bits, because it is made while somebody waits for the first start.
///
/// # Errors
/// The database's.
pub async fn ensure_self_signed(
    store: &Store,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
) -> Result<(), ApiError> {
    if store.state(DONE).await?.is_some() {
        return Ok(());
    }
    let request = Request {
        common_name: SELF_SIGNED.to_owned(),
        alternative_names: vec![format!("{}.self-signed.goauthentik.io", ctx.token(40))],
        algorithm: Algorithm::Rsa,
        rsa_bits: 2048,
        until: ctx.now() + TimeDelta::days(365),
    };
    let clock = ctx.clone();
    // Before the lock is taken: nobody else waits for the key.
    let made = tokio::task::spawn_blocking(move || generate(&clock, &request)).await.map_err(ApiError::internal)??;
    let mut change = store.change(principal.actor.clone()).await?;
    // Two nodes that start at once: the second waits here, then finds it made.
    change.lock().await?;
    let there = change.configuration().documents(MODEL).any(|pair| pair.text("name") == SELF_SIGNED);
    if let (Some(kind), false) = (registry.kind(MODEL), there)
        && let Value::Object(body) =
            json!({"name": SELF_SIGNED, "certificate_data": made.certificate, "key_data": made.key})
    {
        write_object(&mut change, registry, ctx, principal, kind, None, &body, Mode::Create).await?;
    }
    change.set_state(DONE, "1").await?;
    Ok(change.commit().await?)
}
