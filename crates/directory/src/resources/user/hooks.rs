//! Around the writing of users: memberships, identifiers, and the sessions of those who may not sign in any more.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::{Api, Hooks, WriteCx};
use vestibule_store::{Change as StoreChange, Database, Param, StoreError, Transaction};
use vestibule_tasks::NewTask;

use super::super::fields::{pk, shows, uuids};
use super::super::roles;
use crate::identifiers;
use crate::machine_account::end_grants;
use crate::password::{Params, Passwords, is_known_hash};
use crate::resources::settings::SystemSettings;
use crate::session;
use crate::superuser::{Change, guard, guard_user, makes_superusers_sql, places};
use crate::user::upn;

/// The task that removes the events of somebody who was deleted.
pub const FORGET: &str = "authentik.events.tasks.gdpr_cleanup";

/// Longest text that applications know somebody by, bytes.
const LONGEST_UID: usize = 255;

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

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        let user = pk(object);
        let attributes = |object: &Object| object.get("attributes").and_then(Value::as_object).cloned();
        let (before, now) = (cx.existing.map(|object| attributes(object).unwrap_or_default()), attributes(object));
        identifiers::write(cx.change.transaction(), user, before.as_ref(), &now.unwrap_or_default()).await?;
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
            end_grants(cx.change.transaction(), user).await?;
        }
        Ok(())
    }

    async fn before_delete(&self, change: &mut StoreChange, object: &Object) -> Result<(), ApiError> {
        if SystemSettings::of(&change.configuration()).gdpr_compliance {
            let ctx = change.store().ctx().clone();
            let task = NewTask::new(FORGET, json!({"user": pk(object)}));
            task.enqueue(&ctx, change.transaction()).await?;
        }
        Ok(vestibule_rbac::unassign_from_user(change.transaction(), pk(object)).await?)
    }

    fn beyond(&self) -> &'static [&'static str] {
        &["password", "password_hash", "uid", vestibule_rbac::entry::FIELD]
    }

    async fn set_beyond(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        if let Some(permissions) = vestibule_rbac::entry::asked(cx)? {
            let role = vestibule_rbac::own_role(cx.change.transaction(), cx.ctx, pk(object)).await?;
            vestibule_rbac::entry::give(cx, role, &permissions).await?;
        }
        set_uid(cx, object).await?;
        set_password(cx, pk(object), object.get("username")).await
    }
}

/// Keeps what applications know somebody by, so that they know them after an import elsewhere. With somebody else's one
/// would be they to every application: superusers alone.
async fn set_uid(cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
    let Some(uid) = cx.given.get("uid").filter(|uid| Some(*uid) != object.get("uid")) else { return Ok(()) };
    let wrong = |message: &str| ApiError::from(FieldErrors::one("uid", message));
    if !cx.principal.superuser {
        return Err(ApiError::Forbidden);
    }
    let Some(uid) = uid.as_str().filter(|uid| (1..=LONGEST_UID).contains(&uid.len()) && !uid.contains('\0')) else {
        return Err(wrong("Not a valid string."));
    };
    let taken = "SELECT id FROM users WHERE uid = $1";
    if cx.change.transaction().query_one(taken, vec![uid.into()]).await?.is_some() {
        return Err(wrong("This field must be unique."));
    }
    let sql = "UPDATE users SET uid = $1 WHERE id = $2";
    cx.change.transaction().execute(sql, vec![uid.into(), pk(object).into()]).await?;
    Ok(())
}

/// The name and the address that somebody signs in with, or is sent a link to, are not for those to change who may do
/// less than they.
async fn guard_identity(cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
    let Some(before) = cx.existing else { return Ok(()) };
    let names = identifiers::attributes(&cx.change.configuration());
    let attribute = |object: &Object, name: &str| object.get("attributes").and_then(|all| all.get(name)).cloned();
    if ["username", "email", "upn"].iter().all(|name| before.get(*name) == object.get(*name))
        && names.iter().all(|name| attribute(before, name) == attribute(object, name))
    {
        return Ok(());
    }
    guard_user(cx.change.transaction(), cx.principal, pk(object)).await
}

/// Sets the password that a blueprint gives, plain or as a hash; one that is set already keeps its sessions.
async fn set_password(cx: &mut WriteCx<'_>, user: i64, username: Option<&Value>) -> Result<(), ApiError> {
    let text = |field: &str| cx.given.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("password").or(text("password_hash")).is_none() {
        return Ok(());
    }
    cx.principal.require("authentik_core.reset_user_password")?;
    // With somebody's password one is they.
    guard_user(cx.change.transaction(), cx.principal, user).await?;
    let row = cx.change.transaction().query_one("SELECT password FROM users WHERE id = $1", vec![user.into()]).await?;
    let present = row.map(|row| row.optional_text("password")).transpose()?.flatten();
    let hash = match (text("password"), text("password_hash")) {
        (None, None) => return Ok(()),
        (None, Some(hash)) if !is_known_hash(hash) => {
            let message = "This is no hash that passwords can be checked against.";
            return Err(FieldErrors::one("password_hash", message).into());
        }
        (None, Some(hash)) if present.as_deref() == Some(hash) => return Ok(()),
        (None, Some(hash)) => hash.to_owned(),
        (Some(password), _) => {
            // The usual cost; a login under other settings hashes it anew.
            let params = Params { memory: 19_456, iterations: 2, parallelism: 1 };
            let passwords = Arc::new(Passwords::new(cx.ctx.clone(), params, 1, 1)?);
            if passwords.verify(present, password.to_owned()).await?.is_right() {
                return Ok(());
            }
            passwords.hash(password.to_owned()).await?
        }
    };
    crate::user::set_password(cx.change.transaction(), cx.ctx, user, &hash, None).await?;
    let context = json!({"user": {"pk": user, "username": username}});
    let event = Event::new("password_set", "authentik.blueprints", cx.principal.actor.clone()).context(context);
    event.request(&cx.principal.request).write(cx.ctx, cx.change.transaction()).await?;
    Ok(())
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
