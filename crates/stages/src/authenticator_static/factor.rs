//! As a second factor.

use async_trait::async_trait;
use vestibule_devices::{DeviceKind, RECOVERY_CODES};

use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes};

/// The factor.
pub(crate) struct StaticFactor;

#[async_trait]
impl Factor for StaticFactor {
    fn kind(&self) -> &'static DeviceKind {
        &RECOVERY_CODES
    }

    fn takes(&self) -> Takes {
        Takes::Code
    }

    fn throttling(&self, stage: &AuthenticatorValidateStage) -> f64 {
        stage.static_otp_throttling_factor
    }
}
