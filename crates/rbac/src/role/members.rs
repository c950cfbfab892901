//! Who has a role: one user more, one user less.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission, no_content};
use vestibule_resource::object_permission::{ObjectKey, may_on};
use vestibule_resource::{Call, Fields, Operation, Verb};

use crate::grant::guard;

#[derive(Fields)]
struct UserAccount {
    /// The user's key.
    pk: i64,
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let body = Body::Raw("UserAccountSerializerForRoleRequest", UserAccount::fields);
    let add = |call: Call| async move { change(&call, true).await };
    let remove = |call: Call| async move { change(&call, false).await };
    vec![
        Operation::new(Method::POST, "{}/add_user/", "rbac_roles_add_user_create", None, add)
            .permission(Permission::Verb(Verb::Change))
            .body(body.clone())
            .doc("Gives a user the role."),
        Operation::new(Method::POST, "{}/remove_user/", "rbac_roles_remove_user_create", None, remove)
            .permission(Permission::Verb(Verb::Change))
            .body(body)
            .doc("Takes the role from a user."),
    ]
}

/// The user that a request names; whoever names none is told that there is no such user.
fn user(call: &Call) -> Result<i64, ApiError> {
    let given = call.json_object()?.remove("pk").filter(|key| !key.is_null()).ok_or_else(ApiError::not_found)?;
    let number = given.as_i64().or_else(|| given.as_str()?.trim().parse().ok());
    Ok(number.ok_or_else(|| FieldErrors::one("pk", "A valid integer is required."))?)
}

async fn change(call: &Call, gains: bool) -> Answer {
    let Call { api, principal, .. } = call;
    let text = call.object.get("pk").and_then(Value::as_str).unwrap_or_default();
    let role: Uuid = text.parse().map_err(ApiError::internal)?;
    let user = user(call)?;
    // Somebody whom one may not see is nobody.
    let seen = may_on(api.store.database(), principal, "authentik_core.view_user", Some(ObjectKey::Id(user))).await?;
    if !seen {
        return Err(ApiError::not_found());
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let transaction = change.transaction();
    let found = transaction.query_one("SELECT username FROM users WHERE id = $1", vec![user.into()]).await?;
    let username = found.ok_or_else(ApiError::not_found)?.text("username")?;
    let sql = if gains {
        guard(transaction, principal, &[role], "pk").await?;
        "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM user_roles WHERE user_id = $1 AND role = $2"
    };
    transaction.execute(sql, vec![user.into(), role.into()]).await?;
    let context = json!({
        "model": {"pk": role, "app": "authentik_rbac", "model_name": "role", "name": call.object.get("name")},
        if gains { "added" } else { "removed" }: {"pk": user, "username": username},
    });
    let event = Event::new("model_updated", "authentik.rbac.api.roles", principal.actor.clone());
    event.context(context).request(&principal.request).write(&api.ctx, change.transaction()).await?;
    change.commit().await?;
    no_content()
}
