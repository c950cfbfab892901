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
pub mod consent;
mod deny;
mod dummy;
pub mod email;
#[cfg(test)]
mod flow_tests;
pub mod http_client;
mod identification;
mod invitation;
mod password;
pub mod prompt;
mod redirect;
mod secret_data;
mod sent;
mod setup;
#[cfg(test)]
mod test_authenticator;
#[cfg(test)]
mod test_support;
mod user_delete;
mod user_login;
mod user_logout;
mod user_write;

pub use authenticator_duo::AuthenticatorDuoStage;
pub use authenticator_email::AuthenticatorEmailStage;
pub use authenticator_sms::AuthenticatorSmsStage;
pub use authenticator_static::AuthenticatorStaticStage;
pub use authenticator_totp::AuthenticatorTotpStage;
pub use authenticator_validate::AuthenticatorValidateStage;
pub use authenticator_webauthn::AuthenticatorWebAuthnStage;
pub use captcha::CaptchaStage;
pub use captcha::work::ProofOfWork;
pub use consent::ConsentStage;
pub use deny::DenyStage;
pub use dummy::DummyStage;
pub use email::EmailStage;
pub use identification::IdentificationStage;
pub use invitation::{Invitation, InvitationStage};
pub use password::PasswordStage;
pub use prompt::{Prompt, PromptStage};
pub use redirect::RedirectStage;
pub use user_delete::UserDeleteStage;
pub use user_login::UserLoginStage;
pub use user_logout::UserLogoutStage;
pub use user_write::UserWriteStage;

use vestibule_flow::{BuiltIn, StageEntry};
use vestibule_resource::Kind;

/// Every kind of stage as a resource.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        authenticator_duo::kind(),
        authenticator_email::kind(),
        authenticator_sms::kind(),
        authenticator_static::kind(),
        authenticator_totp::kind(),
        authenticator_validate::kind(),
        authenticator_webauthn::kind(),
        captcha::kind(),
        captcha::work::kind(),
        consent::kind(),
        deny::kind(),
        dummy::kind(),
        email::kind(),
        identification::kind(),
        password::kind(),
        redirect::kind(),
        user_delete::kind(),
        user_login::kind(),
        user_logout::kind(),
        user_write::kind(),
    ];
    kinds.extend(invitation::kinds());
    kinds.extend(prompt::kinds());
    kinds
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

/// Stages that no administrator arranges.
pub fn built_in() -> Vec<BuiltIn> {
    vec![consent::BUILT_IN, user_logout::frames::BUILT_IN]
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
        consent::ENTRY,
        deny::ENTRY,
        dummy::ENTRY,
        email::ENTRY,
        identification::ENTRY,
        invitation::ENTRY,
        password::ENTRY,
        prompt::ENTRY,
        redirect::ENTRY,
        user_delete::ENTRY,
        user_login::ENTRY,
        user_logout::ENTRY,
        user_write::ENTRY,
    ]
}
