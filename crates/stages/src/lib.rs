//! The kinds of stages: one folder each.

mod authenticator_validate;
mod captcha;
mod deny;
mod dummy;
pub mod email;
#[cfg(test)]
mod flow_tests;
pub mod http_client;
mod identification;
mod password;
#[cfg(test)]
mod test_support;
mod user_login;
mod user_logout;

pub use authenticator_validate::AuthenticatorValidateStage;
pub use captcha::CaptchaStage;
pub use captcha::work::ProofOfWork;
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
        authenticator_validate::kind(),
        captcha::kind(),
        captcha::work::kind(),
        deny::kind(),
        dummy::kind(),
        email::kind(),
        identification::kind(),
        password::kind(),
        user_login::kind(),
        user_logout::kind(),
    ]
}

/// Every kind of stage as the executor knows it.
pub fn entries() -> Vec<StageEntry> {
    vec![
        authenticator_validate::ENTRY,
        captcha::ENTRY,
        deny::ENTRY,
        dummy::ENTRY,
        identification::ENTRY,
        password::ENTRY,
        user_login::ENTRY,
        user_logout::ENTRY,
    ]
}
