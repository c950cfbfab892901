//! Users.

mod account;
mod hooks;
mod impersonation;
mod me;
mod recovery;
mod switch;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Fields, Kind, Lookup, Resource, Searchable, Shape, Spec, Suggest, Validation};
use vestibule_store::Param;

use super::avatar::Pictured;
use super::group::PartialGroup;
use crate::superuser::is_superuser_sql;

pub use hooks::{FORGET, attach};
pub(crate) use hooks::{join, leave};
pub use impersonation::ORIGINAL;
pub use me::{OTHERS, UserSelf};
pub use recovery::{MakeRecoveryLink, RecoveryLinks, RecoveryMails, SendRecoveryMail};
pub use switch::SWITCH;

vestibule_resource::choices! {
    /// What kind of account it is.
    pub enum UserType: "UserTypeEnum" {
        Internal = "internal" "Internal",
        External = "external" "External",
        ServiceAccount = "service_account" "Service Account",
        InternalServiceAccount = "internal_service_account" "Internal Service Account",
    }
}

/// A user.
#[derive(Fields)]
pub struct User {
    /// Key.
    #[field(read_only, column = "id", label = "ID")]
    pub pk: i64,
    /// The name they sign in with.
    #[field(max = 150, folded, unique = "This field must be unique.")]
    pub username: String,
    /// Their name as others see it.
    #[field(blank, folded)]
    pub name: String,
    /// Whether they may sign in. Switch this off instead of deleting an account.
    #[field(default = true, label = "Active")]
    pub is_active: bool,
    /// When they last signed in.
    pub last_login: Option<DateTime<Utc>>,
    /// When the account was made.
    #[field(read_only)]
    pub date_joined: DateTime<Utc>,
    /// Whether a group of theirs lets them do everything.
    #[field(attached)]
    pub is_superuser: bool,
    /// The groups they are a member of.
    #[field(references = "authentik_core.group", default = [])]
    pub groups: Vec<Uuid>,
    /// The same, in full; null unless asked for.
    #[field(attached, shape = partial_groups())]
    pub groups_obj: Option<Vec<Value>>,
    /// The roles they have.
    #[field(references = "authentik_rbac.role", default = [])]
    pub roles: Vec<Uuid>,
    /// The same, in full; null unless asked for.
    #[field(attached, shape = roles())]
    pub roles_obj: Option<Vec<Value>>,
    /// Their e-mail address.
    #[field(blank, max = 254, format = Email, folded, default = "", label = "Email address")]
    pub email: String,
    /// Their picture.
    #[field(computed = |represent, object| Pictured::of(object).picture(represent.configuration).into())]
    pub avatar: String,
    /// What administrators and flows keep about them.
    #[field(default = {})]
    pub attributes: Object,
    /// What applications know them by. Never changes.
    #[field(read_only)]
    pub uid: String,
    /// Where they are kept.
    #[field(default = "users")]
    pub path: String,
    /// What kind of account it is.
    #[field(default = "internal")]
    pub r#type: UserType,
    /// The other key.
    #[field(read_only)]
    pub uuid: Uuid,
    /// When their password was last changed.
    #[field(read_only)]
    pub password_change_date: DateTime<Utc>,
    /// When the account was last changed.
    #[field(read_only)]
    pub last_updated: DateTime<Utc>,
    /// The user principal name, from the attributes.
    #[field(internal, folded)]
    pub upn: Option<String>,
}

pub(crate) fn partial_groups() -> Shape {
    Shape::Object("PartialGroup", PartialGroup::fields).list()
}

pub(crate) fn roles() -> Shape {
    Shape::Object("Role", vestibule_rbac::Role::fields).list()
}

/// The kind of users.
pub(crate) fn kind() -> Kind {
    Kind::record::<User>()
}

/// What expressions of the search language may name.
const SEARCHABLE: [Searchable; 7] = [
    Searchable::new("username"),
    Searchable::new("name"),
    Searchable::new("email"),
    Searchable::new("path"),
    Searchable::new("is_active").nullable(),
    Searchable::new("type").suggest(Suggest::Choices),
    Searchable::new("attributes"),
];

