//! Initial permissions: what the role of whoever creates an object may do to it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::http::Query;
use vestibule_resource::object_permission::places;
use vestibule_resource::{
    Access, Api, Fields, Hooks, Kind, Permission, Registry, Represent, Resource, Shape, Spec, Validation, WriteCx,
};
use vestibule_store::Param;

use crate::permission::{shape, show};

/// Permissions over what the members of a role create.
#[derive(Fields)]
pub(crate) struct InitialPermissions {
    /// Key.
    #[field(read_only, column = "id", label = "ID")]
    pub pk: i64,
    /// Name.
    #[field(max = 150, folded, unique = "Initial Permissions with this name already exists.")]
    pub name: String,
    /// The role that is given them.
    #[field(references = "authentik_rbac.role")]
    pub role: Uuid,
    /// The permissions.
    #[field(computed = numbers, shape = Shape::INTEGER.list())]
    pub permissions: Vec<i64>,
    /// The same, in full.
    #[field(computed = in_full, shape = shape().list())]
    pub permissions_obj: Vec<Value>,
}

/// Where hooks keep the full names of an object's permissions.
const NAMES: &str = "permission_names";

/// The kind of initial permissions.
pub(crate) fn kind() -> Kind {
    let mut kind = Kind::record::<InitialPermissions>();
    for field in kind.fields.iter_mut().filter(|field| field.name == "permissions") {
        field.access = Access::ReadWrite;
        field.required = false;
    }
    kind
}

impl Resource for InitialPermissions {
    fn spec() -> Spec {
        Spec::new("rbac/initial_permissions", "authentik_rbac.initialpermissions", "InitialPermissions")
            .verbose("Initial Permissions", "Initial Permissions")
            .serial_table("initial_permissions", "id")
            .lookup("pk", "id")
            .search(&["name"])
            .order(&["name"])
            .filter(&["name"])
            .hooks(&InitialHooks)
            .describe(|object| {
                let role = object.get("role").and_then(Value::as_str).unwrap_or_default();
                format!("Initial Permissions for Role #{role}.")
            })
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        for id in ids(cx.given) {
            if !cx.registry.permissions().iter().any(|one| one.id == id) {
                errors.add("permissions", format!("Invalid pk \"{id}\" - object does not exist."));
                return;
            }
        }
    }
}

fn ids(given: &Object) -> Vec<i64> {
    given.get("permissions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// The permissions of an object, as they were attached to it: by application, model and name.
fn permissions<'a>(registry: &'a Registry, object: &Object) -> Vec<&'a Permission> {
    let names = object.get(NAMES).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let names: BTreeSet<&str> = names.collect();
    registry.permissions().iter().filter(|one| names.contains(one.full().as_str())).collect()
}

fn numbers(represent: &Represent<'_>, object: &Object) -> Value {
    permissions(represent.registry, object).into_iter().map(|one| one.id).collect()
}

fn in_full(represent: &Represent<'_>, object: &Object) -> Value {
    permissions(represent.registry, object).into_iter().map(|one| Value::Object(show(one))).collect()
}

struct InitialHooks;

#[async_trait]
impl Hooks for InitialHooks {
    async fn attach(&self, api: &Api, _: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        let own = |object: &Object| object.get("pk").and_then(Value::as_i64).unwrap_or_default();
        let keys: Vec<Param> = objects.iter().map(|object| own(object).into()).collect();
        let sql = format!(
            "SELECT initial_permissions, permission FROM initial_permission_grants WHERE initial_permissions IN ({}) \
             ORDER BY permission",
            places(1, keys.len())
        );
        let rows = api.store.database().query(sql, keys).await?;
        for object in objects {
            let mut names = Vec::new();
            for row in &rows {
                if row.int("initial_permissions")? == own(object) {
                    names.push(json!(row.text("permission")?));
                }
            }
            object.insert(NAMES.into(), names.into());
        }
        Ok(())
    }

    /// Whoever arranges what members of a role may do with what they create has those permissions over everything.
    async fn before_save(&self, cx: &mut WriteCx<'_>, object: &mut Object) -> Result<(), ApiError> {
        let wanted = ids(cx.given);
        let mut all: Vec<String> = full_names(cx.registry, &wanted);
        if let (Some(Value::Number(pk)), true) = (object.get("pk"), cx.given.contains_key("role")) {
            let sql = "SELECT permission FROM initial_permission_grants WHERE initial_permissions = $1";
            let rows = cx.change.transaction().query(sql, vec![pk.as_i64().into()]).await?;
            for row in rows {
                all.push(row.text("permission")?);
            }
        }
        match all.iter().find(|permission| !cx.principal.may(permission)) {
            Some(permission) => {
                let message = format!("You may not give away \"{permission}\": you do not have it.");
                Err(FieldErrors::one("permissions", message).into())
            }
            None => Ok(()),
        }
    }

    async fn after_save(&self, cx: &mut WriteCx<'_>, object: &Object) -> Result<(), ApiError> {
        if !cx.given.contains_key("permissions") {
            return Ok(());
        }
        let pk = object.get("pk").and_then(Value::as_i64).unwrap_or_default();
        let transaction = cx.change.transaction();
        let sql = "DELETE FROM initial_permission_grants WHERE initial_permissions = $1";
        transaction.execute(sql, vec![pk.into()]).await?;
        for permission in full_names(cx.registry, &ids(cx.given)) {
            let sql = "INSERT INTO initial_permission_grants (initial_permissions, permission) VALUES ($1, $2) \
                       ON CONFLICT DO NOTHING";
            transaction.execute(sql, vec![pk.into(), permission.into()]).await?;
        }
        Ok(())
    }
}

fn full_names(registry: &Registry, ids: &[i64]) -> Vec<String> {
    let known = registry.permissions().iter().filter(|one| ids.contains(&one.id));
    known.map(Permission::full).collect()
}
