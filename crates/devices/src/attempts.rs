//! Attempts at codes: counted for each device and for each user, wherever they are made. All of a user's attempts pass
//! one row, so that those made at once are counted one after another.

use chrono::{DateTime, TimeDelta, Utc};
use vestibule_kernel::ApiError;
use vestibule_kernel::secret::Keys;
use vestibule_store::Transaction;

use crate::device::{DeviceKind, DeviceRow, of_user_within, used};
use crate::{recovery, sent, totp};

/// Wrong codes of a user that are let pass before they have to wait.
const FREE: i64 = 5;
/// Longest wait.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// What came of an attempt.
pub enum Tried {
    /// The code was this device's.
    Right(Box<DeviceRow>),
    /// It was nobody's, or came too soon after wrong ones, which is not told.
    Wrong,
}

/// An attempt at a code.
pub struct Attempts<'a> {
    /// Opens what is sealed.
    pub keys: &'a Keys,
    /// The moment.
    pub now: DateTime<Utc>,
    /// The kinds whose devices may be meant, with how fast the wait grows between wrong codes of each; zero: never.
    pub kinds: Vec<(&'static DeviceKind, f64)>,
}

impl Attempts<'_> {
    /// Tries a code with the devices of a user. Counts it if it is wrong.
    pub async fn make(&self, transaction: &mut Transaction, user: i64, code: &str) -> Result<Tried, ApiError> {
        let (failures, failed_at) = line_up(transaction, user).await?;
        let waits = is_waiting(self.now, failures - FREE, failed_at, 1.0);
        let mut right = None;
        let mut tried = Vec::new();
        for (kind, factor) in &self.kinds {
            for device in of_user_within(transaction, kind, user).await? {
                let waits = waits || is_waiting(self.now, device.failures, device.failed_at, *factor);
                // A right code among the attempts that have to wait must not be used up, nor come out.
                if right.is_none() && !waits && self.fits(transaction, &device, code).await? {
                    right = Some(device);
                } else if !waits {
                    tried.push(device);
                }
            }
        }
        if let Some(device) = right {
            used(transaction, &device, self.now).await?;
            let sql = "UPDATE second_factor_attempts SET failures = 0, failed_at = NULL WHERE user_id = $1";
            transaction.execute(sql, vec![user.into()]).await?;
            return Ok(Tried::Right(Box::new(device)));
        }
        for device in tried {
            let sql = format!("UPDATE {} SET failures = failures + 1, failed_at = $1 WHERE id = $2", device.kind.table);
            transaction.execute(sql, vec![self.now.into(), device.pk.into()]).await?;
        }
        if !waits {
            let sql = "UPDATE second_factor_attempts SET failures = failures + 1, failed_at = $1 WHERE user_id = $2";
            transaction.execute(sql, vec![self.now.into(), user.into()]).await?;
        }
        Ok(Tried::Wrong)
    }

    /// Whether a code opens a device; then it is used up.
    async fn fits(&self, transaction: &mut Transaction, device: &DeviceRow, code: &str) -> Result<bool, ApiError> {
        match device.kind.class {
            "totp" => totp::take_code(transaction, self.keys, self.now, device, code).await,
            "static" => recovery::take_token(transaction, self.keys, device.pk, code).await,
            "email" | "sms" => sent::take_code(transaction, self.keys, self.now, device, code).await,
            _ => Ok(false),
        }
    }
}

/// Waits until no other attempt of the user is under way; how often they were wrong, and when last.
async fn line_up(transaction: &mut Transaction, user: i64) -> Result<(i64, Option<DateTime<Utc>>), ApiError> {
    let sql = "INSERT INTO second_factor_attempts (user_id, failures) VALUES ($1, 0) \
               ON CONFLICT (user_id) DO UPDATE SET failures = second_factor_attempts.failures \
               RETURNING failures, failed_at";
    let Some(row) = transaction.query_one(sql, vec![user.into()]).await? else { return Ok((0, None)) };
    Ok((row.int("failures")?, row.optional_time("failed_at")?))
}

/// Whether the wait after so many wrong codes is not over: `factor` seconds, doubled by each.
fn is_waiting(now: DateTime<Utc>, failures: i64, last: Option<DateTime<Utc>>, factor: f64) -> bool {
    let Some(last) = last.filter(|_| failures > 0 && factor > 0.0) else { return false };
    let doublings = i32::try_from(failures - 1).unwrap_or(i32::MAX).min(30);
    let seconds = std::time::Duration::try_from_secs_f64(factor * 2_f64.powi(doublings)).unwrap_or_default();
    let wait = TimeDelta::from_std(seconds).unwrap_or(LONGEST).min(LONGEST);
    now < last + wait
}
