//! The roles of users and groups: reading, writing, and who may give them.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::object_permission::places;
use vestibule_resource::{ObjectKey, WriteCx};
use vestibule_store::{Database, Param, Row, StoreError};

use super::fields::uuids;

/// A table of who has roles: its name, and the column of the holder.
type Holders = (&'static str, &'static str);

/// Adds to objects the roles that they have of their own: one query. `keys` are theirs.
pub(crate) async fn attach(
    database: &Database,
    (table, column): Holders,
    keys: &[Param],
    objects: &mut [Object],
) -> Result<(), ApiError> {
    let sql = format!(
        "SELECT {column} AS holder, pk, name FROM {table} JOIN roles ON roles.pk = {table}.role \
         WHERE {column} IN ({}) ORDER BY name_folded, name",
        places(1, keys.len())
    );
    let mut found = collect(&database.query(sql, keys.to_vec()).await?, column == "user_id")?;
    for object in objects {
        let own = ObjectKey::of(object).and_then(|key| found.remove(&key)).unwrap_or_default();
        object.insert("roles".into(), own.iter().filter_map(|role| role.get("pk").cloned()).collect());
        object.insert("roles_obj".into(), own.into());
    }
    Ok(())
}

fn collect(rows: &[Row], of_users: bool) -> Result<HashMap<ObjectKey, Vec<Value>>, StoreError> {
    let mut found: HashMap<ObjectKey, Vec<Value>> = HashMap::new();
    for row in rows {
        let holder = if of_users { ObjectKey::Id(row.int("holder")?) } else { ObjectKey::Uuid(row.uuid("holder")?) };
        found.entry(holder).or_default().push(json!({"pk": row.uuid("pk")?, "name": row.text("name")?}));
    }
    Ok(found)
}

/// Adds to groups the roles that they have from the groups above, and not of their own: one query. Their own are there.
pub(crate) async fn attach_inherited(database: &Database, objects: &mut [Object]) -> Result<(), ApiError> {
    let keys: Vec<Param> = objects.iter().filter_map(|object| Some(ObjectKey::of(object)?.param())).collect();
    let sql = format!(
        "WITH RECURSIVE up (holder, pk) AS (SELECT child, parent FROM group_parents WHERE child IN ({}) \
         UNION SELECT up.holder, group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk) \
         SELECT DISTINCT up.holder, roles.pk, roles.name, roles.name_folded FROM up \
         JOIN group_roles ON group_roles.group_pk = up.pk JOIN roles ON roles.pk = group_roles.role \
         ORDER BY roles.name_folded, roles.name",
        places(1, keys.len())
    );
    let mut found = collect(&database.query(sql, keys).await?, false)?;
    for object in objects {
        let mut inherited = ObjectKey::of(object).and_then(|key| found.remove(&key)).unwrap_or_default();
        if let Some(Value::Array(own)) = object.get("roles_obj") {
            inherited.retain(|role| !own.contains(role));
        }
        object.insert("inherited_roles_obj".into(), inherited.into());
    }
    Ok(())
}

/// Refuses roles that are new to a holder and permit more than whoever writes may do.
pub(crate) async fn guard_gained(
    cx: &mut WriteCx<'_>,
    (table, column): Holders,
    holder: Param,
) -> Result<(), ApiError> {
    if !cx.given.contains_key("roles") {
        return Ok(());
    }
    let sql = format!("SELECT role FROM {table} WHERE {column} = $1");
    let rows = cx.change.transaction().query(sql, vec![holder]).await?;
    let present: Vec<Uuid> = rows.iter().map(|row| row.uuid("role")).collect::<Result<_, _>>()?;
    let gained: Vec<Uuid> = uuids(cx.given, "roles").into_iter().filter(|role| !present.contains(role)).collect();
    vestibule_rbac::guard(cx.change.transaction(), cx.principal, &gained, "roles").await
}

/// Writes the roles that a request names.
pub(crate) async fn write(cx: &mut WriteCx<'_>, (table, column): Holders, holder: Param) -> Result<(), ApiError> {
    if !cx.given.contains_key("roles") {
        return Ok(());
    }
    let transaction = cx.change.transaction();
    transaction.execute(format!("DELETE FROM {table} WHERE {column} = $1"), vec![holder.clone()]).await?;
    for role in uuids(cx.given, "roles") {
        let sql = format!("INSERT INTO {table} ({column}, role) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        transaction.execute(sql, vec![holder.clone(), role.into()]).await?;
    }
    Ok(())
}
