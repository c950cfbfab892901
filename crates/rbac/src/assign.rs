//! Which permissions roles have, and giving and taking them.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission as Asked, no_content, ok};
use vestibule_resource::object_permission::{self, ObjectKey, may_on, row_condition};
use vestibule_resource::{
    Call, Field, Fields, Kind, MODELS, Operation, Permission, Shape, Verb, exists, memory_list, page,
};
use vestibule_store::{Param, Row, StoreError};

use crate::app::verbose_name;
use crate::entry::permission_over;
use crate::grant;
use crate::permission::object;

/// Most permissions over single objects that a page shows to whoever asks for a number.
const MOST: usize = 10;

#[derive(Fields)]
struct ModelPermission {
    /// Number.
    #[field(read_only)]
    id: i64,
    /// Its name within the application.
    #[field(read_only)]
    codename: String,
    /// Its model.
    #[field(read_only, label = "Python model class name")]
    model: String,
    /// The application of its model.
    #[field(read_only)]
    app_label: String,
    /// What people call it.
    #[field(read_only)]
    name: String,
}

/// The same over one object.
fn object_fields() -> Vec<Field> {
    let mut fields = ModelPermission::fields();
    fields.insert(4, Field::of::<String>("object_pk", "The object's key."));
    fields
}

/// The same with what people call its parts.
fn extra_fields() -> Vec<Field> {
    let mut fields = object_fields();
    fields.push(Field::of::<String>("app_label_verbose", "What people call the application.").read_only());
    fields.push(Field::of::<String>("model_verbose", "What people call the model.").read_only());
    let description = Field::of::<Option<String>>("object_description", "What people call the object.");
    fields.push(description.nullable().read_only());
    fields
}

#[derive(Fields)]
struct Assigned {
    /// The role.
    #[field(read_only)]
    role_pk: String,
    /// Its name.
    #[field(read_only)]
    name: String,
    /// What it permits over single objects.
    #[field(shape = Shape::Object("RoleObjectPermission", object_fields).list())]
    object_permissions: Vec<Value>,
    /// What it permits over every object of a model.
    #[field(shape = Shape::Object("RoleModelPermission", ModelPermission::fields).list())]
    model_permissions: Vec<Value>,
}

#[derive(Fields)]
struct Assignment {
    /// What is permitted.
    permissions: Vec<String>,
    /// The model of the object that it is permitted over.
    #[field(shape = Shape::Choice(&MODELS))]
    model: Option<String>,
    /// That object's key; without it, every object is meant.
    #[field(min = 1)]
    object_pk: Option<String>,
}

fn assignment() -> Vec<Field> {
    let fields = Assignment::fields().into_iter();
    fields.map(|field| if field.name == "permissions" { field } else { field.optional() }).collect()
}

fn partial_assignment() -> Vec<Field> {
    Assignment::fields().into_iter().map(Field::optional).collect()
}

#[derive(Fields)]
struct AssignResult {
    /// The number of what was assigned.
    id: String,
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    const ROLE: &str = "authentik_rbac.role";
    let assigned = Shape::Object("RoleAssignedObjectPermission", Assigned::fields);
    let extra = Shape::Object("ExtraRoleObjectPermission", extra_fields);
    let result = Shape::Object("PermissionAssignResult", AssignResult::fields).list();
    let base = "rbac/permissions/assigned_by_roles/";
    vec![
        Operation::new(Method::GET, base, "rbac_permissions_assigned_by_roles_list", Some(assigned), by_role)
            .about(ROLE)
            .permission(Asked::Verb(Verb::View))
            .filters_itself()
            .paginated()
            .required_parameter("model", Shape::TEXT)
            .parameter("object_pk", Shape::TEXT)
            .doc("Lists the roles that permit something over a model or one of its objects."),
        Operation::new(
            Method::POST,
            "rbac/permissions/assigned_by_roles/{}/assign/",
            "rbac_permissions_assigned_by_roles_assign",
            Some(result),
            assign,
        )
        .about(ROLE)
        .permission(Asked::Named("authentik_rbac.assign_role_permissions"))
        .body(Body::Json("PermissionAssignRequest", assignment))
        .doc("Gives a role permissions, over one object or over all of a model; nobody gives more than they have."),
        Operation::new(
            Method::PATCH,
            "rbac/permissions/assigned_by_roles/{}/unassign/",
            "rbac_permissions_assigned_by_roles_unassign_partial_update",
            None,
            unassign,
        )
        .about(ROLE)
        .permission(Asked::Named("authentik_rbac.unassign_role_permissions"))
        .body(Body::Json("PatchedPermissionAssignRequest", partial_assignment))
        .doc("Takes permissions from a role, over one object or over all of a model."),
        Operation::new(Method::GET, "rbac/permissions/roles/", "rbac_permissions_roles_list", Some(extra), of_roles)
            .about(ROLE)
            .permission(Asked::Verb(Verb::View))
            .filters_itself()
            .paginated()
            .parameter("uuid", Shape::Uuid)
            .doc("Lists what roles permit over single objects."),
    ]
}