impl Resource for User {
    fn spec() -> Spec {
        let times =
            ["date_joined", "date_joined__gt", "date_joined__lt", "last_login", "last_login__gt", "last_login__lt"];
        let more = ["last_login__isnull", "last_updated", "last_updated__gt", "last_updated__lt"];
        let spec = Spec::new("core/users", "authentik_core.user", "User")
            .verbose("User", "Users")
            .serial_table("users", "id")
            .lookup("pk", "id")
            .search(&["email", "name", "uuid", "username"])
            .searchable(&SEARCHABLE)
            .order(&["username"])
            .filter(&times)
            .filter(&more)
            .filter(&["email", "is_active", "name", "path", "path_startswith=path__startswith", "username", "uuid"])
            .filter_with(
                "type",
                "type",
                Lookup::Sql(by_type),
                <UserType as vestibule_resource::FieldValue>::shape().list(),
            )
            .filter_with("is_superuser", "pk", Lookup::Sql(by_superuser), Shape::Boolean)
            .filter_with("groups_by_name", "pk", Lookup::Sql(by_group_name), Shape::TEXT.list())
            .among("groups", "name")
            .filter_with("groups_by_pk", "pk", Lookup::Sql(by_group), Shape::Uuid.list())
            .among("groups", "pk")
            .filter_with("roles_by_name", "pk", Lookup::Sql(by_role_name), Shape::TEXT.list())
            .among("roles", "name")
            .filter_with("roles_by_pk", "pk", Lookup::Sql(by_role), Shape::Uuid.list())
            .among("roles", "pk")
            .filter_with("attributes", "pk", Lookup::Sql(by_attributes), Shape::TEXT)
            .filter_with("include_groups", "pk", Lookup::Ignored, Shape::Boolean)
            .filter_with("include_roles", "pk", Lookup::Ignored, Shape::Boolean)
            .permission("reset_user_password", "Reset Password")
            .permission("impersonate", "Can impersonate other users")
            .permission("preview_user", "Can preview user data sent to providers")
            .permission("view_user_applications", "View applications the user has access to")
            .hooks(&hooks::UserHooks)
            .describe(|object| object.get("username").and_then(Value::as_str).unwrap_or_default().to_owned());
        let operations = account::operations().into_iter().chain(me::operations()).chain(recovery::operations());
        let operations = operations.chain(impersonation::operations()).chain(switch::operations());
        operations.fold(spec, Spec::operation)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if let Some(path) = cx.given.get("path").and_then(Value::as_str) {
            check_path(path, errors);
        }
        check_type(cx, errors);
        let type_before = cx.existing.and_then(|object| object.get("type")).and_then(Value::as_str);
        if errors.is_empty() && type_before == Some(UserType::InternalServiceAccount.as_str()) {
            errors.add(NON_FIELD, "Can't modify internal service account users");
        }
    }
}

fn check_path(path: &str, errors: &mut FieldErrors) {
    if path.starts_with('/') || path.ends_with('/') {
        errors.add("path", "No leading or trailing slashes allowed.");
    } else if path.split('/').any(str::is_empty) {
        errors.add("path", "No empty segments in user path allowed.");
    }
}

/// Accounts of the server's own are neither made nor unmade through the API.
fn check_type(cx: &Validation<'_>, errors: &mut FieldErrors) {
    let own = UserType::InternalServiceAccount.as_str();
    let before = cx.existing.and_then(|object| object.get("type")).and_then(Value::as_str);
    match cx.given.get("type").and_then(Value::as_str) {
        Some(after) if before == Some(own) && after != own => {
            errors.add("type", "Can't change internal service account to other user type.");
        }
        Some(after) if after == own && before != Some(own) => {
            errors.add("type", "Setting a user to internal service account is not allowed.");
        }
        _ => {}
    }
}

/// A filter's condition.
pub(crate) type Condition = Result<Option<(String, Vec<Param>)>, FieldErrors>;

