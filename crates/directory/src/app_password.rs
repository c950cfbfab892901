//! Application passwords: tokens that stand in for a user's password where a program signs in.

use vestibule_kernel::Ctx;
use vestibule_store::{Store, StoreError};

/// Whether `key` is an application password of a user: one statement, whoever the user is.
pub async fn is_app_password(store: &Store, ctx: &Ctx, user: i64, key: &str) -> Result<bool, StoreError> {
    let sql = "SELECT pk FROM tokens WHERE key_hash = $1 AND user_id = $2 AND intent = 'app_password' \
               AND (NOT expiring OR expires IS NULL OR expires > $3)";
    let params = vec![store.keys().lookup_hash(key).into(), user.into(), ctx.now().into()];
    Ok(store.database().query_one(sql, params).await?.is_some())
}
