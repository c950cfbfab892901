//! What a user may do within an application: `user.app_entitlements(app)`.

use serde_json::Value as Json;
use vestibule_expression::{Failure, Value};
use vestibule_kernel::Object as JsonObject;
use vestibule_store::Store;

use crate::database_failed;
use crate::document::DocumentObject;
use crate::group::GroupObject;

/// An entitlement, as expressions see it.
pub(crate) fn object(entitlement: &JsonObject) -> DocumentObject {
    DocumentObject::of("ApplicationEntitlement", entitlement, &["pk", "name", "app", "attributes"])
}

/// The entitlements of an application that the user has, by name: those that they, or a group of theirs, are bound to;
/// where the binding is turned round, that somebody else is. No application has none.
pub(crate) async fn of_user(store: &Store, user: i64, app: Option<&Value>) -> Result<Vec<JsonObject>, Failure> {
    let app = match app {
        Some(Value::Object(app)) if app.class() == "Application" => {
            app.attributes().into_iter().find(|(name, _)| name == "pk").map(|(_, pk)| pk.to_json())
        }
        Some(Value::None) => None,
        _ => return Err(Failure::kind("app_entitlements() needs an application")),
    };
    let Some(app) = app else { return Ok(Vec::new()) };
    let configuration = store.configuration();
    let of_app = configuration.documents("authentik_core.applicationentitlement");
    let of_app: Vec<_> = of_app.filter(|entitlement| entitlement.value.get("app") == Some(&app)).collect();
    if of_app.is_empty() {
        return Ok(Vec::new());
    }
    let groups = GroupObject::of_user(store, user, true).await.map_err(database_failed)?;
    let fits = |binding: &JsonObject| {
        let is_true = |field: &str| binding.get(field) == Some(&Json::Bool(true));
        let by_user = binding.get("user").and_then(Json::as_i64).map(|bound| bound == user);
        let by_group = binding.get("group").and_then(Json::as_str);
        let by_group = by_group.map(|bound| groups.iter().any(|group| group.pk.to_string() == bound));
        let wanted = Some(!is_true("negate"));
        is_true("enabled") && (by_user == wanted || by_group == wanted)
    };
    let has = |entitlement: &JsonObject| {
        let mut bindings = configuration.documents("authentik_policies.policybinding");
        bindings.any(|binding| binding.value.get("target") == entitlement.get("pk") && fits(&binding.value))
    };
    let mut found: Vec<JsonObject> = of_app.iter().map(|one| one.value.clone()).filter(has).collect();
    found.sort_by(|one, other| name(one).cmp(name(other)));
    Ok(found)
}

fn name(entitlement: &JsonObject) -> &str {
    entitlement.get("name").and_then(Json::as_str).unwrap_or_default()
}