/// A permission that a role has, as answers show it.
fn show(call: &Call, row: &Row) -> Result<Object, StoreError> {
    let full = row.text("permission")?;
    let known = call.api.registry.permission(&full);
    let (app, codename) = full.split_once('.').unwrap_or(("", &full));
    Ok(object(json!({
        "id": row.int("id")?,
        "codename": codename,
        "model": known.map_or("", |one| &one.model),
        "app_label": app,
        "name": known.map_or(codename, |one| &one.name),
    })))
}

/// The same over an object.
fn show_object(call: &Call, row: &Row) -> Result<Object, StoreError> {
    let key = ObjectKey::of_row(row)?.map(ObjectKey::text).unwrap_or_default();
    let mut shown = Object::new();
    for (name, value) in show(call, row)? {
        if name == "name" {
            shown.insert("object_pk".into(), key.as_str().into());
        }
        shown.insert(name, value);
    }
    Ok(shown)
}

/// A condition that leaves every row.
const EVERY: &str = "1 = 1";

/// SQL after a table's name that leaves the roles which whoever calls may see, with its parameters; `key` is the column
/// of the role. Parameters begin at `$1`.
fn visible(call: &Call, key: &str) -> (String, Vec<Param>) {
    let permission = "authentik_rbac.view_role";
    let condition = call.kind.as_ref().and_then(|kind| row_condition(&call.principal, permission, &kind.spec, None));
    let Some((sql, params)) = condition else { return (EVERY.into(), Vec::new()) };
    let mut numbered = format!("{key} IN (SELECT pk FROM roles WHERE ");
    for (number, part) in sql.split("$?").enumerate() {
        if number > 0 {
            numbered.push_str(&format!("${number}"));
        }
        numbered.push_str(part);
    }
    (numbered + ")", params)
}

async fn by_role(call: Call) -> Answer {
    let model = call.query.get("model").filter(|model| !model.is_empty());
    let Some(model) = model else { return Err(FieldErrors::one("model", "This field is required.").into()) };
    if !MODELS.values.iter().any(|(name, _)| *name == model) {
        let message = format!("Select a valid choice. {model} is not one of the available choices.");
        return Err(FieldErrors::one("model", message).into());
    }
    let key = call.query.get("object_pk").and_then(ObjectKey::parse);
    let of_model = |full: &str| call.api.registry.permission(full).is_some_and(|one| one.model() == model);
    let database = call.api.store.database();
    let (condition, params) = visible(&call, "role");
    let sql = format!("SELECT id, role, permission FROM role_permissions WHERE {condition} ORDER BY id");
    let mut roles: BTreeMap<Uuid, (bool, Vec<Object>, Vec<Object>)> = BTreeMap::new();
    for row in database.query(sql, params.clone()).await? {
        let entry = roles.entry(row.uuid("role")?).or_default();
        entry.0 |= of_model(&row.text("permission")?);
        entry.1.push(show(&call, &row)?);
    }
    let sql = format!(
        "SELECT id, role, permission, object_uuid, object_id FROM role_object_permissions WHERE {condition} ORDER BY id"
    );
    for row in database.query(sql, params.clone()).await? {
        let entry = roles.entry(row.uuid("role")?).or_default();
        entry.0 |= key.is_some() && ObjectKey::of_row(&row)? == key && of_model(&row.text("permission")?);
        entry.2.push(show_object(&call, &row)?);
    }
    let (condition, params) = visible(&call, "pk");
    let mut found = Vec::new();
    for row in database.query(format!("SELECT pk, name FROM roles WHERE {condition}"), params).await? {
        let pk = row.uuid("pk")?;
        let Some((true, models, objects)) = roles.remove(&pk) else { continue };
        found.push(object(json!({
            "role_pk": pk, "name": row.text("name")?, "object_permissions": objects, "model_permissions": models,
        })));
    }
    memory_list(&call, found, &["name"], &["name"])
}