fn by_type(text: &str) -> Condition {
    let wanted: Vec<&str> = text.split(',').filter(|one| !one.is_empty()).collect();
    if let Some(other) = wanted.iter().find(|one| !UserType::CHOICES.values.iter().any(|(value, _)| value == *one)) {
        let message = format!("Select a valid choice. {other} is not one of the available choices.");
        return Err(FieldErrors::one("type", message));
    }
    Ok(any_of("type", &wanted, |one| Some(one.into())))
}

fn by_superuser(text: &str) -> Condition {
    let condition = is_superuser_sql("users.id");
    Ok(match text.to_lowercase().as_str() {
        "true" | "1" => Some((condition, vec![])),
        "false" | "0" => Some((format!("NOT {condition}"), vec![])),
        _ => None,
    })
}

fn by_group_name(text: &str) -> Condition {
    let condition = any_of("groups.name", &text.split(',').collect::<Vec<_>>(), |one| Some(one.into()));
    Ok(condition.map(|(sql, params)| {
        let of = "SELECT user_id FROM memberships JOIN groups ON groups.pk = memberships.group_pk";
        (format!("id IN ({of} WHERE {sql})"), params)
    }))
}

fn by_group(text: &str) -> Condition {
    let keys: Vec<&str> = text.split(',').collect();
    if let Some(other) = keys.iter().find(|key| Uuid::parse_str(key.trim()).is_err()) {
        return Err(FieldErrors::one("groups_by_pk", format!("“{other}” is not a valid UUID.")));
    }
    let condition = any_of("group_pk", &keys, |key| Uuid::parse_str(key.trim()).ok().map(Param::from));
    Ok(condition.map(|(sql, params)| (format!("id IN (SELECT user_id FROM memberships WHERE {sql})"), params)))
}

fn by_role_name(text: &str) -> Condition {
    let condition = any_of("roles.name", &text.split(',').collect::<Vec<_>>(), |one| Some(one.into()));
    Ok(condition.map(|(sql, params)| {
        let of = "SELECT user_id FROM user_roles JOIN roles ON roles.pk = user_roles.role";
        (format!("id IN ({of} WHERE {sql})"), params)
    }))
}

fn by_role(text: &str) -> Condition {
    let keys: Vec<&str> = text.split(',').collect();
    if let Some(other) = keys.iter().find(|key| Uuid::parse_str(key.trim()).is_err()) {
        return Err(FieldErrors::one("roles_by_pk", format!("“{other}” is not a valid UUID.")));
    }
    let condition = any_of("role", &keys, |key| Uuid::parse_str(key.trim()).ok().map(Param::from));
    Ok(condition.map(|(sql, params)| (format!("id IN (SELECT user_id FROM user_roles WHERE {sql})"), params)))
}

/// Attributes that must have these values: a JSON object whose keys may reach inside by `__`.
pub(crate) fn by_attributes(text: &str) -> Condition {
    let Ok(Value::Object(wanted)) = serde_json::from_str(text) else {
        let is_json = serde_json::from_str::<Value>(text).is_ok();
        let message = if is_json { "filter: value must be key:value mapping" } else { "filter: failed to parse JSON" };
        return Err(FieldErrors::whole(message));
    };
    let mut params: Vec<Param> = Vec::new();
    let mut conditions = Vec::new();
    for (path, value) in wanted {
        // No database keeps such a name or value.
        if format!("{path}{value}").contains(['\0']) || value.to_string().contains("\\u0000") {
            return Err(FieldErrors::one("attributes", "Null characters are not allowed."));
        }
        let mut sql = "{json}attributes{/json}".to_owned();
        for key in path.split("__") {
            sql.push_str(" -> {name}$?{/name}");
            params.push(key.into());
        }
        conditions.push(sql + " = {json}$?{/json}");
        params.push(value.into());
    }
    Ok((!conditions.is_empty()).then(|| (conditions.join(" AND "), params)))
}

/// `column` is one of `texts`.
pub(crate) fn any_of(
    column: &str,
    texts: &[&str],
    param: impl Fn(&str) -> Option<Param>,
) -> Option<(String, Vec<Param>)> {
    let params: Vec<Param> = texts.iter().filter_map(|text| param(text)).collect();
    let places = vec!["$?"; params.len()].join(", ");
    (!params.is_empty()).then(|| (format!("{column} IN ({places})"), params))
}
