//! The kinds of stages: one folder each.

mod authenticator_duo;
mod authenticator_email;
mod authenticator_sms;
mod authenticator_static;
mod authenticator_totp;
mod authenticator_validate;
mod authenticator_webauthn;
mod captcha;
mod ceremony;
mod deny;
mod dummy;
pub mod email;
#[cfg(test)]
mod flow_tests;
pub mod http_client;
mod identification;
mod password;
mod sent;
mod setup;
#[cfg(test)]
mod test_authenticator;
#[cfg(test)]
mod test_support;
mod user_login;
mod user_logout;

pub use authenticator_duo::AuthenticatorDuoStage;
pub use authenticator_email::AuthenticatorEmailStage;
pub use authenticator_sms::AuthenticatorSmsStage;
pub use authenticator_static::AuthenticatorStaticStage;
pub use authenticator_totp::AuthenticatorTotpStage;
pub use authenticator_validate::AuthenticatorValidateStage;
pub use authenticator_webauthn::AuthenticatorWebAuthnStage;
pub use captcha::CaptchaStage;
pub use deny::DenyStage;
pub use dummy::DummyStage;
pub use email::EmailStage;
pub use identification::IdentificationStage;
pub use password::PasswordStage;
pub use user_login::UserLoginStage;
pub use user_logout::UserLogoutStage;

use vestibule_flow::StageEntry;
use vestibule_resource::Kind;

/// Every kind of stage as a resource.
pub fn kinds() -> Vec<Kind> {
    vec![
        authenticator_duo::kind(),
        authenticator_email::kind(),
        authenticator_sms::kind(),
        authenticator_static::kind(),
        authenticator_totp::kind(),
        authenticator_validate::kind(),
        authenticator_webauthn::kind(),
        captcha::kind(),
        deny::kind(),
        dummy::kind(),
        email::kind(),
        identification::kind(),
        password::kind(),
        user_login::kind(),
        user_logout::kind(),
    ]
}

/// What every kind of device can do where a second factor is asked for, in the order in which they are shown.
pub(crate) fn factors() -> Vec<&'static dyn authenticator_validate::Factor> {
    vec![
        &authenticator_webauthn::WebAuthnFactor,
        &authenticator_totp::TotpFactor,
        &authenticator_static::StaticFactor,
        &authenticator_email::EmailFactor,
        &authenticator_sms::SmsFactor,
        &authenticator_duo::DuoFactor,
    ]
}

/// Every kind of stage as the executor knows it.
pub fn entries() -> Vec<StageEntry> {
    vec![
        authenticator_duo::ENTRY,
        authenticator_email::ENTRY,
        authenticator_sms::ENTRY,
        authenticator_static::ENTRY,
        authenticator_totp::ENTRY,
        authenticator_validate::ENTRY,
        authenticator_webauthn::ENTRY,
        captcha::ENTRY,
        deny::ENTRY,
        dummy::ENTRY,
        identification::ENTRY,
        password::ENTRY,
        user_login::ENTRY,
        user_logout::ENTRY,
    ]
}
