//! Recovery codes: each opens once.

use async_trait::async_trait;
use serde_json::{Value, json};
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{Api, Computed, Field, Fields, Hooks, Kind, Represent, Resource, Shape, Spec, Verb, WriteCx};
use vestibule_store::{Database, StoreError, Transaction};

use crate::device::DeviceKind;
use crate::model::{DeviceBase, DeviceHooks, spec};

/// What they are kept as.
pub const RECOVERY_CODES: DeviceKind = DeviceKind {
    class: "static",
    table: "static_devices",
    model: "authentik_stages_authenticator_static.staticdevice",
    label: "authentik_stages_authenticator_static.StaticDevice",
    verbose_name: "Static Device",
    verbose_name_plural: "Static Devices",
};

/// A set of recovery codes.
#[derive(Fields)]
pub(crate) struct StaticDevice {
    /// What every device has.
    #[field(flatten)]
    pub device: DeviceBase,
    /// Codes that were not used yet.
    #[field(shape = Shape::Object("StaticDeviceToken", token_fields).list(), computed = shown_tokens)]
    pub token_set: Computed,
}

/// The codes, for their owner and for who may change them; others see how many there are.
fn shown_tokens(represent: &Represent<'_>, object: &Object) -> Value {
    let mut tokens = object.get("token_set").cloned().unwrap_or_else(|| json!([]));
    let change = represent.kind.permission(Verb::Change);
    let own = |user| object.get("user_id").and_then(Value::as_i64) == Some(user);
    let may = represent.principal.is_some_and(|principal| principal.may(&change) || principal.user().is_some_and(own));
    if !may && let Value::Array(tokens) = &mut tokens {
        tokens.fill(json!({"token": ""}));
    }
    tokens
}

fn token_fields() -> Vec<Field> {
    vec![Field::of::<String>("token", "The code.").max(100)]
}

impl Resource for StaticDevice {
    fn spec() -> Spec {
        spec("authenticators/static", "authenticators/admin/static", RECOVERY_CODES.model, "StaticDevice")
            .serial_table(RECOVERY_CODES.table, "id")
            .verbose(RECOVERY_CODES.verbose_name, RECOVERY_CODES.verbose_name_plural)
            .hooks(&StaticHooks)
    }
}

pub(crate) fn kind() -> Kind {
    Kind::record::<StaticDevice>()
}

struct StaticHooks;

#[async_trait]
impl Hooks for StaticHooks {
    async fn attach(&self, api: &Api, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        DeviceHooks.attach(api, query, objects).await?;
        let keys: Vec<i64> = objects.iter().filter_map(|object| object.get("pk")?.as_i64()).collect();
        let tokens = open_tokens(api.store.database(), api.store.keys(), &keys).await?;
        for object in objects {
            let pk = object.get("pk").and_then(Value::as_i64);
            let own = tokens.iter().filter(|(device, _)| Some(*device) == pk);
            object.insert("token_set".into(), own.map(|(_, token)| json!({"token": token})).collect());
        }
        Ok(())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        DeviceHooks.before_save(cx, object).await
    }
}

fn place(device: i64) -> String {
    format!("static_tokens/{device}/token")
}

/// The codes of devices, each with its device.
async fn open_tokens(database: &Database, keys: &Keys, devices: &[i64]) -> Result<Vec<(i64, String)>, ApiError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    let listed = places(1, devices.len());
    let sql = format!("SELECT device_id, token_sealed FROM static_tokens WHERE device_id IN ({listed}) ORDER BY id");
    let rows = database.query(sql, devices.iter().map(|device| (*device).into()).collect()).await?;
    let open = |row: &vestibule_store::Row| {
        let device = row.int("device_id")?;
        Ok((device, keys.open(&place(device), &row.text("token_sealed")?).map_err(StoreError::from)?))
    };
    rows.iter().map(open).collect()
}

/// Gives a device its codes.
pub async fn add_tokens(
    transaction: &mut Transaction,
    keys: &Keys,
    ctx: &Ctx,
    device: i64,
    tokens: &[String],
) -> Result<(), ApiError> {
    for token in tokens {
        let sealed = keys.seal(ctx, &place(device), token).map_err(StoreError::from)?;
        let sql = "INSERT INTO static_tokens (device_id, token_hash, token_sealed) VALUES ($1, $2, $3)";
        transaction.execute(sql, vec![device.into(), keys.lookup_hash(token).into(), sealed.into()]).await?;
    }
    Ok(())
}

/// Uses up a code of a device; whether it was one. Of two transactions that bring the same code one finds it.
pub async fn take_token(transaction: &mut Transaction, keys: &Keys, device: i64, code: &str) -> Result<bool, ApiError> {
    let sql = "DELETE FROM static_tokens WHERE id = (SELECT MIN(id) FROM static_tokens WHERE device_id = $1 AND token_hash = $2)";
    Ok(transaction.execute(sql, vec![device.into(), keys.lookup_hash(code).into()]).await? == 1)
}
