//! Permissions on single objects that an entry asks for.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_blueprints::{BlueprintError, Node, Permission, Scope, resolve as resolve_node};
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_rbac::entry::permission_over;
use vestibule_rbac::own_role;
use vestibule_resource::object_permission::{assign, may_on};
use vestibule_resource::{Kind, ObjectKey};
use vestibule_store::Param;

use crate::apply::Applier;
use crate::edit::Besides;

/// What it takes to give a role permissions.
const ASSIGN: &str = "authentik_rbac.assign_role_permissions";

/// A permission, its tags resolved. It is for a user, a role, or both.
pub(crate) struct Given {
    /// What is allowed: `view_flow`, or `authentik_flows.view_flow`.
    pub permission: String,
    /// Key of a user.
    pub user: Option<Value>,
    /// Key of a role.
    pub role: Option<Value>,
}

/// Resolves a permission of an entry.
pub(crate) fn resolve(permission: &Permission, scope: &Scope<'_>) -> Result<Given, BlueprintError> {
    let node = &permission.permission;
    let Value::String(name) = resolve_node(node, scope)? else {
        return Err(node.error("`permission` must be text, the name of what is allowed"));
    };
    let holder = |node: &Option<Node>| match node {
        None => Ok(None),
        Some(node) => match resolve_node(node, scope)? {
            key @ (Value::String(_) | Value::Number(_)) => Ok(Some(key)),
            _ => Err(node.error("a permission's `user` or `role` must be a key")),
        },
    };
    Ok(Given { permission: name, user: holder(&permission.user)?, role: holder(&permission.role)? })
}

/// Gives it, after the object was written and in the same change: to the role, and to the role that is the user's alone.
/// Whoever applies the blueprint may assign permissions, and has this one.
///
/// # Errors
/// Why it cannot be given.
pub(crate) async fn grant(
    applier: &mut Applier<'_>,
    kind: &Kind,
    object: &Object,
    given: &Given,
) -> Result<(), ApiError> {
    let wrong = |message: String| ApiError::from(FieldErrors::one("permissions", message));
    let Some(permission) = permission_over(applier.registry, kind, &given.permission) else {
        return Err(wrong(format!("there is no permission `{}` over {}", given.permission, kind.model())));
    };
    let Some(key) = ObjectKey::of(object) else { return Err(ApiError::internal("an object without a key")) };
    for (is_user, holder) in [(true, &given.user), (false, &given.role)] {
        let Some(holder) = holder else { continue };
        let role = role(applier, is_user, holder).await?;
        let Some(role) = role else {
            let what = if is_user { "user" } else { "role" };
            return Err(wrong(format!("there is no {what} {holder}")));
        };
        give(applier, kind, role, &permission, key).await?;
    }
    Ok(())
}

/// The role that a holder's key means.
async fn role(applier: &mut Applier<'_>, is_user: bool, holder: &Value) -> Result<Option<Uuid>, ApiError> {
    let ctx = applier.ctx;
    let transaction = applier.change.transaction();
    let text = holder.as_str().map_or_else(|| holder.to_string(), str::to_owned);
    let (sql, key): (&str, Param) = match (is_user, text.parse::<i64>(), text.parse::<Uuid>()) {
        (true, Ok(user), _) => ("SELECT id FROM users WHERE id = $1", user.into()),
        (false, _, Ok(role)) => ("SELECT pk FROM roles WHERE pk = $1", role.into()),
        _ => return Ok(None),
    };
    let Some(row) = transaction.query_one(sql, vec![key]).await? else { return Ok(None) };
    Ok(Some(if is_user { own_role(transaction, ctx, row.int("id")?).await? } else { row.uuid("pk")? }))
}

async fn give(
    applier: &mut Applier<'_>,
    kind: &Kind,
    role: Uuid,
    permission: &str,
    key: ObjectKey,
) -> Result<(), ApiError> {
    let held =
        format!("SELECT id FROM role_object_permissions WHERE role = $1 AND permission = $2 AND {} = $3", key.column());
    let params = vec![role.into(), permission.into(), key.param()];
    if applier.change.transaction().query_one(held, params).await?.is_some() {
        return Ok(());
    }
    let database = applier.change.store().database();
    let may_assign = may_on(database, applier.principal, ASSIGN, Some(ObjectKey::Uuid(role))).await?;
    if !may_assign || !may_on(database, applier.principal, permission, Some(key)).await? {
        let message = format!("You may not give away \"{permission}\".");
        return Err(ApiError::Refused(message));
    }
    assign(applier.change.transaction(), role, permission, kind.model(), key).await?;
    let row = applier.change.transaction().query_one("SELECT name FROM roles WHERE pk = $1", vec![role.into()]).await?;
    let holder = row.map(|row| row.text("name")).transpose()?.unwrap_or_default();
    applier.besides.push(Besides {
        model: kind.model(),
        key: match key {
            ObjectKey::Uuid(pk) => json!(pk).to_string(),
            ObjectKey::Id(id) => json!(id).to_string(),
        },
        field: "permissions over it",
        before: Value::Null,
        after: json!(format!("{permission} for {holder}")),
    });
    if applier.principal.request.quiet {
        return Ok(());
    }
    let context = json!({
        "model": {"pk": role, "app": "authentik_rbac", "model_name": "role"},
        "assigned": {"permissions": [permission], "object": {"model": kind.model(), "pk": key.text()}},
    });
    let event = Event::new("model_updated", "authentik.blueprints", applier.principal.actor.clone());
    let event = event.context(context).client_ip(applier.principal.client_ip);
    event.write(applier.ctx, applier.change.transaction()).await?;
    Ok(())
}
