//! Codes of an app, by time (RFC 6238) over HMAC-SHA-1 (RFC 4226).

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use vestibule_kernel::secret::{Keys, constant_time_eq};
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::{StoreError, Transaction};

use crate::device::{DeviceKind, DeviceRow};
use crate::model::{DeviceBase, spec};

/// What it is kept as.
pub const TOTP: DeviceKind = DeviceKind {
    class: "totp",
    table: "totp_devices",
    model: "authentik_stages_authenticator_totp.totpdevice",
    label: "authentik_stages_authenticator_totp.TOTPDevice",
    verbose_name: "TOTP Device",
    verbose_name_plural: "TOTP Devices",
};

/// An app.
#[derive(Fields)]
pub(crate) struct TotpDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
}

impl Resource for TotpDevice {
    fn spec() -> Spec {
        spec("authenticators/totp", "authenticators/admin/totp", TOTP.model, "TOTPDevice")
            .serial_table(TOTP.table, "id")
            .verbose(TOTP.verbose_name, TOTP.verbose_name_plural)
    }
}

pub(crate) fn kind() -> Kind {
    Kind::record::<TotpDevice>()
}

/// How long a code is shown, seconds.
const STEP: i64 = 30;
/// So many steps a clock may be off, either way.
const TOLERANCE: i64 = 1;

/// A secret that codes are made of.
#[derive(Clone, Debug)]
pub struct Totp {
    /// The secret, bytes.
    pub secret: Vec<u8>,
    /// How many digits a code has: 6 or 8.
    pub digits: u32,
}

impl Totp {
    /// The code of a step (RFC 4226, section 5.3).
    pub fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
        let part = tag.get(offset..offset + 4).unwrap_or_default();
        let number = part.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
        let width = usize::try_from(self.digits).unwrap_or(6);
        format!("{:0width$}", number % 10_u32.pow(self.digits))
    }

    /// The step of a moment.
    pub fn step(now: DateTime<Utc>) -> i64 {
        now.timestamp().div_euclid(STEP)
    }

    /// The step, after `last`, whose code this is.
    pub fn matching(&self, code: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
        let present = Self::step(now);
        let steps = (present - TOLERANCE..=present + TOLERANCE).filter(|step| *step > last);
        // Every step is looked at: which one fits shows in no time that it takes.
        steps.fold(None, |found, step| if constant_time_eq(&self.code(step), code) { Some(step) } else { found })
    }
}

fn place(device: i64) -> String {
    format!("totp_devices/{device}/key")
}

/// Keeps the secret of a device; the code of `step`, and those before, are used up.
pub async fn add_secret(
    transaction: &mut Transaction,
    keys: &Keys,
    ctx: &Ctx,
    device: i64,
    totp: &Totp,
    step: i64,
) -> Result<(), ApiError> {
    let sealed = keys.seal(ctx, &place(device), &hex::encode(&totp.secret)).map_err(StoreError::from)?;
    let sql = "UPDATE totp_devices SET key_sealed = $1, digits = $2, last_step = $3 WHERE id = $4";
    let params = vec![sealed.into(), i64::from(totp.digits).into(), step.into(), device.into()];
    transaction.execute(sql, params).await?;
    Ok(())
}

/// Uses up a code of a device; whether it was one that was not used before.
pub(crate) async fn take_code(
    transaction: &mut Transaction,
    keys: &Keys,
    now: DateTime<Utc>,
    device: &DeviceRow,
    code: &str,
) -> Result<bool, ApiError> {
    let secret = keys.open(&place(device.pk), &device.row.text("key_sealed")?).map_err(StoreError::from)?;
    let digits = u32::try_from(device.row.int("digits")?).unwrap_or(6).min(9);
    let totp = Totp { secret: hex::decode(secret).unwrap_or_default(), digits };
    let Some(step) = totp.matching(code, now, device.row.int("last_step")?) else { return Ok(false) };
    let sql = "UPDATE totp_devices SET last_step = $1 WHERE id = $2 AND last_step < $1";
    Ok(transaction.execute(sql, vec![step.into(), device.pk.into()]).await? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1.
        let totp = Totp { secret: b"12345678901234567890".to_vec(), digits: 8 };
        for (at, code) in [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")] {
            assert_eq!(totp.code(at / STEP), code);
        }
    }

    #[test]
    fn a_step_is_matched_once_and_nearby_alone() {
        let totp = Totp { secret: b"12345678901234567890".to_vec(), digits: 6 };
        let now = DateTime::from_timestamp(1_111_111_109, 0).unwrap();
        let step = Totp::step(now);
        assert_eq!(totp.matching(&totp.code(step), now, 0), Some(step));
        assert_eq!(totp.matching(&totp.code(step - 1), now, 0), Some(step - 1));
        assert_eq!(totp.matching(&totp.code(step), now, step), None);
        assert_eq!(totp.matching(&totp.code(step - 2), now, 0), None);
    }
}
