//! One member more, one member less.

use http::Method;
use serde_json::{Value, json};
use vestibule_events::Event;
use vestibule_kernel::ApiError;
use vestibule_resource::call::{Answer, Body, Permission, no_content};
use vestibule_resource::object_permission::may_on;
use vestibule_resource::{Call, Fields, ObjectKey, Operation};

use super::super::fields::pk_uuid;
use super::super::user::{join, leave};
use crate::superuser::{Change, guard};

#[derive(Fields)]
struct UserAccount {
    /// The user's key.
    pk: i64,
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let body = Body::Json("UserAccountRequest", UserAccount::fields);
    let add = |call: Call| async move { change_membership(&call, Change::Gain).await };
    let remove = |call: Call| async move { change_membership(&call, Change::Lose).await };
    vec![
        Operation::new(Method::POST, "{}/add_user/", "core_groups_add_user_create", None, add)
            .permission(Permission::Named("authentik_core.add_user_to_group"))
            .body(body.clone())
            .doc("Makes a user a member."),
        Operation::new(Method::POST, "{}/remove_user/", "core_groups_remove_user_create", None, remove)
            .permission(Permission::Named("authentik_core.remove_user_from_group"))
            .body(body)
            .doc("Ends a user's membership."),
    ]
}

async fn change_membership(call: &Call, what: Change) -> Answer {
    let Call { api, principal, .. } = call;
    let group = pk_uuid(&call.object);
    let user = call.body.get("pk").and_then(Value::as_i64).unwrap_or_default();
    // Somebody whom one may not see is nobody.
    let seen = may_on(api.store.database(), principal, "authentik_core.view_user", Some(ObjectKey::Id(user))).await?;
    if !seen {
        return Err(ApiError::not_found());
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let transaction = change.transaction();
    let found = transaction.query_one("SELECT username FROM users WHERE id = $1", vec![user.into()]).await?;
    let username = found.ok_or_else(ApiError::not_found)?.text("username")?;
    guard(transaction, principal, &[group], what, "pk").await?;
    let action = match what {
        Change::Gain => join(transaction, user, group).await.map(|()| "added"),
        Change::Lose => leave(transaction, user, group).await.map(|()| "removed"),
    }?;
    let context = json!({
        "model": {"pk": group, "app": "authentik_core", "model_name": "group", "name": call.object.get("name")},
        action: {"pk": user, "username": username},
    });
    let event = Event::new("model_updated", "authentik.core.api.groups", principal.actor.clone());
    event.context(context).request(&principal.request).write(&api.ctx, change.transaction()).await?;
    change.commit().await?;
    no_content()
}
