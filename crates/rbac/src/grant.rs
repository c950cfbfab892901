//! What users hold by their roles, and the rule that nobody gives away more than they have.

use std::collections::BTreeSet;

use uuid::Uuid;
use vestibule_kernel::{ApiError, Ctx, FieldErrors};
use vestibule_resource::Principal;
use vestibule_resource::object_permission::places;
use vestibule_store::{Param, StoreError, Transaction};

/// The groups that a user is a member of, and every group above. `UNION` ends a circle of parents.
const UP_FROM_USER: &str = "up (pk) AS (SELECT group_pk FROM memberships WHERE user_id = $1 \
    UNION SELECT group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk)";

/// The roles of these groups.
const OF_GROUPS: &str =
    "SELECT group_roles.role FROM group_roles WHERE group_roles.group_pk {few}SELECT pk FROM up{/few}";

/// SQL: the roles of the user `$1` as `role`, each with every permission over all objects of a model as `permission`;
/// that is null for a role without any. The store has to speak it.
pub fn holdings_sql() -> String {
    format!(
        "WITH RECURSIVE {UP_FROM_USER}, own (role) AS \
         (SELECT user_roles.role FROM user_roles WHERE user_id = $1 UNION {OF_GROUPS}) \
         SELECT own.role, role_permissions.permission FROM own \
         LEFT JOIN role_permissions ON role_permissions.role = own.role"
    )
}

/// Who holds roles.
#[derive(Clone, Debug)]
pub enum Holder<'a> {
    /// A user, by key.
    User(i64),
    /// Whoever is a member of these groups.
    Groups(&'a [Uuid]),
}

/// Every role that a holder has, by whatever way.
pub async fn roles_of(transaction: &mut Transaction, holder: Holder<'_>) -> Result<Vec<Uuid>, StoreError> {
    let (sql, params): (String, Vec<Param>) = match holder {
        Holder::User(user) => (
            format!(
                "WITH RECURSIVE {UP_FROM_USER} \
                 SELECT user_roles.role FROM user_roles WHERE user_id = $1 UNION {OF_GROUPS}"
            ),
            vec![user.into()],
        ),
        Holder::Groups([]) => return Ok(Vec::new()),
        Holder::Groups(groups) => (
            format!(
                "WITH RECURSIVE up (pk) AS (SELECT pk FROM groups WHERE pk IN ({}) \
                 UNION SELECT group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk) \
                 {OF_GROUPS} GROUP BY group_roles.role",
                places(1, groups.len())
            ),
            groups.iter().copied().map(Param::from).collect(),
        ),
    };
    let sql = transaction.speak(&sql);
    transaction.query(sql, params).await?.iter().map(|row| row.uuid("role")).collect()
}

/// Whether these roles permit something that the principal may not do themselves.
pub async fn exceeds(transaction: &mut Transaction, principal: &Principal, roles: &[Uuid]) -> Result<bool, StoreError> {
    let foreign: Vec<Uuid> = roles.iter().filter(|role| !principal.roles.contains(role)).copied().collect();
    if principal.superuser || foreign.is_empty() {
        return Ok(false);
    }
    let params: Vec<Param> = foreign.iter().copied().map(Param::from).collect();
    let sql = format!("SELECT DISTINCT permission FROM role_permissions WHERE role IN ({})", places(1, foreign.len()));
    for row in transaction.query(sql, params.clone()).await? {
        if !principal.may(&row.text("permission")?) {
            return Ok(true);
        }
    }
    // Of single objects, what none of the principal's own roles has.
    let sql = format!(
        "SELECT DISTINCT theirs.permission FROM role_object_permissions theirs WHERE theirs.role IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM role_object_permissions mine WHERE mine.role IN ({}) \
         AND mine.permission = theirs.permission \
         AND (mine.object_uuid = theirs.object_uuid OR mine.object_id = theirs.object_id))",
        places(1, foreign.len()),
        places(foreign.len() + 1, principal.roles.len())
    );
    let params = params.into_iter().chain(principal.roles.iter().copied().map(Param::from)).collect();
    for row in transaction.query(sql, params).await? {
        if !principal.may(&row.text("permission")?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses to hand roles to somebody that permit more than the principal may do. Every path to a role passes here;
/// `field` is the field that asks for it.
pub async fn guard(
    transaction: &mut Transaction,
    principal: &Principal,
    roles: &[Uuid],
    field: &str,
) -> Result<(), ApiError> {
    if exceeds(transaction, principal, roles).await? {
        return Err(FieldErrors::one(field, "You may not give away more permissions than you have.").into());
    }
    Ok(())
}

/// The name by which a user's own role is managed.
fn managed_name(user: i64) -> String {
    format!("ak-managed-role--user-{user}")
}

/// The role that is a user's alone; it is made where there is none.
pub async fn own_role(transaction: &mut Transaction, ctx: &Ctx, user: i64) -> Result<Uuid, StoreError> {
    let name = managed_name(user);
    // Somebody may have called another role so.
    let free = "CASE WHEN EXISTS (SELECT 1 FROM roles WHERE name = $2) THEN $3 ELSE $2 END";
    let sql = format!(
        "INSERT INTO roles (pk, name, name_folded, managed) VALUES ($1, {free}, {free}, $2) \
         ON CONFLICT (managed) DO UPDATE SET managed = excluded.managed RETURNING pk"
    );
    let key = ctx.uuid();
    let row =
        transaction.query_one(sql, vec![key.into(), name.as_str().into(), format!("{name} {key}").into()]).await?;
    let role = row.map(|row| row.uuid("pk")).transpose()?.unwrap_or_default();
    let sql = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    transaction.execute(sql, vec![user.into(), role.into()]).await?;
    Ok(role)
}

/// Gives a user permissions over every object of a model, `app.codename`, by the role that is theirs alone.
pub async fn assign_to_user(
    transaction: &mut Transaction,
    ctx: &Ctx,
    user: i64,
    permissions: &[&str],
) -> Result<Uuid, StoreError> {
    let role = own_role(transaction, ctx, user).await?;
    for permission in permissions.iter().copied().collect::<BTreeSet<_>>() {
        assign(transaction, role, permission).await?;
    }
    Ok(role)
}

/// Takes back what a user has by the role that is theirs alone, and the role.
pub async fn unassign_from_user(transaction: &mut Transaction, user: i64) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM roles WHERE managed = $1", vec![managed_name(user).into()]).await?;
    Ok(())
}

/// Gives a role a permission over every object of a model; the row's key.
pub(crate) async fn assign(transaction: &mut Transaction, role: Uuid, permission: &str) -> Result<i64, StoreError> {
    let sql = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2) \
               ON CONFLICT (role, permission) DO UPDATE SET permission = excluded.permission RETURNING id";
    let row = transaction.query_one(sql, vec![role.into(), permission.into()]).await?;
    row.map_or(Ok(0), |row| row.int("id"))
}
