//! Codes by e-mail.

use vestibule_resource::{Fields, Kind, Resource, Spec};

use crate::device::DeviceKind;
use crate::model::{DeviceBase, spec};

/// What it is kept as.
pub const EMAIL: DeviceKind = DeviceKind {
    class: "email",
    table: "email_devices",
    model: "authentik_stages_authenticator_email.emaildevice",
    label: "authentik_stages_authenticator_email.EmailDevice",
    verbose_name: "Email Device",
    verbose_name_plural: "Email Devices",
};

/// A device.
#[derive(Fields)]
pub(crate) struct EmailDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
    /// Where codes go.
    #[field(read_only, format = Email)]
    pub email: String,
}

impl Resource for EmailDevice {
    fn spec() -> Spec {
        spec("authenticators/email", "authenticators/admin/email", EMAIL.model, "EmailDevice")
            .serial_table(EMAIL.table, "id")
            .verbose(EMAIL.verbose_name, EMAIL.verbose_name_plural)
    }
}

pub(crate) fn kind() -> Kind {
    Kind::record::<EmailDevice>()
}
