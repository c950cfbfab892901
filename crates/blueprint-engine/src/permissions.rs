//! Permissions on single objects that an entry asks for.

use serde_json::Value;
use vestibule_blueprints::{BlueprintError, Permission, Scope, resolve as resolve_node};
use vestibule_resource::{Kind, Verb};

/// A permission, its tags resolved.
pub(crate) struct Given {
    pub permission: String,
}

/// Resolves a permission of an entry.
pub(crate) fn resolve(permission: &Permission, scope: &Scope<'_>) -> Result<Given, BlueprintError> {
    let node = &permission.permission;
    let Value::String(name) = resolve_node(node, scope)? else {
        return Err(node.error("`permission` must be text, the name of what is allowed"));
    };
    for holder in [&permission.user, &permission.role].into_iter().flatten() {
        if !matches!(resolve_node(holder, scope)?, Value::String(_) | Value::Number(_)) {
            return Err(holder.error("a permission's `user` or `role` must be a key"));
        }
    }
    Ok(Given { permission: name })
}

/// Gives it. There are no roles that could hold a permission on a single object yet, and a permission that is not given
/// must not be taken for one that is.
pub(crate) fn grant(kind: &Kind, given: &Given) -> Result<(), String> {
    let name = given.permission.rsplit('.').next().unwrap_or_default();
    let verbs = [Verb::View, Verb::Add, Verb::Change, Verb::Delete];
    let own = verbs.iter().any(|verb| kind.permission(*verb).ends_with(&format!(".{name}")));
    let what = if own { "is known, but" } else { "on" };
    Err(format!("the permission `{name}` {what} a single {} cannot be given yet", kind.model()))
}
