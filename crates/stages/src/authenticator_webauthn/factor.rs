//! As a second factor.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_devices::{DeviceKind, DeviceRow, WEBAUTHN};
use vestibule_flow::StageCx;
use vestibule_kernel::{ApiError, Object};

use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes, offer};
use crate::ceremony;

/// The factor.
pub(crate) struct WebAuthnFactor;

#[async_trait]
impl Factor for WebAuthnFactor {
    fn kind(&self) -> &'static DeviceKind {
        &WEBAUTHN
    }

    fn takes(&self) -> Takes {
        Takes::Passkey
    }

    fn counts(&self, stage: &AuthenticatorValidateStage, cx: &StageCx<'_>, device: &DeviceRow) -> bool {
        let model = device.row.text("aaguid").ok().and_then(|aaguid| aaguid.parse().ok()).unwrap_or_default();
        ceremony::is_allowed(cx.configuration, &stage.webauthn_allowed_device_types, model)
    }

    async fn challenge(
        &self,
        stage: &AuthenticatorValidateStage,
        cx: &mut StageCx<'_>,
        devices: &[DeviceRow],
    ) -> Result<Object, ApiError> {
        match offer(stage, cx, devices)? {
            Value::Object(options) => Ok(options),
            _ => Ok(Object::new()),
        }
    }
}
