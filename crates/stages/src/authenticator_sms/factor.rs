//! As a second factor.

use async_trait::async_trait;
use vestibule_devices::{DeviceKind, DeviceRow, SMS, keep_code};
use vestibule_flow::StageCx;
use vestibule_kernel::ApiError;
use vestibule_store::Durability;

use super::{AuthenticatorSmsStage, LASTS, NOT_SENT, send};
use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes};
use crate::sent::new_code;

/// The factor.
pub(crate) struct SmsFactor;

fn stage_of<'a>(cx: &'a StageCx<'_>, device: &DeviceRow) -> Option<&'a AuthenticatorSmsStage> {
    cx.configuration.get::<AuthenticatorSmsStage>(device.row.optional_uuid("stage").ok()??)
}

#[async_trait]
impl Factor for SmsFactor {
    fn kind(&self) -> &'static DeviceKind {
        &SMS
    }

    fn takes(&self) -> Takes {
        Takes::Code
    }

    fn throttling(&self, stage: &AuthenticatorValidateStage) -> f64 {
        stage.sms_otp_throttling_factor
    }

    /// A number that was only proved is not known any more.
    fn counts(&self, _: &AuthenticatorValidateStage, cx: &StageCx<'_>, device: &DeviceRow) -> bool {
        stage_of(cx, device).is_some() && !device.row.bool("is_hashed").unwrap_or(true)
    }

    async fn select(&self, cx: &mut StageCx<'_>, device: &DeviceRow) -> Result<Result<(), String>, ApiError> {
        let Some(stage) = stage_of(cx, device).cloned() else { return Ok(Err("Invalid device".into())) };
        let (number, code) = (device.row.text("phone_number")?, new_code(cx.state.ctx()));
        let (store, now) = (cx.state.store(), cx.state.ctx().now());
        let mut transaction = store.database().begin(Durability::Process).await?;
        let is_new = keep_code(&mut transaction, store.keys(), now, device, &code, LASTS).await?;
        transaction.commit().await?;
        if !is_new {
            return Ok(Ok(()));
        }
        Ok(send::send(cx, &stage, &number, &code).await?.map_err(|()| NOT_SENT.into()))
    }
}
