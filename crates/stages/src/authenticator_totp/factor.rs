//! As a second factor.

use async_trait::async_trait;
use vestibule_devices::{DeviceKind, TOTP};

use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes};

/// The factor.
pub(crate) struct TotpFactor;

#[async_trait]
impl Factor for TotpFactor {
    fn kind(&self) -> &'static DeviceKind {
        &TOTP
    }

    fn takes(&self) -> Takes {
        Takes::Code
    }

    fn throttling(&self, stage: &AuthenticatorValidateStage) -> f64 {
        stage.totp_otp_throttling_factor
    }
}
