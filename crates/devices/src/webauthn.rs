//! Passkeys and security keys (WebAuthn Level 3).

use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Computed, Fields, Kind, Represent, Resource, Shape, Spec};
use vestibule_store::{Database, Transaction};

use crate::device::{DeviceKind, DeviceRow, read};
use crate::model::{DeviceBase, spec, type_of};
use crate::webauthn_type::type_fields;

/// What it is kept as.
pub const WEBAUTHN: DeviceKind = DeviceKind {
    class: "webauthn",
    table: "webauthn_devices",
    model: "authentik_stages_authenticator_webauthn.webauthndevice",
    label: "authentik_stages_authenticator_webauthn.WebAuthnDevice",
    verbose_name: "WebAuthn Device",
    verbose_name_plural: "WebAuthn Devices",
};

/// A passkey or security key.
#[derive(Fields)]
pub(crate) struct WebAuthnDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
    /// When it was set up.
    #[field(shape = Shape::Time, computed = |_, object| object.get("created").cloned().unwrap_or_default())]
    pub created_on: Computed,
    /// Its model, where it is known.
    #[field(nullable, shape = Shape::Object("WebAuthnDeviceType", type_fields), computed = device_type)]
    pub device_type: Computed,
    /// What it says that its model is.
    #[field(read_only)]
    pub aaguid: String,
}

fn device_type(represent: &Represent<'_>, object: &Object) -> Value {
    type_of(represent, object.get("aaguid").and_then(Value::as_str).unwrap_or_default())
}

impl Resource for WebAuthnDevice {
    fn spec() -> Spec {
        spec("authenticators/webauthn", "authenticators/admin/webauthn", WEBAUTHN.model, "WebAuthnDevice")
            .serial_table(WEBAUTHN.table, "id")
            .verbose(WEBAUTHN.verbose_name, WEBAUTHN.verbose_name_plural)
    }
}

pub(crate) fn kind() -> Kind {
    let mut kind = Kind::record::<WebAuthnDevice>();
    kind.fields =
        kind.fields.into_iter().map(|field| if field.name == "name" { field.max(200) } else { field }).collect();
    kind
}

/// The device of a credential, whoever's it is. `credential` is its identifier in base64url without padding.
pub async fn by_credential(database: &Database, credential: &str) -> Result<Option<DeviceRow>, ApiError> {
    let row = database.query_one("SELECT * FROM webauthn_devices WHERE credential_id = $1", vec![credential.into()]);
    Ok(row.await?.map(|row| read(&WEBAUTHN, row)).transpose()?)
}

/// Keeps how often a device has signed. False: another answer with the same count, or a later one, was first; then one of
/// the two comes from a copy (WebAuthn Level 3, section 7.2, step 22). Devices that count nothing say zero always.
pub async fn count_signature(
    transaction: &mut Transaction,
    device: &DeviceRow,
    count: i64,
    credential: &Value,
    now: DateTime<Utc>,
) -> Result<bool, ApiError> {
    let sql = "UPDATE webauthn_devices SET sign_count = $1, credential = $2, last_used = $3 \
               WHERE id = $4 AND (sign_count < $1 OR (sign_count = 0 AND $1 = 0))";
    let params = vec![count.into(), credential.to_string().into(), now.into(), device.pk.into()];
    Ok(transaction.execute(sql, params).await? == 1)
}
