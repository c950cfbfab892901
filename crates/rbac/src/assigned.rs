//! Which permissions roles have: over every object of a model, and over single ones.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Permission as Asked, ok};
use vestibule_resource::object_permission::{ObjectKey, may_on, row_condition};
use vestibule_resource::{Call, Field, Fields, MODELS, Operation, Permission, Shape, Verb, memory_list, page};
use vestibule_store::{Param, Row, StoreError};

use crate::app::verbose_name;
use crate::assign::ROLE;
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

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let assigned = Shape::Object("RoleAssignedObjectPermission", Assigned::fields);
    let extra = Shape::Object("ExtraRoleObjectPermission", extra_fields);
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
    let (from, order) = ordered(&call).await?;
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

/// SQL: from where lines come, and in which order: by what the call asks for, as far as it means something, else by role.
async fn ordered(call: &Call) -> Result<(&'static str, String), ApiError> {
    let mut order = Vec::new();
    for asked in call.query.get("ordering").unwrap_or_default().split(',').map(str::trim) {
        let (name, way) = asked.strip_prefix('-').map_or((asked, ""), |name| (name, " DESC"));
        order.extend(match name {
            "id" => vec![format!("id{way}")],
            // Numbers come before UUIDs, as texts.
            "object_pk" => vec![
                format!("CASE WHEN object_uuid IS NULL THEN 0 ELSE 1 END{way}"),
                format!("CAST(object_id AS TEXT){way}"),
                format!("object_uuid{way}"),
            ],
            "permission__codename" => vec![ranks(call, |one| one.codename.clone()).await? + way],
            "permission__name" => vec![ranks(call, |one| one.name.clone()).await? + way],
            "content_type__model" => vec![ranks(call, |one| one.model.clone()).await? + way],
            "content_type__app_label" => vec![ranks(call, |one| one.app.clone()).await? + way],
            _ => Vec::new(),
        });
    }
    // A cross join, so that both databases go through the roles in their order, and stop when the page is full.
    let by_role = "roles CROSS JOIN role_object_permissions WHERE roles.pk = role_object_permissions.role AND";
    Ok(match order.is_empty() {
        true => (by_role, "roles.name, role_object_permissions.id".to_owned()),
        false => ("role_object_permissions WHERE", order.join(", ") + ", id"),
    })
}

/// SQL: the place of a line's permission by a text that tables do not have.
async fn ranks(call: &Call, text: fn(&Permission) -> String) -> Result<String, ApiError> {
    let rows =
        call.api.store.database().query("SELECT DISTINCT permission FROM role_object_permissions", vec![]).await?;
    let held: BTreeSet<String> = rows.iter().map(|row| row.text("permission")).collect::<Result<_, _>>()?;
    let known = call.api.registry.permissions().iter().filter(|one| held.contains(&one.full()));
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in known {
        texts.entry(text(one)).or_default().push(one.full());
    }
    let place =
        |(rank, names): (usize, &Vec<String>)| format!(" WHEN permission IN ('{}') THEN {rank}", names.join("', '"));
    let places: String = texts.values().enumerate().map(place).collect();
    Ok(if places.is_empty() { "0 + 0".to_owned() } else { format!("CASE{places} ELSE -1 END") })
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
