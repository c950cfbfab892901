//! Around the writing of groups: members, parents, and who becomes a superuser by them.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::{ObjectKey, may_on};
use vestibule_resource::{Api, Hooks, WriteCx};
use vestibule_store::{Database, Param, Row, StoreError, Transaction};

use super::super::fields::{pk_uuid, shows, uuids};
use super::super::roles;
use super::super::user::{join, leave};
use crate::superuser::{Change, guard, places};

/// Hooks of groups.
pub(super) struct GroupHooks;

#[async_trait]
impl Hooks for GroupHooks {
    async fn attach(&self, api: &Api, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        if objects.is_empty() {
            return Ok(());
        }
        let database = api.store.database();
        attach_members(database, shows(query, "include_users", true), objects).await?;
        let up = shows(query, "include_parents", false);
        attach_related(database, ("child", "parent"), ("parents", "parents_obj"), up, objects).await?;
        let down = shows(query, "include_children", false);
        attach_related(database, ("parent", "child"), ("children", "children_obj"), down, objects).await?;
        roles::attach(database, ("group_roles", "group_pk"), &keys(objects), objects).await?;
        if shows(query, "include_inherited_roles", false) {
            return roles::attach_inherited(database, objects).await;
        }
        Ok(())
    }

    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        if cx.existing.is_none() {
            let digits: String = pk_uuid(object).as_u128().to_string().chars().take(5).collect();
            object.insert("num_pk".into(), digits.parse::<i64>().unwrap_or_default().into());
        }
        guard_flag(cx, object).await?;
        roles::guard_gained(cx, ("group_roles", "group_pk"), pk_uuid(object).into()).await?;
        let group = pk_uuid(object);
        if cx.given.contains_key("parents") {
            let wanted = uuids(cx.given, "parents");
            let present = parents(cx.change.transaction(), group).await?;
            let gained: Vec<Uuid> = wanted.iter().filter(|one| !present.contains(one)).copied().collect();
            let lost: Vec<Uuid> = present.iter().filter(|one| !wanted.contains(one)).copied().collect();
            guard(cx.change.transaction(), cx.principal, &gained, Change::Gain, "parents").await?;
            guard(cx.change.transaction(), cx.principal, &lost, Change::Lose, "parents").await?;
        }
        Ok(())
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let group = pk_uuid(object);
        roles::write(cx, ("group_roles", "group_pk"), group.into()).await?;
        if cx.given.contains_key("parents") {
            set_parents(cx.change.transaction(), group, &uuids(cx.given, "parents")).await?;
        }
        if cx.given.contains_key("users") {
            let users = cx.given.get("users").and_then(Value::as_array).into_iter().flatten();
            let wanted: Vec<i64> = users.filter_map(Value::as_i64).collect();
            // The group's parents are written by now, so that what they make of it counts.
            set_members(cx, group, &wanted).await?;
        }
        Ok(())
    }
}

/// The flag itself is for those alone who may decide who is a superuser, or whether this group's members are.
async fn guard_flag(cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
    let is = |object: &Object| object.get("is_superuser") == Some(&Value::Bool(true));
    let permission = match (cx.existing.is_some_and(is), is(object)) {
        (false, true) => "authentik_core.enable_group_superuser",
        (true, false) => "authentik_core.disable_group_superuser",
        _ => return Ok(()),
    };
    let (own, store) = (cx.existing.and_then(ObjectKey::of), cx.change.store().clone());
    if may_on(store.database(), cx.principal, permission, own).await? {
        return Ok(());
    }
    let status = if is(object) { "True" } else { "False" };
    let message = format!("User does not have permission to set superuser status to {status}.");
    Err(FieldErrors::one("is_superuser", message).into())
}

async fn parents(transaction: &mut Transaction, group: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = transaction.query("SELECT parent FROM group_parents WHERE child = $1", vec![group.into()]).await?;
    rows.iter().map(|row| row.uuid("parent")).collect()
}

async fn set_parents(transaction: &mut Transaction, group: Uuid, wanted: &[Uuid]) -> Result<(), StoreError> {
    for gone in parents(transaction, group).await?.iter().filter(|one| !wanted.contains(one)) {
        let sql = "DELETE FROM group_parents WHERE child = $1 AND parent = $2";
        transaction.execute(sql, vec![group.into(), (*gone).into()]).await?;
    }
    for parent in wanted {
        let sql = "INSERT INTO group_parents (child, parent, place) \
                   SELECT $1, $2, COALESCE(MAX(place), 0) + 1 FROM group_parents WHERE TRUE ON CONFLICT DO NOTHING";
        transaction.execute(sql, vec![group.into(), (*parent).into()]).await?;
    }
    Ok(())
}

