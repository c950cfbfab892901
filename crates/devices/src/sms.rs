//! Codes by text message.

use vestibule_resource::{Fields, Kind, Resource, Spec};

use crate::device::DeviceKind;
use crate::model::{DeviceBase, spec};

/// What it is kept as.
pub const SMS: DeviceKind = DeviceKind {
    class: "sms",
    table: "sms_devices",
    model: "authentik_stages_authenticator_sms.smsdevice",
    label: "authentik_stages_authenticator_sms.SMSDevice",
    verbose_name: "SMS Device",
    verbose_name_plural: "SMS Devices",
};

/// A device.
#[derive(Fields)]
pub(crate) struct SmsDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
    /// Where codes go.
    #[field(read_only)]
    pub phone_number: String,
}

impl Resource for SmsDevice {
    fn spec() -> Spec {
        spec("authenticators/sms", "authenticators/admin/sms", SMS.model, "SMSDevice")
            .serial_table(SMS.table, "id")
            .verbose(SMS.verbose_name, SMS.verbose_name_plural)
    }
}

pub(crate) fn kind() -> Kind {
    Kind::record::<SmsDevice>()
}
