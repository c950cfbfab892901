//! Permissions that entries of blueprints ask for: over every object of a model, for a role or a user.

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::{Kind, Registry, WriteCx};

use crate::grant::assign;

/// The field that asks for them.
pub const FIELD: &str = "permissions";

/// A permission over objects of a kind by its name, with or without its application; `None`: there is none.
pub fn permission_over(registry: &Registry, kind: &Kind, name: &str) -> Option<String> {
    let full = if name.contains('.') { name.to_owned() } else { format!("{}.{name}", kind.app()) };
    let known = registry.permission(&full)?.model();
    let family = kind.spec.family_of().map(|family| family.model);
    (known == kind.model() || Some(known.as_str()) == family).then_some(full)
}

/// The permissions that a write asks for, by their full names; `None`: it asks for none.
///
/// # Errors
/// 400 for one that does not exist.
pub fn asked(cx: &WriteCx<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(value) = cx.given.get(FIELD) else { return Ok(None) };
    let Value::Array(names) = value else {
        return Err(FieldErrors::one(FIELD, "Expected a list of items.").into());
    };
    let mut unknown = FieldErrors::new();
    let mut wanted = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match name.as_str().filter(|name| cx.registry.permission(name).is_some()) {
            Some(name) => wanted.push(name.to_owned()),
            None => {
                let shown = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                unknown.add(&index.to_string(), format!("\"{shown}\" is not a valid choice."));
            }
        }
    }
    let mut errors = FieldErrors::new();
    errors.add_nested(FIELD, unknown);
    errors.into_result()?;
    Ok(Some(wanted))
}

/// Gives them to a role. Whoever writes may assign permissions, and has these.
///
/// # Errors
/// 403 and 400 for those who may not.
pub async fn give(cx: &mut WriteCx<'_>, role: Uuid, permissions: &[String]) -> Result<(), ApiError> {
    let held = "SELECT permission FROM role_permissions WHERE role = $1";
    let mut missing = permissions.to_vec();
    for row in cx.change.transaction().query(held, vec![role.into()]).await? {
        let known = row.text("permission")?;
        missing.retain(|permission| *permission != known);
    }
    if missing.is_empty() {
        return Ok(());
    }
    cx.principal.require("authentik_rbac.assign_role_permissions")?;
    for permission in &missing {
        if !cx.principal.may(permission) {
            let message = format!("You may not give away \"{permission}\": you do not have it.");
            return Err(FieldErrors::one(FIELD, message).into());
        }
        assign(cx.change.transaction(), role, permission).await?;
    }
    if cx.principal.request.quiet {
        return Ok(());
    }
    let context = json!({
        "model": {"pk": role, "app": "authentik_rbac", "model_name": "role"},
        "assigned": {"permissions": missing, "object": null},
    });
    let event = Event::new("model_updated", "authentik.blueprints", cx.principal.actor.clone()).context(context);
    event.client_ip(cx.principal.client_ip).write(cx.ctx, cx.change.transaction()).await?;
    Ok(())
}
