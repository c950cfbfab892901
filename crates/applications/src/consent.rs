//! Consents: what people have agreed to tell an application.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::resources::user;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{Api, Computed, Fields, Hooks, Kind, Represent, Resource, Shape, Spec, select};

/// A consent.
#[derive(Fields)]
pub struct UserConsent {
    /// Key.
    #[field(read_only, label = "ID", column = "id")]
    pub pk: i64,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// Whether it ends.
    #[field(default = true)]
    pub expiring: bool,
    /// Whose it is.
    #[field(shape = Shape::Schema("User"), computed = |represent, object| shown(represent, "authentik_core.user", object.get("user")))]
    pub user: Computed,
    /// The application.
    #[field(shape = Shape::Schema("Application"), computed = application)]
    pub application: Computed,
    /// What is told, as scopes.
    #[field(default = "")]
    pub permissions: String,
    /// Whose it is.
    #[field(internal, references = "authentik_core.user")]
    pub user_id: i64,
    /// The application.
    #[field(internal, references = "authentik_core.application", column = "application")]
    pub application_id: Uuid,
}

impl Resource for UserConsent {
    fn spec() -> Spec {
        Spec::new("core/user_consent", "authentik_core.userconsent", "UserConsent")
            .verbose("User Consent", "User Consents")
            .serial_table("user_consents", "id")
            .lookup("pk", "id")
            .owner("user_id")
            .read_only()
            .search(&[])
            .search_beyond("user_id IN (SELECT id FROM users WHERE username_folded LIKE $? ESCAPE '\\')")
            .order(&["expires"])
            .filter(&["user=user_id", "application=application_id"])
            .hooks(&Attach)
            .describe(|object| format!("User Consent {}", object.get("pk").cloned().unwrap_or_default()))
    }
}

/// The kind of consents. Its references are shown in full; answers alone have them.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::record::<UserConsent>();
    for field in kind.fields.iter_mut().filter(|field| ["user", "application"].contains(&field.name)) {
        field.access = vestibule_resource::Access::ReadOnly;
    }
    kind
}

fn shown(represent: &Represent<'_>, model: &str, object: Option<&Value>) -> Value {
    match (represent.registry.kind(model), object) {
        (Some(kind), Some(Value::Object(object))) => {
            Represent { kind, ..*represent }.fields(&kind.fields, object).into()
        }
        _ => Value::Null,
    }
}

fn application(represent: &Represent<'_>, object: &Object) -> Value {
    let key = object.get("application_id").cloned().unwrap_or_default();
    let found = represent.registry.document(represent.configuration, crate::APPLICATION, &key);
    let object = found.map(|(_, document)| Value::Object(document.value.clone()));
    shown(represent, crate::APPLICATION, object.as_ref())
}

/// Puts the users beside their keys.
struct Attach;

#[async_trait]
impl Hooks for Attach {
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
}
