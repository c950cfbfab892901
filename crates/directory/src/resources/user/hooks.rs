//! Around the writing of users: memberships, identifiers, and the sessions of those who may not sign in any more.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Hooks, WriteCx};
use vestibule_store::{Database, Param, StoreError, Transaction};

use super::super::fields::{pk, shows, uuids};
use super::super::roles;
use crate::session;
use crate::superuser::{Change, guard, guard_user, makes_superusers_sql, places};
use crate::user::upn;

/// Hooks of users.
pub(super) struct UserHooks;

#[async_trait]
impl Hooks for UserHooks {
    async fn attach(&self, api: &Api, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        attach(api.store.database(), query, objects).await
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let now = cx.ctx.now().to_rfc3339_opts(SecondsFormat::Micros, true);
        if cx.existing.is_none() {
            object.insert("uid".into(), hex::encode(cx.ctx.bytes::<32>()).into());
            object.insert("date_joined".into(), now.as_str().into());
            object.insert("password_change_date".into(), now.as_str().into());
        }
        object.insert("last_updated".into(), now.into());
        let upn = object.get("attributes").and_then(Value::as_object).and_then(upn).map(str::to_owned);
        object.insert("upn".into(), upn.into());
        guard_identity(cx, object).await?;
        roles::guard_gained(cx, ("user_roles", "user_id"), pk(object).into()).await?;
        if !cx.given.contains_key("groups") {
            return Ok(());
        }
        let wanted = uuids(cx.given, "groups");
        let present = memberships(cx.change.transaction(), pk(object)).await?;
        let (gained, lost) = difference(&present, &wanted);
        guard(cx.change.transaction(), cx.principal, &gained, Change::Gain, "groups").await?;
        guard(cx.change.transaction(), cx.principal, &lost, Change::Lose, "groups").await
    }

    async fn before_delete(&self, change: &mut vestibule_store::Change, object: &Object) -> Result<(), ApiError> {
        Ok(vestibule_rbac::unassign_from_user(change.transaction(), pk(object)).await?)
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let user = pk(object);
        roles::write(cx, ("user_roles", "user_id"), user.into()).await?;
        if cx.given.contains_key("groups") {
            let present = memberships(cx.change.transaction(), user).await?;
            let (gained, lost) = difference(&present, &uuids(cx.given, "groups"));
            for group in gained {
                join(cx.change.transaction(), user, group).await?;
            }
            for group in lost {
                leave(cx.change.transaction(), user, group).await?;
            }
        }
        let was_active = cx.existing.and_then(|object| object.get("is_active")) == Some(&Value::Bool(true));
        if was_active && object.get("is_active") == Some(&Value::Bool(false)) {
            session::delete_for_user(cx.change.transaction(), user, None).await?;
        }
        Ok(())
    }
}

/// The name and the address that somebody signs in with, or is sent a link to, are not for those to change who may do
/// less than they.
async fn guard_identity(cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
    let Some(before) = cx.existing else { return Ok(()) };
    if ["username", "email", "upn"].iter().all(|name| before.get(*name) == object.get(*name)) {
        return Ok(());
    }
    guard_user(cx.change.transaction(), cx.principal, pk(object)).await
}

/// What is in `wanted` alone, and what in `present` alone.
fn difference(present: &[Uuid], wanted: &[Uuid]) -> (Vec<Uuid>, Vec<Uuid>) {
    let only = |these: &[Uuid], those: &[Uuid]| these.iter().filter(|one| !those.contains(one)).copied().collect();
    (only(wanted, present), only(present, wanted))
}

async fn memberships(transaction: &mut Transaction, user: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = transaction.query("SELECT group_pk FROM memberships WHERE user_id = $1", vec![user.into()]).await?;
    rows.iter().map(|row| row.uuid("group_pk")).collect()
}

/// Makes a user a member of a group, if they are not.
pub(crate) async fn join(transaction: &mut Transaction, user: i64, group: Uuid) -> Result<(), StoreError> {
    let sql = "INSERT INTO memberships (user_id, group_pk) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    transaction.execute(sql, vec![user.into(), group.into()]).await?;
    Ok(())
}

/// Ends a membership.
pub(crate) async fn leave(transaction: &mut Transaction, user: i64, group: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM memberships WHERE user_id = $1 AND group_pk = $2";
    transaction.execute(sql, vec![user.into(), group.into()]).await?;
    Ok(())
}

/// Adds to users what other tables hold: one query.
pub async fn attach(database: &Database, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
    if objects.is_empty() {
        return Ok(());
    }
    let keys: Vec<Param> = objects.iter().map(|object| pk(object).into()).collect();
    let sql = format!(
        "SELECT user_id, pk, num_pk, name, is_superuser, attributes, {} AS superusers \
         FROM memberships JOIN groups ON groups.pk = memberships.group_pk WHERE user_id IN ({}) ORDER BY name_folded, name",
        makes_superusers_sql("groups.pk"),
        places(1, keys.len())
    );
    let mut groups: HashMap<i64, Vec<Value>> = HashMap::new();
    let mut superusers = Vec::new();
    for row in database.query(sql, keys.clone()).await? {
        let user = row.int("user_id")?;
        if row.bool("superusers")? {
            superusers.push(user);
        }
        groups.entry(user).or_default().push(json!({
            "pk": row.uuid("pk")?,
            "num_pk": row.int("num_pk")?,
            "name": row.text("name")?,
            "is_superuser": row.bool("is_superuser")?,
            "attributes": row.json("attributes")?,
        }));
    }
    for object in objects.iter_mut() {
        let own = groups.remove(&pk(object)).unwrap_or_default();
        let keys: Vec<Value> = own.iter().filter_map(|group| group.get("pk").cloned()).collect();
        object.insert("is_superuser".into(), superusers.contains(&pk(object)).into());
        object.insert("groups".into(), keys.into());
        let shown = if shows(query, "include_groups", true) { own.into() } else { Value::Null };
        object.insert("groups_obj".into(), shown);
    }
    roles::attach(database, ("user_roles", "user_id"), &keys, objects).await?;
    if !shows(query, "include_roles", true) {
        for object in objects {
            object.insert("roles_obj".into(), Value::Null);
        }
    }
    Ok(())
}
