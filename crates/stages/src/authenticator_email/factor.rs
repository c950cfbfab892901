//! As a second factor.

use async_trait::async_trait;
use serde_json::json;
use vestibule_devices::{DeviceKind, DeviceRow, EMAIL, keep_code};
use vestibule_flow::StageCx;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Durability;

use super::{AuthenticatorEmailStage, deliver, masked};
use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes};
use crate::sent::new_code;

/// The factor.
pub(crate) struct EmailFactor;

/// The stage that a device was set up with: it knows how to send.
fn stage_of<'a>(cx: &'a StageCx<'_>, device: &DeviceRow) -> Option<&'a AuthenticatorEmailStage> {
    cx.configuration.get::<AuthenticatorEmailStage>(device.row.optional_uuid("stage").ok()??)
}

#[async_trait]
impl Factor for EmailFactor {
    fn kind(&self) -> &'static DeviceKind {
        &EMAIL
    }

    fn takes(&self) -> Takes {
        Takes::Code
    }

    fn throttling(&self, stage: &AuthenticatorValidateStage) -> f64 {
        stage.email_otp_throttling_factor
    }

    fn counts(&self, _: &AuthenticatorValidateStage, cx: &StageCx<'_>, device: &DeviceRow) -> bool {
        stage_of(cx, device).is_some()
    }

    async fn challenge(
        &self,
        _: &AuthenticatorValidateStage,
        _: &mut StageCx<'_>,
        devices: &[DeviceRow],
    ) -> Result<Object, ApiError> {
        let email = devices.first().map_or(Ok(String::new()), |device| device.row.text("email"))?;
        Ok(Object::from_iter([("email".to_owned(), json!(masked(&email)))]))
    }

    async fn select(&self, cx: &mut StageCx<'_>, device: &DeviceRow) -> Result<Result<(), String>, ApiError> {
        let Some(stage) = stage_of(cx, device).cloned() else { return Ok(Err("Invalid device".into())) };
        let (email, code) = (device.row.text("email")?, new_code(cx.state.ctx()));
        let (store, now) = (cx.state.store(), cx.state.ctx().now());
        let mut transaction = store.database().begin(Durability::Process).await?;
        // The mail and what opens the device come to be together, or neither does.
        if keep_code(&mut transaction, store.keys(), now, device, &code, stage.lasts()).await? {
            deliver::enqueue(cx, &mut transaction, &stage, Some(device.user), &email, &code).await?;
        }
        transaction.commit().await?;
        Ok(Ok(()))
    }
}
