//! Groups: who belongs together, and who may do everything.

mod hooks;
mod members;

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_resource::{Fields, Kind, Lookup, Resource, Searchable, Shape, Spec};

use super::user::{Condition, any_of, by_attributes, roles};

/// A group.
#[derive(Fields)]
pub struct Group {
    /// Key.
    #[field(read_only, label = "Group uuid")]
    pub pk: Uuid,
    /// A number for systems that know groups by one.
    #[field(read_only)]
    pub num_pk: i64,
    /// Name.
    #[field(folded, unique = "Group with this name already exists.")]
    pub name: String,
    /// Whether its members, and those of every group below it, may do everything.
    #[field(default = false)]
    pub is_superuser: bool,
    /// The groups that it is below.
    #[field(references = "authentik_core.group", default = [])]
    pub parents: Vec<Uuid>,
    /// The same, in full; null unless asked for.
    #[field(attached, shape = related())]
    pub parents_obj: Option<Vec<Value>>,
    /// Its members.
    #[field(references = "authentik_core.user", default = [])]
    pub users: Vec<i64>,
    /// The same, in full; null unless asked for.
    #[field(attached, shape = partial_users())]
    pub users_obj: Option<Vec<Value>>,
    /// What administrators keep about it.
    #[field(default = {})]
    pub attributes: Object,
    /// The roles its members have.
    #[field(references = "authentik_rbac.role", default = [])]
    pub roles: Vec<Uuid>,
    /// The same, in full.
    #[field(attached, shape = roles())]
    pub roles_obj: Vec<Value>,
    /// The roles it has from the groups above it; null unless asked for.
    #[field(attached, shape = roles())]
    pub inherited_roles_obj: Option<Vec<Value>>,
    /// The groups below it.
    #[field(attached)]
    pub children: Vec<Uuid>,
    /// The same, in full; null unless asked for.
    #[field(attached, shape = related())]
    pub children_obj: Option<Vec<Value>>,
}

/// A group, as its members show it.
#[derive(Fields)]
pub struct PartialGroup {
    /// Key.
    #[field(read_only, label = "Group uuid")]
    pub pk: Uuid,
    /// A number for systems that know groups by one.
    #[field(read_only)]
    pub num_pk: i64,
    /// Name.
    pub name: String,
    /// Whether its members may do everything.
    #[field(default = false)]
    pub is_superuser: bool,
    /// What administrators keep about it.
    #[field(default = {})]
    pub attributes: Object,
}

/// A group, as those above and below it show it.
#[derive(Fields)]
pub struct RelatedGroup {
    /// Key.
    #[field(read_only, label = "Group uuid")]
    pub pk: Uuid,
    /// Name.
    pub name: String,
    /// Whether its members may do everything.
    #[field(default = false)]
    pub is_superuser: bool,
    /// What administrators keep about it.
    #[field(default = {})]
    pub attributes: Object,
    /// The key again.
    #[field(read_only)]
    pub group_uuid: Uuid,
}

/// A user, as their groups show them.
#[derive(Fields)]
pub struct PartialUser {
    /// Key.
    #[field(read_only, label = "ID")]
    pub pk: i64,
    /// The name they sign in with.
    #[field(max = 150)]
    pub username: String,
    /// Their name as others see it.
    #[field(blank)]
    pub name: String,
    /// Whether they may sign in.
    #[field(default = true, label = "Active")]
    pub is_active: bool,
    /// When they last signed in.
    pub last_login: Option<chrono::DateTime<chrono::Utc>>,
    /// Their e-mail address.
    #[field(blank, max = 254, format = Email, default = "", label = "Email address")]
    pub email: String,
    /// What administrators and flows keep about them.
    #[field(default = {})]
    pub attributes: Object,
    /// What applications know them by.
    #[field(read_only)]
    pub uid: String,
}

fn related() -> Shape {
    Shape::Object("RelatedGroup", RelatedGroup::fields).list()
}

fn partial_users() -> Shape {
    Shape::Object("PartialUser", PartialUser::fields).list()
}

/// The kind of groups.
pub(crate) fn kind() -> Kind {
    Kind::record::<Group>()
}

/// What expressions of the search language may name.
const SEARCHABLE: [Searchable; 3] =
    [Searchable::new("name"), Searchable::new("is_superuser").nullable(), Searchable::new("attributes")];

impl Resource for Group {
    fn spec() -> Spec {
        let spec = Spec::new("core/groups", "authentik_core.group", "Group")
            .verbose("Group", "Groups")
            .table("groups", "pk")
            .lookup("pk", "group_uuid")
            .search(&["name"])
            .searchable(&SEARCHABLE)
            .order(&["name"])
            .filter(&["is_superuser", "name"])
            .filter_with("members_by_pk", "pk", Lookup::Sql(by_member), Shape::INTEGER.list())
            .among("users", "id")
            .filter_with("members_by_username", "pk", Lookup::Sql(by_member_name), Shape::TEXT.list())
            .among("users", "username")
            .filter_with("attributes", "pk", Lookup::Sql(by_attributes), Shape::TEXT)
            .filter_with("include_children", "pk", Lookup::Ignored, Shape::Boolean)
            .filter_with("include_inherited_roles", "pk", Lookup::Ignored, Shape::Boolean)
            .filter_with("include_parents", "pk", Lookup::Ignored, Shape::Boolean)
            .filter_with("include_users", "pk", Lookup::Ignored, Shape::Boolean)
            .retrieve_filters(&["include_children", "include_inherited_roles", "include_parents", "include_users"])
            .permission("add_user_to_group", "Add user to group")
            .permission("remove_user_from_group", "Remove user from group")
            .permission("enable_group_superuser", "Enable superuser status")
            .permission("disable_group_superuser", "Disable superuser status")
            .hooks(&hooks::GroupHooks);
        members::operations().into_iter().fold(spec, Spec::operation)
    }
}

fn by_member(text: &str) -> Condition {
    let keys: Vec<&str> = text.split(',').collect();
    if keys.iter().any(|key| key.trim().parse::<i64>().is_err()) {
        return Err(FieldErrors::one("members_by_pk", "Enter a number."));
    }
    let condition = any_of("user_id", &keys, |key| key.trim().parse::<i64>().ok().map(Into::into));
    Ok(condition.map(|(sql, params)| (format!("pk IN (SELECT group_pk FROM memberships WHERE {sql})"), params)))
}

fn by_member_name(text: &str) -> Condition {
    let condition = any_of("users.username", &text.split(',').collect::<Vec<_>>(), |one| Some(one.into()));
    Ok(condition.map(|(sql, params)| {
        let of = "SELECT group_pk FROM memberships JOIN users ON users.id = memberships.user_id";
        (format!("pk IN ({of} WHERE {sql})"), params)
    }))
}