async fn set_members(cx: &mut WriteCx<'_>, group: Uuid, wanted: &[i64]) -> Result<(), ApiError> {
    let transaction = cx.change.transaction();
    let rows = transaction.query("SELECT user_id FROM memberships WHERE group_pk = $1", vec![group.into()]).await?;
    let present: Vec<i64> = rows.iter().map(|row| row.int("user_id")).collect::<Result<_, _>>()?;
    let gained: Vec<i64> = wanted.iter().filter(|one| !present.contains(one)).copied().collect();
    let lost: Vec<i64> = present.iter().filter(|one| !wanted.contains(one)).copied().collect();
    if !gained.is_empty() {
        guard(transaction, cx.principal, &[group], Change::Gain, "users").await?;
    }
    if !lost.is_empty() {
        guard(transaction, cx.principal, &[group], Change::Lose, "users").await?;
    }
    for user in gained {
        join(transaction, user, group).await?;
    }
    for user in lost {
        leave(transaction, user, group).await?;
    }
    Ok(())
}

fn keys(objects: &[Object]) -> Vec<Param> {
    objects.iter().map(|object| pk_uuid(object).into()).collect()
}

async fn attach_members(database: &Database, full: bool, objects: &mut [Object]) -> Result<(), ApiError> {
    let of_groups =
        format!("SELECT group_pk, user_id FROM memberships WHERE group_pk IN ({})", places(1, objects.len()));
    // Keys are all in an index; who their users are is not, and neighbours lie beside one another.
    let sql = if full {
        format!(
            "WITH theirs AS MATERIALIZED ({of_groups} ORDER BY user_id) SELECT group_pk, user_id, username, name, \
             is_active, last_login, email, attributes, uid FROM theirs JOIN users ON users.id = theirs.user_id"
        )
    } else {
        of_groups
    };
    let mut members: HashMap<Uuid, Vec<(i64, Value)>> = HashMap::new();
    for row in database.query(sql, keys(objects)).await? {
        let shown = if full { member(&row)? } else { Value::Null };
        members.entry(row.uuid("group_pk")?).or_default().push((row.int("user_id")?, shown));
    }
    for object in objects {
        let mut members = members.remove(&pk_uuid(object)).unwrap_or_default();
        members.sort_by_key(|(user, _)| *user);
        let (users, shown): (Vec<Value>, Vec<Value>) =
            members.into_iter().map(|(user, shown)| (Value::from(user), shown)).unzip();
        object.insert("users".into(), users.into());
        object.insert("users_obj".into(), if full { shown.into() } else { Value::Null });
    }
    Ok(())
}

/// Made for each of hundreds: into a map of the right size at once.
fn member(row: &Row) -> Result<Value, StoreError> {
    let last_login = row.optional_time("last_login")?;
    let fields = [
        ("pk", row.int("user_id")?.into()),
        ("username", row.text("username")?.into()),
        ("name", row.text("name")?.into()),
        ("is_active", row.bool("is_active")?.into()),
        ("last_login", last_login.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)).into()),
        ("email", row.text("email")?.into()),
        ("attributes", row.json("attributes")?),
        ("uid", row.text("uid")?.into()),
    ];
    Ok(Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// The groups directly above or below.
async fn attach_related(
    database: &Database,
    (own, other): (&str, &str),
    (field, full_field): (&str, &str),
    full: bool,
    objects: &mut [Object],
) -> Result<(), ApiError> {
    let sql = format!(
        "SELECT {own} AS own, pk, name, is_superuser, attributes FROM group_parents \
         JOIN groups ON groups.pk = group_parents.{other} WHERE {own} IN ({}) ORDER BY place, name_folded, name",
        places(1, objects.len())
    );
    let mut related: Vec<(Uuid, Value)> = Vec::new();
    for row in database.query(sql, keys(objects)).await? {
        let group = json!({
            "pk": row.uuid("pk")?,
            "name": row.text("name")?,
            "is_superuser": row.bool("is_superuser")?,
            "attributes": row.json("attributes")?,
            "group_uuid": row.uuid("pk")?,
        });
        related.push((row.uuid("own")?, group));
    }
    for object in objects {
        let group = pk_uuid(object);
        let of: Vec<&Value> = related.iter().filter(|(own, _)| *own == group).map(|(_, group)| group).collect();
        object.insert(field.into(), of.iter().filter_map(|group| group.get("pk").cloned()).collect());
        let shown = if full { of.into_iter().cloned().collect() } else { Value::Null };
        object.insert(full_field.into(), shown);
    }
    Ok(())
}
