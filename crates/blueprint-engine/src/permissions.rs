//! Permissions on single objects that an entry asks for.

use serde_json::Value;
use vestibule_blueprints::{BlueprintError, Node, Permission, Scope, resolve as resolve_node};
use vestibule_kernel::Object;
use vestibule_resource::{Kind, Verb};
use vestibule_store::Change;

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

/// Gives it, after the object was written and in the same change. There are no roles that could hold a permission on a
/// single object yet, and one that is not given must not be taken for one that is.
///
/// # Errors
/// Why it cannot be given, in a sentence.
pub(crate) fn grant(_: &mut Change, kind: &Kind, _: &Object, given: &Given) -> Result<(), String> {
    let name = given.permission.rsplit('.').next().unwrap_or_default();
    let verbs = [Verb::View, Verb::Add, Verb::Change, Verb::Delete];
    let known = verbs.iter().any(|verb| kind.permission(*verb).ends_with(&format!(".{name}")));
    let holders = [("user", &given.user), ("role", &given.role)];
    let holders = holders.iter().filter_map(|(what, key)| key.as_ref().map(|key| format!("{what} {key}")));
    let holders = holders.collect::<Vec<_>>().join(" and ");
    let what = if known { "on a single object" } else { "unknown here," };
    Err(format!("the permission `{name}` {what} cannot be given to {holders} yet"))
}
