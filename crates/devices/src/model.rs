//! What every kind of device shows.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule_directory::resources::group::PartialUser;
use vestibule_directory::resources::user;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{Api, Computed, Fields, Hooks, Represent, Shape, Spec, Verb, WriteCx, select};
use vestibule_store::DocumentType as _;

use crate::webauthn_type::WebAuthnDeviceType;

/// The fields of every device.
#[derive(Fields)]
pub struct DeviceBase {
    /// Key.
    #[field(read_only, label = "ID", column = "id")]
    pub pk: i64,
    /// What its owner calls it.
    #[field(max = 64, folded)]
    pub name: String,
    /// Whose it is.
    #[field(shape = Shape::Object("PartialUser", PartialUser::fields), computed = owner)]
    pub user: Computed,
    /// Whose it is.
    #[field(internal, references = "authentik_core.user")]
    pub user_id: i64,
    /// When it was set up.
    #[field(internal)]
    pub created: DateTime<Utc>,
    /// When it was changed last.
    #[field(internal)]
    pub last_updated: DateTime<Utc>,
    /// When it was used last.
    #[field(internal)]
    pub last_used: Option<DateTime<Utc>>,
}

fn owner(represent: &Represent<'_>, object: &Object) -> Value {
    match object.get("user") {
        Some(Value::Object(user)) => represent.fields(&PartialUser::fields(), user).into(),
        _ => Value::Null,
    }
}

/// What the kinds of devices have in common: people see their own, administrators everybody's.
pub(crate) fn spec(path: &'static str, again: &'static str, model: &'static str, schema: &'static str) -> Spec {
    Spec::new(path, model, schema)
        .lookup("pk", "id")
        .owner("user_id")
        .verbs(&[Verb::View, Verb::Change, Verb::Delete])
        .filter(&["name"])
        .again(again)
        .guards_login()
        .hooks(&DeviceHooks)
}

/// Puts users, codes and models beside devices.
pub(crate) struct DeviceHooks;

#[async_trait]
impl Hooks for DeviceHooks {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let Some(kind) = api.registry.kind("authentik_core.user") else { return Ok(()) };
        let mut keys: Vec<i64> = objects.iter().filter_map(|object| object.get("user_id")?.as_i64()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let tail = format!(" WHERE id IN ({})", places(1, keys.len()));
        let params = keys.into_iter().map(Into::into).collect();
        let mut users = select(api.store.database(), kind, &tail, params).await?;
        user::attach(api.store.database(), &Query::default(), &mut users).await?;
        for object in objects {
            let found = users.iter().find(|user| user.get("pk") == object.get("user_id")).cloned();
            object.insert("user".into(), found.map_or(Value::Null, Value::Object));
        }
        Ok(())
    }

    /// A device comes to be where its owner proves to have it, and nowhere else.
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none() {
            let message = "A device is set up by who has it, through a stage that does that.";
            return Err(FieldErrors::one(vestibule_kernel::error::NON_FIELD, message).into());
        }
        object.insert("last_updated".into(), cx.ctx.now().to_rfc3339().into());
        Ok(())
    }
}

/// The model of an authenticator by its AAGUID, as devices show it.
pub(crate) fn type_of(represent: &Represent<'_>, aaguid: &str) -> Value {
    let found = aaguid.parse().ok().and_then(|pk| represent.configuration.document(WebAuthnDeviceType::KIND, pk));
    match (found, represent.registry.kind(WebAuthnDeviceType::KIND)) {
        (Some(document), Some(kind)) => Represent { kind, ..*represent }.object(&document.value),
        _ => Value::Null,
    }
}
