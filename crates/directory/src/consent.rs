//! What people have agreed that an application is told: looked up and written by whatever asks them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use vestibule_store::{Durability, Store, StoreError};

/// What `user` has agreed that `application` is told, as far as that has not ended.
pub async fn given(
    store: &Store,
    now: DateTime<Utc>,
    user: i64,
    application: Uuid,
) -> Result<Option<BTreeSet<String>>, StoreError> {
    let sql = "SELECT permissions FROM user_consents WHERE user_id = $1 AND application = $2 \
               AND (NOT expiring OR expires > $3)";
    let rows = store.database().query(sql, vec![user.into(), application.into(), now.into()]).await?;
    let texts = rows.iter().map(|row| row.text("permissions")).collect::<Result<Vec<_>, _>>()?;
    let words = texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned);
    Ok((!texts.is_empty()).then(|| words.collect()))
}

/// Writes down that `user` agrees that `application` is told all of `permissions`, and nothing else, until `expires`;
/// `None`: for good.
pub async fn give(
    store: &Store,
    (user, application): (i64, Uuid),
    permissions: &BTreeSet<String>,
    expires: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let mut transaction = store.database().begin(Durability::Full).await?;
    let sql = "DELETE FROM user_consents WHERE user_id = $1 AND application = $2";
    transaction.execute(sql, vec![user.into(), application.into()]).await?;
    // Of two answers at once each replaces what the other wrote; the same one is written once.
    let sql = "INSERT INTO user_consents (user_id, application, permissions, expires, expiring) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, application, permissions) \
               DO UPDATE SET expires = excluded.expires, expiring = excluded.expiring";
    let text = permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let params = vec![user.into(), application.into(), text.into(), expires.into(), expires.is_some().into()];
    transaction.execute(sql, params).await?;
    transaction.commit().await
}
