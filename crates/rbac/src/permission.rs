//! The list of all permissions.

use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission as Asked, ok};
use vestibule_resource::{Call, FieldErrors, Fields, Operation, Permission, Shape, memory_list};

use crate::app::verbose_name;

#[derive(Fields)]
struct PermissionFields {
    /// Number.
    #[field(read_only)]
    id: i64,
    /// What people call it.
    #[field(max = 255)]
    name: String,
    /// Its name within the application.
    #[field(max = 100)]
    codename: String,
    /// Its model.
    #[field(read_only, label = "Python model class name")]
    model: String,
    /// The application of its model.
    #[field(read_only)]
    app_label: String,
    /// What people call the application.
    #[field(read_only)]
    app_label_verbose: String,
    /// What people call the model.
    #[field(read_only)]
    model_verbose: String,
}

/// What a permission looks like in an answer.
pub(crate) fn shape() -> Shape {
    Shape::Object("Permission", PermissionFields::fields)
}

/// A permission in an answer.
pub(crate) fn show(permission: &Permission) -> Object {
    object(json!({
        "id": permission.id,
        "name": permission.name,
        "codename": permission.codename,
        "model": permission.model,
        "app_label": permission.app,
        "app_label_verbose": verbose_name(&permission.app),
        "model_verbose": permission.model_verbose,
    }))
}

/// The object of a literal.
pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "rbac/permissions/", "rbac_permissions_list", Some(shape()), list)
            .permission(Asked::SignedIn)
            .paginated()
            .parameter("codename", Shape::TEXT)
            .parameter("content_type__app_label", Shape::TEXT)
            .parameter("content_type__model", Shape::TEXT)
            .parameter("role", Shape::TEXT)
            .doc("Lists every permission there is."),
        Operation::new(Method::GET, "rbac/permissions/{id}/", "rbac_permissions_retrieve", Some(shape()), retrieve)
            .permission(Asked::SignedIn)
            .parameter("id", Shape::INTEGER)
            .doc("Shows one permission."),
    ]
}

async fn list(call: Call) -> Answer {
    let wanted = |name: &str, value: &str| call.query.get(name).is_none_or(|text| text.is_empty() || text == value);
    let of_role = match call.query.get("role").filter(|role| !role.is_empty()) {
        Some(role) => Some(held(&call, role).await?),
        None => None,
    };
    let all = call.api.registry.permissions().iter();
    let found = all
        .filter(|one| wanted("codename", &one.codename))
        .filter(|one| wanted("content_type__app_label", &one.app))
        .filter(|one| wanted("content_type__model", &one.model))
        .filter(|one| of_role.as_ref().is_none_or(|held| held.contains(&one.full())));
    memory_list(&call, found.map(show).collect(), &["name", "codename", "model", "app_label"], &["name", "id"])
}

/// The permissions of a role, over every object.
async fn held(call: &Call, role: &str) -> Result<Vec<String>, ApiError> {
    let wrong = |message: String| ApiError::from(FieldErrors::one("role", message));
    let role: uuid::Uuid = role.parse().map_err(|_| wrong(format!("“{role}” is not a valid UUID.")))?;
    let database = call.api.store.database();
    if database.query_one("SELECT pk FROM roles WHERE pk = $1", vec![role.into()]).await?.is_none() {
        let message = "Select a valid choice. That choice is not one of the available choices.";
        return Err(wrong(message.to_owned()));
    }
    let rows = database.query("SELECT permission FROM role_permissions WHERE role = $1", vec![role.into()]).await?;
    Ok(rows.iter().map(|row| row.text("permission")).collect::<Result<_, _>>()?)
}

async fn retrieve(call: Call) -> Answer {
    let id = call.path.get("id").and_then(|text| text.parse::<i64>().ok()).ok_or_else(ApiError::not_found)?;
    let found = call.api.registry.permissions().iter().find(|one| one.id == id);
    match found {
        Some(permission) => ok(&Value::Object(show(permission))),
        None => Err(ApiError::NotFound("No Permission matches the given query.".into())),
    }
}
