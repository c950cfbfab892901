//! That a second factor was used: what a browser shows for it, so that nobody is asked again at once. Signed for one
//! stage, one user and one device, and good for as long as the stage says now.

use chrono::{DateTime, TimeDelta};
use vestibule_devices::DeviceRow;
use vestibule_flow::StageCx;
use vestibule_kernel::duration;
use vestibule_kernel::secret::constant_time_eq;

use super::AuthenticatorValidateStage;

fn threshold(stage: &AuthenticatorValidateStage) -> TimeDelta {
    duration::parse(&stage.last_auth_threshold).unwrap_or_default()
}

/// Has the browser show that a device was used.
pub(super) fn set(stage: &AuthenticatorValidateStage, cx: &mut StageCx<'_>, device: &DeviceRow) {
    let lasts = threshold(stage).num_seconds();
    if lasts < 1 {
        return;
    }
    let said = format!("{}-{}-{}-{}", device.user, device.kind.class, device.pk, cx.state.ctx().now().timestamp());
    let signed = format!("{said}.{}", signature(stage, &said, cx));
    cx.factor = Some((signed, lasts));
}

/// Whether the browser shows that one of these devices, which are the user's, was used not too long ago.
pub(super) fn is_fresh<'a>(
    stage: &AuthenticatorValidateStage,
    cx: &StageCx<'_>,
    user: i64,
    mut devices: impl Iterator<Item = &'a DeviceRow>,
) -> bool {
    let mut fresh = || {
        let (said, signed) = cx.visit.factor.as_deref()?.split_once('.')?;
        if !constant_time_eq(signed, &signature(stage, said, cx)) {
            return None;
        }
        let mut parts = said.split('-');
        let (whose, class, pk, at) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (pk, at) = (pk.parse::<i64>().ok()?, DateTime::from_timestamp(at.parse().ok()?, 0)?);
        let age = cx.state.ctx().now() - at;
        let in_time = age < threshold(stage) && age >= TimeDelta::zero();
        let own = whose.parse() == Ok(user);
        Some(own && in_time && devices.any(|device| device.pk == pk && device.kind.class == class))
    };
    fresh().unwrap_or_default()
}

fn signature(stage: &AuthenticatorValidateStage, said: &str, cx: &StageCx<'_>) -> String {
    cx.state.store().keys().lookup_hash(&format!("factor/{}/{said}", stage.stage.pk))
}