async fn of_roles(mut call: Call) -> Answer {
    // Each line costs a look at its object: pages are shorter here.
    call.query = call.query.with_most("page_size", MOST);
    let (mut condition, mut params) = visible(&call, "role_object_permissions.role");
    if let Some(text) = call.query.get("uuid").filter(|text| !text.is_empty()) {
        let wrong = |_| FieldErrors::one("uuid", "Enter a valid UUID.");
        let role: Uuid = text.parse().map_err(wrong)?;
        params.push(role.into());
        condition.push_str(&format!(" AND role_object_permissions.role = ${}", params.len()));
    }
    let database = call.api.store.database();
    let count = if condition == EVERY {
        database.count_rows("role_object_permissions").await?
    } else {
        let sql = format!("SELECT COUNT(*) AS count FROM role_object_permissions WHERE {condition}");
        database.query_one(sql, params.clone()).await?.map_or(Ok(0), |row| row.int("count"))?
    };
    let (range, pagination) = page(&call.configuration, &call.query, usize::try_from(count).unwrap_or_default())?;
    // A cross join, so that both databases go through the roles in their order, and stop when the page is full.
    let by_role = "roles CROSS JOIN role_object_permissions WHERE roles.pk = role_object_permissions.role AND";
    let (from, order) = match call.query.get("ordering") {
        Some("id") => ("role_object_permissions WHERE", "id"),
        Some("-id") => ("role_object_permissions WHERE", "id DESC"),
        _ => (by_role, "roles.name, role_object_permissions.id"),
    };
    let sql = format!(
        "SELECT id, permission, role_object_permissions.model AS object_model, object_uuid, object_id \
         FROM {from} {condition} ORDER BY {order} LIMIT {} OFFSET {}",
        range.len(),
        range.start
    );
    let mut found = Vec::new();
    for row in database.query(sql, params).await? {
        let mut shown = show_object(&call, &row)?;
        let permission = call.api.registry.permission(&row.text("permission")?);
        let app = permission.map(|one| verbose_name(&one.app));
        shown.insert("app_label_verbose".into(), app.into());
        shown.insert("model_verbose".into(), permission.map(|one| one.model_verbose.as_str()).into());
        shown.insert("object_description".into(), describe(&call, &row).await?.into());
        found.push(Value::Object(shown));
    }
    ok(&json!({"pagination": pagination, "results": found, "autocomplete": {}}))
}

/// What people call the object of a row, as far as whoever asks may see it.
async fn describe(call: &Call, row: &Row) -> Result<Option<String>, ApiError> {
    let Some(kind) = call.api.registry.kind(&row.text("object_model")?) else { return Ok(None) };
    let Some(key) = ObjectKey::of_row(row)? else { return Ok(None) };
    let database = call.api.store.database();
    if !may_on(database, &call.principal, &kind.permission(Verb::View), Some(key)).await? {
        return Ok(None);
    }
    let found = vestibule_resource::find(database, &call.configuration, kind, key).await?;
    Ok(found.map(|object| kind.describe(&object)))
}

/// What a request is about: permissions by their full names, and the object with its kind.
struct Request {
    permissions: Vec<String>,
    object: Option<(std::sync::Arc<Kind>, ObjectKey)>,
}

