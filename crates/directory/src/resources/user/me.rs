//! What users may know about themselves.

use http::Method;
use serde_json::{Value, json};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{Call, Field, Fields, Operation, Principal, Shape, select};
use vestibule_store::{Configuration, Row, StoreError};

use super::super::fields::{never_null, pk};
use super::{UserType, hooks, impersonation};
use crate::authenticate::load_session;
use crate::client::ClientInfo;
use crate::resources::avatar::Pictured;
use crate::resources::brand::current_brand;
use crate::resources::merged::{ABOVE, groups_sql, merge};
use crate::session::{Session, Sessions};

/// Where a session's data keeps the keys of users who are signed in beside the present one.
pub const OTHERS: &str = "users";

/// What each of the server's own permissions is called, for those who may do everything.
const SYSTEM_PERMISSIONS: [&str; 16] = [
    "access_admin_interface",
    "add_initialpermissions",
    "add_role",
    "assign_role_permissions",
    "change_initialpermissions",
    "change_role",
    "delete_initialpermissions",
    "delete_role",
    "edit_system_settings",
    "manage_media_files",
    "unassign_role_permissions",
    "view_initialpermissions",
    "view_media_files",
    "view_role",
    "view_system_info",
    "view_system_settings",
];

/// A user, as they see themselves.
#[derive(Fields)]
pub struct UserSelf {
    /// Key.
    #[field(read_only)]
    pub pk: i64,
    /// The name they sign in with.
    #[field(max = 150)]
    pub username: String,
    /// Their name as others see it.
    #[field(blank)]
    pub name: String,
    /// Whether they may sign in.
    #[field(read_only)]
    pub is_active: bool,
    /// Whether they may do everything.
    #[field(read_only)]
    pub is_superuser: bool,
    /// Whether the browser's session is theirs.
    #[field(read_only)]
    pub is_current: bool,
    /// The groups they are a member of.
    #[field(read_only, shape = Shape::Object("UserSelfGroups", Named::fields).list())]
    pub groups: Vec<Value>,
    /// The roles they have.
    #[field(read_only, shape = Shape::Object("UserSelfRoles", Named::fields).list())]
    pub roles: Vec<Value>,
    /// Their e-mail address.
    #[field(blank, max = 254, format = Email, default = "")]
    pub email: String,
    /// Their picture.
    #[field(read_only)]
    pub avatar: String,
    /// What applications know them by.
    #[field(read_only)]
    pub uid: String,
    /// What they have set for themselves.
    #[field(read_only)]
    pub settings: Object,
    /// What kind of account it is.
    #[field(default = "internal")]
    pub r#type: UserType,
    /// The server's own permissions that they have.
    #[field(read_only)]
    pub system_permissions: Vec<String>,
}

/// A group or a role, by name.
#[derive(Fields)]
struct Named {
    /// Its name.
    #[field(read_only)]
    name: String,
    /// Its key.
    #[field(read_only)]
    pk: String,
}

#[derive(Fields)]
struct SessionUser {
    /// The present user.
    #[field(shape = Shape::Object("UserSelf", UserSelf::fields))]
    user: Value,
    /// Who they really are, while they impersonate somebody.
    #[field(shape = Shape::Object("UserSelf", UserSelf::fields))]
    original: Option<Value>,
    /// Every user who is signed in with this browser.
    #[field(shape = Shape::Object("UserSelf", UserSelf::fields).list())]
    users: Vec<Value>,
}

fn session_user_fields() -> Vec<Field> {
    never_null(SessionUser::fields(), &["original"])
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("SessionUser", session_user_fields));
    vec![
        Operation::new(Method::GET, "me/", "core_users_me_retrieve", answer, me)
            .permission(Permission::SignedIn)
            .doc("Who the request comes from."),
    ]
}

