//! Roles.

mod members;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Fields, Hooks, Kind, Lookup, Resource, Shape, Spec, WriteCx};
use vestibule_store::Param;

use crate::entry;

/// A role: permissions under a name, for those who have it.
#[derive(Fields)]
pub struct Role {
    /// Key.
    #[field(read_only, label = "Uuid")]
    pub pk: Uuid,
    /// Name.
    #[field(folded, unique = "Role with this name already exists.")]
    pub name: String,
    /// What keeps it, when that is no person.
    #[field(internal)]
    pub managed: Option<String>,
}

/// The kind of roles.
pub(crate) fn kind() -> Kind {
    Kind::record::<Role>()
}

impl Resource for Role {
    fn spec() -> Spec {
        let spec = Spec::new("rbac/roles", "authentik_rbac.role", "Role")
            .verbose("Role", "Roles")
            .table("roles", "pk")
            .lookup("pk", "uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&["managed__isnull", "name"])
            .filter_with("managed", "managed", Lookup::Sql(by_managed), Shape::TEXT.list())
            .among("roles", "managed")
            .filter_with("users", "pk", Lookup::SqlOf(by_user), Shape::INTEGER)
            .filter_with("groups", "pk", Lookup::SqlOf(by_group), Shape::Uuid)
            .filter_with("inherited", "pk", Lookup::Ignored, Shape::Boolean)
            .permission("assign_role_permissions", "Can assign permissions to roles")
            .permission("unassign_role_permissions", "Can unassign permissions from roles")
            .hooks(&RoleHooks)
            .describe(|object| format!("Role {}", object.get("name").and_then(Value::as_str).unwrap_or_default()));
        members::operations().into_iter().fold(spec, Spec::operation)
    }
}

struct RoleHooks;

#[async_trait]
impl Hooks for RoleHooks {
    async fn before_save(&self, cx: &mut WriteCx<'_>, _: &mut Object) -> Result<(), ApiError> {
        let managed = cx.existing.and_then(|object| object.get("managed")).is_some_and(|managed| !managed.is_null());
        if managed && !cx.principal.superuser {
            return Err(FieldErrors::one("name", "This role is kept by the server.").into());
        }
        Ok(())
    }

    fn beyond(&self) -> &'static [&'static str] {
        &[entry::FIELD]
    }

    async fn set_beyond(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let Some(permissions) = entry::asked(cx)? else { return Ok(()) };
        let role = object.get("pk").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or_default();
        entry::give(cx, role, &permissions).await
    }
}

/// What a filter makes of a query.
type Condition = Result<Option<(String, Vec<Param>)>, FieldErrors>;

fn by_managed(text: &str) -> Condition {
    let names: Vec<&str> = text.split(',').filter(|name| !name.is_empty()).collect();
    let places = vec!["$?"; names.len()].join(", ");
    Ok((!names.is_empty()).then(|| (format!("managed IN ({places})"), names.into_iter().map(Param::from).collect())))
}

/// Whether roles count that come from groups above.
fn inherited(query: &Query) -> bool {
    query.get("inherited").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn by_user(query: &Query) -> Condition {
    let text = query.get("users").unwrap_or_default().trim();
    let Ok(user) = text.parse::<i64>() else { return Err(FieldErrors::one("users", "Enter a number.")) };
    let mut sql = "pk IN (SELECT role FROM user_roles WHERE user_id = $?)".to_owned();
    let mut params: Vec<Param> = vec![user.into()];
    if inherited(query) {
        sql.push_str(&format!(
            " OR pk IN (SELECT role FROM group_roles WHERE group_pk IN ({}))",
            above("SELECT group_pk FROM memberships WHERE user_id = $?")
        ));
        params.push(user.into());
    }
    Ok(Some((sql, params)))
}

fn by_group(query: &Query) -> Condition {
    let text = query.get("groups").unwrap_or_default().trim();
    let Ok(group) = text.parse::<Uuid>() else {
        return Err(FieldErrors::one("groups", format!("“{text}” is not a valid UUID.")));
    };
    let groups = if inherited(query) { above("SELECT pk FROM groups WHERE pk = $?") } else { "$?".to_owned() };
    Ok(Some((format!("pk IN (SELECT role FROM group_roles WHERE group_pk IN ({groups}))"), vec![group.into()])))
}

/// SQL: the groups that `from` selects, and every group above.
fn above(from: &str) -> String {
    format!(
        "WITH RECURSIVE up (pk) AS ({from} \
         UNION SELECT group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk) SELECT pk FROM up"
    )
}
