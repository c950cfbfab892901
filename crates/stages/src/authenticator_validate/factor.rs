//! What a kind of device can do where a second factor is asked for.

use async_trait::async_trait;
use vestibule_devices::{DeviceKind, DeviceRow, of_user};
use vestibule_flow::StageCx;
use vestibule_kernel::{ApiError, Object};

use super::AuthenticatorValidateStage;

/// How devices of a kind are answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// With a code that is typed.
    Code,
    /// With what a browser has an authenticator sign.
    Passkey,
    /// With a push to a phone.
    Push,
}

/// What a kind of device can do.
#[async_trait]
pub(crate) trait Factor: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static DeviceKind;

    /// How its devices are answered with.
    fn takes(&self) -> Takes;

    /// How fast the wait grows between wrong codes.
    fn throttling(&self, _stage: &AuthenticatorValidateStage) -> f64 {
        1.0
    }

    /// Whether a device counts for a stage.
    fn counts(&self, _stage: &AuthenticatorValidateStage, _cx: &StageCx<'_>, _device: &DeviceRow) -> bool {
        true
    }

    /// What a browser needs to know to answer with one of `devices`, which is never empty.
    async fn challenge(
        &self,
        _stage: &AuthenticatorValidateStage,
        _cx: &mut StageCx<'_>,
        _devices: &[DeviceRow],
    ) -> Result<Object, ApiError> {
        Ok(Object::new())
    }

    /// Somebody wants to answer with this device: sends a code, where codes are sent. Why not, for people.
    async fn select(&self, _cx: &mut StageCx<'_>, _device: &DeviceRow) -> Result<Result<(), String>, ApiError> {
        Ok(Ok(()))
    }

    /// Asks the owner of a device for their consent. Why not, for people.
    async fn push(&self, _cx: &mut StageCx<'_>, _device: &DeviceRow) -> Result<Result<(), String>, ApiError> {
        Ok(Err("Invalid device".into()))
    }
}

/// The kinds that count for a stage, each with the devices of the user that do; a kind without is left out. Nobody's
/// devices are looked for like somebody's.
pub(super) async fn usable(
    stage: &AuthenticatorValidateStage,
    cx: &StageCx<'_>,
    user: i64,
) -> Result<Vec<(&'static dyn Factor, Vec<DeviceRow>)>, ApiError> {
    if cx.plan.without_device == Some(user) {
        return Ok(Vec::new());
    }
    let allowed =
        |factor: &&'static dyn Factor| stage.device_classes.iter().any(|class| class.as_str() == factor.kind().class);
    let factors: Vec<&'static dyn Factor> = crate::factors().into_iter().filter(allowed).collect();
    let kinds: Vec<&'static DeviceKind> = factors.iter().map(|factor| factor.kind()).collect();
    let mut all = of_user(cx.state.store().database(), &kinds, user).await?;
    let mut usable = Vec::new();
    for factor in factors {
        let mine = |device: &mut DeviceRow| device.kind == factor.kind() && factor.counts(stage, cx, device);
        let devices: Vec<DeviceRow> = all.extract_if(.., mine).collect();
        if !devices.is_empty() {
            usable.push((factor, devices));
        }
    }
    Ok(usable)
}