async fn me(call: Call) -> Answer {
    let Some(own) = call.principal.user() else { return Err(ApiError::NotAuthenticated) };
    let session = match call.principal.by_session {
        true => load_session(&*call.api.extension::<Sessions>()?, &call.parts).await?,
        false => None,
    };
    let original = session.as_ref().and_then(impersonation::original);
    let others = session.as_ref().map(others).unwrap_or_default();
    let mut keys = vec![own];
    keys.extend(original.into_iter().chain(others.iter().copied()).filter(|key| *key != own));
    let mut known = load(&call, &keys).await?;
    for object in &mut known {
        attach(&call, object).await?;
    }
    let find = |key: i64| known.iter().find(|object| pk(object) == key);
    let show = |key: i64| find(key).map(|object| show(&call.configuration, object, key == own, &call.principal));
    let user = show(own).ok_or(ApiError::NotAuthenticated)?;
    let mut answer = Object::new();
    answer.insert("user".into(), user.clone());
    if let Some(original) = original.and_then(show) {
        answer.insert("original".into(), original);
    }
    let others = others.into_iter().filter(|key| *key != own).filter_map(show);
    answer.insert("users".into(), std::iter::once(user).chain(others).collect());
    ok(&Value::Object(answer))
}

/// Who else is signed in with this session.
pub(super) fn others(session: &Session) -> Vec<i64> {
    session.data.get(OTHERS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

async fn load(call: &Call, keys: &[i64]) -> Result<Vec<Object>, ApiError> {
    let Some(kind) = &call.kind else { return Err(ApiError::internal("an operation without its kind")) };
    let database = call.api.store.database();
    let tail = format!(" WHERE id IN ({})", crate::superuser::places(1, keys.len()));
    let mut objects = select(database, kind, &tail, keys.iter().copied().map(Into::into).collect()).await?;
    hooks::attach(database, &Query::default(), &mut objects).await?;
    Ok(objects)
}

/// Adds every group that a user is below, the roles that they have by themselves and by those, and their settings over
/// those of the groups and the brand.
async fn attach(call: &Call, object: &mut Object) -> Result<(), ApiError> {
    let database = call.api.store.database();
    let groups = database.query(groups_sql(), vec![pk(object).into()]).await?;
    let sql = format!(
        "WITH RECURSIVE {ABOVE} SELECT pk, name FROM roles WHERE pk IN (SELECT role FROM user_roles WHERE user_id = $1) \
         OR pk IN (SELECT role FROM group_roles WHERE group_pk IN (SELECT pk FROM above)) ORDER BY name_folded, name"
    );
    let roles = database.query(sql, vec![pk(object).into()]).await?;
    let named = |row: &Row| Ok(json!({"name": row.text("name")?, "pk": row.uuid("pk")?}));
    let list = |rows: &[Row]| rows.iter().map(named).collect::<Result<Value, StoreError>>();
    let brand = current_brand(&call.configuration, &ClientInfo::of(&call.parts).host_name());
    let brand = brand.and_then(|brand| brand.value.get("attributes")?.as_object());
    let own = object.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    let settings = merge(brand, &groups, &own)?.remove("settings").filter(Value::is_object);
    object.insert("all_groups".into(), list(&groups)?);
    object.insert("all_roles".into(), list(&roles)?);
    object.insert("settings".into(), settings.unwrap_or_else(|| json!({})));
    Ok(())
}

fn show(configuration: &Configuration, object: &Object, is_current: bool, principal: &Principal) -> Value {
    let get = |name: &str| object.get(name).cloned().unwrap_or(Value::Null);
    let superuser = object.get("is_superuser") == Some(&Value::Bool(true));
    let permissions = if is_current { system_permissions(principal) } else { Vec::new() };
    json!({
        "pk": pk(object),
        "username": get("username"),
        "name": get("name"),
        "is_active": get("is_active"),
        "is_superuser": superuser,
        "is_current": is_current,
        "groups": get("all_groups"),
        "roles": get("all_roles"),
        "email": get("email"),
        "avatar": Pictured::of(object).picture(configuration),
        "uid": get("uid"),
        "settings": get("settings"),
        "type": get("type"),
        "system_permissions": permissions,
    })
}

fn system_permissions(principal: &Principal) -> Vec<String> {
    if principal.superuser {
        return SYSTEM_PERMISSIONS.iter().map(|name| (*name).to_owned()).collect();
    }
    let own = principal.permissions.iter().filter_map(|permission| permission.strip_prefix("authentik_rbac."));
    own.map(str::to_owned).collect()
}
