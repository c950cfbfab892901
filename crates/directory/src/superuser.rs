//! Who is a superuser: members of a superuser group, and of every group below one.

use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_rbac::{Holder, exceeds, roles_of};
use vestibule_resource::Principal;
pub(crate) use vestibule_resource::object_permission::places;
use vestibule_store::{Param, StoreError, Transaction};

/// Groups whose members are superusers. `UNION` ends a circle of parents.
const DOWN: &str = "WITH RECURSIVE down (pk) AS (SELECT pk FROM groups WHERE is_superuser \
    UNION SELECT group_parents.child FROM group_parents JOIN down ON group_parents.parent = down.pk) \
    SELECT pk FROM down";

/// SQL: whether the user whose key is the expression `user` is a superuser. The store has to speak it.
pub(crate) fn is_superuser_sql(user: &str) -> String {
    format!("EXISTS (SELECT 1 FROM memberships WHERE user_id = {user} AND group_pk {{few}}{DOWN}{{/few}})")
}

/// SQL: whether the group whose key is the expression `group` makes its members superusers.
pub(crate) fn makes_superusers_sql(group: &str) -> String {
    format!("{group} IN ({DOWN})")
}

/// What is done to memberships or parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Someone or something comes below the groups.
    Gain,
    /// Someone or something leaves them.
    Lose,
}

/// Refuses what would make or unmake superusers, unless the principal may do that. Every path to a membership passes
/// here. `field` is the field that asks for it.
pub(crate) async fn guard(
    transaction: &mut Transaction,
    principal: &Principal,
    groups: &[Uuid],
    change: Change,
    field: &str,
) -> Result<(), ApiError> {
    let permission = match change {
        Change::Gain => "authentik_core.enable_group_superuser",
        Change::Lose => "authentik_core.disable_group_superuser",
    };
    if groups.is_empty() {
        return Ok(());
    }
    if change == Change::Gain {
        let roles = roles_of(transaction, Holder::Groups(groups)).await?;
        vestibule_rbac::guard(transaction, principal, &roles, field).await?;
    }
    if principal.may(permission) || !any_makes_superusers(transaction, groups).await? {
        return Ok(());
    }
    Err(FieldErrors::one(field, "You may not decide who is a superuser.").into())
}

/// Refuses to act for, or to open a way in as, somebody who may do more than the principal: their password, their keys,
/// their sessions are theirs. One may do it for oneself.
pub(crate) async fn guard_user(
    transaction: &mut Transaction,
    principal: &Principal,
    user: i64,
) -> Result<(), ApiError> {
    if principal.superuser || principal.user() == Some(user) {
        return Ok(());
    }
    let sql = format!("SELECT {} AS superuser", is_superuser_sql("$1"));
    let row = transaction.query_one(transaction.speak(&sql), vec![user.into()]).await?;
    let superuser = row.map(|row| row.bool("superuser")).transpose()?.unwrap_or_default();
    let roles = roles_of(transaction, Holder::User(user)).await?;
    if superuser || exceeds(transaction, principal, &roles).await? {
        return Err(ApiError::Forbidden);
    }
    Ok(())
}

async fn any_makes_superusers(transaction: &mut Transaction, groups: &[Uuid]) -> Result<bool, StoreError> {
    let condition = makes_superusers_sql("pk");
    let sql = format!("SELECT pk FROM groups WHERE pk IN ({}) AND {condition}", places(1, groups.len()));
    Ok(transaction.query_one(sql, groups.iter().copied().map(Param::from).collect()).await?.is_some())
}

/// Whether membership of a group gives more than itself: it makes superusers, or gives roles.
///
/// # Errors
/// The database.
pub async fn is_privileged(transaction: &mut Transaction, group: Uuid) -> Result<bool, StoreError> {
    if any_makes_superusers(transaction, &[group]).await? {
        return Ok(true);
    }
    Ok(!roles_of(transaction, Holder::Groups(&[group])).await?.is_empty())
}
