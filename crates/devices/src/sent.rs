//! Codes that are sent: kept as a hash, good for a while, and once.

use chrono::{DateTime, TimeDelta, Utc};
use vestibule_kernel::ApiError;
use vestibule_kernel::secret::{Keys, constant_time_eq};
use vestibule_store::Transaction;

use crate::device::DeviceRow;

/// Soonest that another code is sent to a device.
const PAUSE: TimeDelta = TimeDelta::seconds(20);

fn hash(keys: &Keys, device: &DeviceRow, code: &str) -> String {
    keys.lookup_hash(&format!("{}/{}/{code}", device.kind.table, device.pk))
}

/// Makes `code` the one that opens a device, for `lasts`. False: the last one was sent a moment ago, and stays.
pub async fn keep_code(
    transaction: &mut Transaction,
    keys: &Keys,
    now: DateTime<Utc>,
    device: &DeviceRow,
    code: &str,
    lasts: TimeDelta,
) -> Result<bool, ApiError> {
    let sql = format!(
        "UPDATE {} SET code_hash = $1, code_expires = $2, code_sent = $3 \
         WHERE id = $4 AND (code_sent IS NULL OR code_sent <= $5)",
        device.kind.table
    );
    let params =
        vec![hash(keys, device, code).into(), (now + lasts).into(), now.into(), device.pk.into(), (now - PAUSE).into()];
    Ok(transaction.execute(sql, params).await? == 1)
}

/// Uses up the code that was sent; whether it was this one.
pub async fn take_code(
    transaction: &mut Transaction,
    keys: &Keys,
    now: DateTime<Utc>,
    device: &DeviceRow,
    code: &str,
) -> Result<bool, ApiError> {
    let expected = device.row.optional_text("code_hash")?;
    let good = device.row.optional_time("code_expires")?.is_some_and(|end| end > now);
    let given = hash(keys, device, code);
    if !expected.is_some_and(|expected| constant_time_eq(&expected, &given)) || !good {
        return Ok(false);
    }
    let sql = format!("UPDATE {} SET code_hash = NULL WHERE id = $1 AND code_hash = $2", device.kind.table);
    Ok(transaction.execute(sql, vec![device.pk.into(), given.into()]).await? == 1)
}
