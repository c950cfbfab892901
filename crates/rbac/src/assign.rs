//! Giving permissions to roles, and taking them back.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission as Asked, no_content, ok};
use vestibule_resource::object_permission::{self, ObjectKey, may_on};
use vestibule_resource::{Call, Field, Fields, Kind, MODELS, Operation, Permission, Shape, exists};
use vestibule_store::{Param, StoreError};

use crate::entry::permission_over;
use crate::grant;

/// The model of roles.
pub(crate) const ROLE: &str = "authentik_rbac.role";

#[derive(Fields)]
struct Assignment {
    /// What is permitted.
    permissions: Vec<String>,
    /// The model of the object that it is permitted over.
    #[field(shape = Shape::Choice(&MODELS))]
    model: Option<String>,
    /// That object's key; without it, every object is meant.
    #[field(min = 1)]
    object_pk: Option<String>,
}

fn assignment() -> Vec<Field> {
    let fields = Assignment::fields().into_iter();
    fields.map(|field| if field.name == "permissions" { field } else { field.optional() }).collect()
}

fn partial_assignment() -> Vec<Field> {
    Assignment::fields().into_iter().map(Field::optional).collect()
}

#[derive(Fields)]
struct AssignResult {
    /// The number of what was assigned.
    id: String,
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let result = Shape::Object("PermissionAssignResult", AssignResult::fields).list();
    vec![
        Operation::new(
            Method::POST,
            "rbac/permissions/assigned_by_roles/{}/assign/",
            "rbac_permissions_assigned_by_roles_assign",
            Some(result),
            assign,
        )
        .about(ROLE)
        .permission(Asked::Named("authentik_rbac.assign_role_permissions"))
        .body(Body::Json("PermissionAssignRequest", assignment))
        .doc("Gives a role permissions, over one object or over all of a model; nobody gives more than they have."),
        Operation::new(
            Method::PATCH,
            "rbac/permissions/assigned_by_roles/{}/unassign/",
            "rbac_permissions_assigned_by_roles_unassign_partial_update",
            None,
            unassign,
        )
        .about(ROLE)
        .permission(Asked::Named("authentik_rbac.unassign_role_permissions"))
        .body(Body::Json("PatchedPermissionAssignRequest", partial_assignment))
        .doc("Takes permissions from a role, over one object or over all of a model."),
    ]
}

/// What a request is about: permissions by their full names, and the object with its kind.
struct Request {
    permissions: Vec<String>,
    object: Option<(std::sync::Arc<Kind>, ObjectKey)>,
}

async fn read(call: &Call) -> Result<Request, ApiError> {
    let given = call.body.get("permissions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let given: Vec<&str> = given.collect();
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let wrong = |field: &str, message: String| ApiError::from(FieldErrors::one(field, message));
    let object = match (text("model"), text("object_pk")) {
        (None, None) => None,
        (Some(model), Some(pk)) => {
            let missing = || wrong("object_pk", format!("Invalid pk \"{pk}\" - object does not exist."));
            let kind = call.api.registry.kind(model).ok_or_else(missing)?;
            let key = ObjectKey::parse(pk).ok_or_else(missing)?;
            let value = match key {
                ObjectKey::Uuid(uuid) => json!(uuid),
                ObjectKey::Id(id) => json!(id),
            };
            let Call { api, configuration, .. } = call;
            if !exists(&api.store, &api.registry, configuration, model, &value).await? {
                return Err(missing());
            }
            Some((std::sync::Arc::clone(kind), key))
        }
        _ => {
            let message = "The fields model, object_pk must be used together.";
            return Err(wrong(vestibule_kernel::error::NON_FIELD, message.to_owned()));
        }
    };
    let mut permissions = Vec::new();
    for name in given {
        let full = match &object {
            Some((kind, _)) => permission_over(&call.api.registry, kind, name),
            None if !name.contains('.') => {
                let message = "When assigning global permissions, codename must be given as app_label.codename";
                let mut errors = FieldErrors::new();
                errors.insert("permissions", message.into());
                return Err(errors.into());
            }
            None => call.api.registry.permission(name).map(Permission::full),
        };
        let Some(full) = full else {
            return Err(wrong("permissions", format!("\"{name}\" is not a valid choice.")));
        };
        permissions.push(full);
    }
    Ok(Request { permissions, object })
}

fn role(call: &Call) -> Uuid {
    call.object.get("pk").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or_default()
}

async fn assign(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let Request { permissions, object } = read(&call).await?;
    for permission in &permissions {
        let key = object.as_ref().map(|(_, key)| *key);
        if !may_on(api.store.database(), principal, permission, key).await? {
            let message = format!("You may not give away \"{permission}\": you do not have it.");
            return Err(FieldErrors::one("permissions", message).into());
        }
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let mut answer = Vec::new();
    for permission in &permissions {
        let id = match &object {
            Some((kind, key)) => {
                object_permission::assign(change.transaction(), role(&call), permission, kind.model(), *key).await?
            }
            None => grant::assign(change.transaction(), role(&call), permission).await?,
        };
        answer.push(json!({"id": id.to_string()}));
    }
    write_event(&call, &mut change, "assigned", &permissions, object.as_ref()).await?;
    change.commit().await?;
    ok(&answer.into())
}

async fn unassign(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let Request { permissions, object } = read(&call).await?;
    let mut change = api.store.change(principal.actor.clone()).await?;
    for permission in &permissions {
        let (sql, params): (String, Vec<Param>) = match &object {
            Some((_, key)) => (
                format!(
                    "DELETE FROM role_object_permissions WHERE role = $1 AND permission = $2 AND {} = $3",
                    key.column()
                ),
                vec![role(&call).into(), permission.into(), key.param()],
            ),
            None => (
                "DELETE FROM role_permissions WHERE role = $1 AND permission = $2".to_owned(),
                vec![role(&call).into(), permission.into()],
            ),
        };
        change.transaction().execute(sql, params).await?;
    }
    write_event(&call, &mut change, "unassigned", &permissions, object.as_ref()).await?;
    change.commit().await?;
    no_content()
}

async fn write_event(
    call: &Call,
    change: &mut vestibule_store::Change,
    what: &str,
    permissions: &[String],
    object: Option<&(std::sync::Arc<Kind>, ObjectKey)>,
) -> Result<(), StoreError> {
    let object = object.map(|(kind, key)| json!({"model": kind.model(), "pk": key.text()}));
    let context = json!({
        "model": {"pk": role(call), "app": "authentik_rbac", "model_name": "role", "name": call.object.get("name")},
        what: {"permissions": permissions, "object": object},
    });
    let event = Event::new("model_updated", "authentik.rbac.api.permissions", call.principal.actor.clone());
    event.context(context).request(&call.principal.request).write(&call.api.ctx, change.transaction()).await?;
    Ok(())
}
