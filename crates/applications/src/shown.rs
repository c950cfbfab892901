//! What records show of the objects that they point at, in full.

use serde_json::Value;
use vestibule_directory::resources::user;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{Api, Represent, select};

/// An object of a model as its own kind shows it; null where there is none.
pub fn shown(represent: &Represent<'_>, model: &str, object: Option<&Value>) -> Value {
    match (represent.registry.kind(model), object) {
        (Some(kind), Some(Value::Object(object))) => {
            Represent { kind, ..*represent }.fields(&kind.fields, object).into()
        }
        _ => Value::Null,
    }
}

/// Puts users beside the keys that are in `user_id`, as `user`.
///
/// # Errors
/// The database.
pub async fn attach_users(api: &Api, objects: &mut [Object]) -> Result<(), ApiError> {
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
