//! Second factors: the devices of users, what they keep, and how their codes are checked. Nothing here asks anybody
//! anything; the stages that do are in `stages`.

mod attempts;
mod device;
mod duo;
mod email;
mod everyone;
mod model;
mod recovery;
mod sms;
mod totp;
mod webauthn;
mod webauthn_type;

pub use attempts::{Attempts, Tried};
pub use device::{DeviceKind, DeviceRow, KINDS, any_sql, create, kind_of_class, of_user, one_of_user, used};
pub use model::DeviceBase;
pub use recovery::{RECOVERY_CODES, add_tokens, take_token};
pub use totp::{TOTP, Totp, add_secret};
pub use webauthn::{WEBAUTHN, by_credential, count_signature};
pub use webauthn_type::{UNKNOWN, WebAuthnDeviceType, ensure_types};

pub use duo::DUO;
pub use email::EMAIL;
pub use sms::SMS;

mod sent;
pub use sent::{keep_code, take_code};

use vestibule_resource::{Kind, Operation};

/// Every kind of device, and the models of authenticators.
pub fn kinds() -> Vec<Kind> {
    vec![
        duo::kind(),
        email::kind(),
        sms::kind(),
        recovery::kind(),
        totp::kind(),
        webauthn::kind(),
        webauthn_type::kind(),
    ]
}

/// Operations over devices of every kind.
pub fn operations() -> Vec<Operation> {
    everyone::operations()
}
