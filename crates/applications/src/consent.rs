//! Consents: what people have agreed to tell an application.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Computed, Fields, Hooks, Kind, Represent, Resource, Shape, Spec};

use crate::shown::{attach_users, shown};

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
        attach_users(api, objects).await
    }
}