async fn read(call: &Call) -> Result<Request, ApiError> {
    let given = call.body.get("permissions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let given: Vec<&str> = given.collect();
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let wrong = |field: &str, message: String| ApiError::from(FieldErrors::one(field, message));
    let object = match (text("model"), text("object_pk")) {
        (None, None) => None,
        (Some(model), Some(pk)) => {
            let missing = || wrong("object_pk", format!("Invalid pk \"{pk}\" - object does not exist."));
            let kind = call.api.registry.kind(model).ok_or_else(missing)?;
            let key = ObjectKey::parse(pk).ok_or_else(missing)?;
            let value = match key {
                ObjectKey::Uuid(uuid) => json!(uuid),
                ObjectKey::Id(id) => json!(id),
            };
            let Call { api, configuration, .. } = call;
            if !exists(&api.store, &api.registry, configuration, model, &value).await? {
                return Err(missing());
            }
            Some((std::sync::Arc::clone(kind), key))
        }
        _ => {
            let message = "The fields model, object_pk must be used together.";
            return Err(wrong(vestibule_kernel::error::NON_FIELD, message.to_owned()));
        }
    };
    let mut permissions = Vec::new();
    for name in given {
        let full = match &object {
            Some((kind, _)) => permission_over(&call.api.registry, kind, name),
            None if !name.contains('.') => {
                let message = "When assigning global permissions, codename must be given as app_label.codename";
                let mut errors = FieldErrors::new();
                errors.insert("permissions", message.into());
                return Err(errors.into());
            }
            None => call.api.registry.permission(name).map(Permission::full),
        };
        let Some(full) = full else {
            return Err(wrong("permissions", format!("\"{name}\" is not a valid choice.")));
        };
        permissions.push(full);
    }
    Ok(Request { permissions, object })
}

fn role(call: &Call) -> Uuid {
    call.object.get("pk").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or_default()
}

async fn assign(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let Request { permissions, object } = read(&call).await?;
    for permission in &permissions {
        let key = object.as_ref().map(|(_, key)| *key);
        if !may_on(api.store.database(), principal, permission, key).await? {
            let message = format!("You may not give away \"{permission}\": you do not have it.");
            return Err(FieldErrors::one("permissions", message).into());
        }
    }
    let mut change = api.store.change(principal.actor.clone()).await?;
    let mut answer = Vec::new();
    for permission in &permissions {
        let id = match &object {
            Some((kind, key)) => {
                object_permission::assign(change.transaction(), role(&call), permission, kind.model(), *key).await?
            }
            None => grant::assign(change.transaction(), role(&call), permission).await?,
        };
        answer.push(json!({"id": id.to_string()}));
    }
    write_event(&call, &mut change, "assigned", &permissions, object.as_ref()).await?;
    change.commit().await?;
    ok(&answer.into())
}

async fn unassign(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let Request { permissions, object } = read(&call).await?;
    let mut change = api.store.change(principal.actor.clone()).await?;
    for permission in &permissions {
        let (sql, params): (String, Vec<Param>) = match &object {
            Some((_, key)) => (
                format!(
                    "DELETE FROM role_object_permissions WHERE role = $1 AND permission = $2 AND {} = $3",
                    key.column()
                ),
                vec![role(&call).into(), permission.into(), key.param()],
            ),
            None => (
                "DELETE FROM role_permissions WHERE role = $1 AND permission = $2".to_owned(),
                vec![role(&call).into(), permission.into()],
            ),
        };
        change.transaction().execute(sql, params).await?;
    }
    write_event(&call, &mut change, "unassigned", &permissions, object.as_ref()).await?;
    change.commit().await?;
    no_content()
}

async fn write_event(
    call: &Call,
    change: &mut vestibule_store::Change,
    what: &str,
    permissions: &[String],
    object: Option<&(std::sync::Arc<Kind>, ObjectKey)>,
) -> Result<(), StoreError> {
    let object = object.map(|(kind, key)| json!({"model": kind.model(), "pk": key.text()}));
    let context = json!({
        "model": {"pk": role(call), "app": "authentik_rbac", "model_name": "role", "name": call.object.get("name")},
        what: {"permissions": permissions, "object": object},
    });
    let event = Event::new("model_updated", "authentik.rbac.api.permissions", call.principal.actor.clone());
    event.context(context).request(&call.principal.request).write(&call.api.ctx, change.transaction()).await?;
    Ok(())
}
