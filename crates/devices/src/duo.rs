//! Duo: somebody else asks, on a phone.

use vestibule_resource::{Fields, Kind, Resource, Spec};

use crate::device::DeviceKind;
use crate::model::{DeviceBase, spec};

/// What it is kept as.
pub const DUO: DeviceKind = DeviceKind {
    class: "duo",
    table: "duo_devices",
    model: "authentik_stages_authenticator_duo.duodevice",
    label: "authentik_stages_authenticator_duo.DuoDevice",
    verbose_name: "Duo Device",
    verbose_name_plural: "Duo Devices",
};

/// A device.
#[derive(Fields)]
pub(crate) struct DuoDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
}

impl Resource for DuoDevice {
    fn spec() -> Spec {
        spec("authenticators/duo", "authenticators/admin/duo", DUO.model, "DuoDevice")
            .serial_table(DUO.table, "id")
            .verbose(DUO.verbose_name, DUO.verbose_name_plural)
    }
}

pub(crate) fn kind() -> Kind {
    Kind::record::<DuoDevice>()
}
