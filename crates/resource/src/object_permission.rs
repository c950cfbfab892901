//! Permissions over single objects: roles have them, and the engine asks for them where a principal lacks the
//! permission over every object.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Database, Param, Row, StoreError, Transaction};

use crate::access::Principal;
use crate::decode::parse_uuid;
use crate::kind::{Kind, Storage};
use crate::spec::Spec;

/// An object's key, as permissions over it keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKey {
    /// Of a document, and of most tables.
    Uuid(Uuid),
    /// Of a table whose keys the database makes.
    Id(i64),
}

impl ObjectKey {
    /// From an object's `pk`.
    pub fn of(object: &Object) -> Option<Self> {
        Self::read(object.get("pk")?)
    }

    /// From a stored or sent key.
    pub fn read(key: &Value) -> Option<Self> {
        match key {
            Value::Number(number) => number.as_i64().map(Self::Id),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        parse_uuid(text).map(Self::Uuid).or_else(|| text.parse().ok().map(Self::Id))
    }

    /// From a row of object permissions.
    pub fn of_row(row: &Row) -> Result<Option<Self>, StoreError> {
        let uuid = row.optional_uuid("object_uuid")?.map(Self::Uuid);
        Ok(uuid.or(row.optional_int("object_id")?.map(Self::Id)))
    }

    /// The column that holds it.
    pub fn column(self) -> &'static str {
        match self {
            Self::Uuid(_) => "object_uuid",
            Self::Id(_) => "object_id",
        }
    }

    /// As a parameter.
    pub fn param(self) -> Param {
        match self {
            Self::Uuid(uuid) => uuid.into(),
            Self::Id(id) => id.into(),
        }
    }

    /// As the wire has it.
    pub fn text(self) -> String {
        match self {
            Self::Uuid(uuid) => uuid.to_string(),
            Self::Id(id) => id.to_string(),
        }
    }
}

/// `$from, ...`: places for `count` parameters; one that matches nothing for none.
pub fn places(from: usize, count: usize) -> String {
    if count == 0 {
        return "NULL".into();
    }
    (from..from + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Which objects a principal has a permission over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every one.
    All,
    /// These, and where a kind has owners, those of this user.
    These(BTreeSet<ObjectKey>, Option<(&'static str, i64)>),
}

impl Scope {
    /// The objects that `principal` has `permission` over; `owner` is the field of the kind that names a user whose own
    /// objects need no permission. One statement, or none where a permission over every object decides.
    pub(crate) async fn of(
        database: &Database,
        principal: &Principal,
        permission: &str,
        owner: Option<&'static str>,
    ) -> Result<Self, StoreError> {
        if principal.may(permission) {
            return Ok(Self::All);
        }
        let owner = owner.and_then(|field| Some((field, principal.user()?)));
        if principal.roles.is_empty() {
            return Ok(Self::These(BTreeSet::new(), owner));
        }
        let sql = format!(
            "SELECT object_uuid, object_id FROM role_object_permissions WHERE permission = $1 AND role IN ({})",
            places(2, principal.roles.len())
        );
        let mut params: Vec<Param> = vec![permission.into()];
        params.extend(principal.roles.iter().copied().map(Param::from));
        let rows = database.query(sql, params).await?;
        let keys = rows.iter().filter_map(|row| ObjectKey::of_row(row).transpose()).collect::<Result<_, _>>()?;
        Ok(Self::These(keys, owner))
    }

    /// Whether an object is among them.
    pub(crate) fn has(&self, object: &Object) -> bool {
        match self {
            Self::All => true,
            Self::These(_, owner) => {
                let owned = owner.is_some_and(|(field, user)| object.get(field).and_then(Value::as_i64) == Some(user));
                owned || self.includes(ObjectKey::of(object))
            }
        }
    }

    /// The same of a key, where nobody's owning it counts.
    pub(crate) fn includes(&self, key: Option<ObjectKey>) -> bool {
        match self {
            Self::All => true,
            Self::These(keys, _) => key.is_some_and(|key| keys.contains(&key)),
        }
    }

    /// Whether nothing can be among them: then a list is refused, rather than empty.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::These(keys, None) if keys.is_empty())
    }
}

/// SQL that holds for the rows of a kind's table that a principal has a permission over; `None`: all of them. `owner` is
/// the column that names a user whose own rows need none.
pub fn row_condition(
    principal: &Principal,
    permission: &str,
    spec: &Spec,
    owner: Option<&str>,
) -> Option<(String, Vec<Param>)> {
    let Storage::Table { name, key, serial } = spec.storage else { return None };
    if principal.may(permission) {
        return None;
    }
    let column = if serial { "object_id" } else { "object_uuid" };
    let roles = if principal.roles.is_empty() { "NULL".into() } else { vec!["$?"; principal.roles.len()].join(", ") };
    let mut keys = format!("SELECT {column} FROM role_object_permissions WHERE permission = $? AND role IN ({roles})");
    let mut params: Vec<Param> = vec![permission.into()];
    params.extend(principal.roles.iter().copied().map(Param::from));
    if let (Some(owner), Some(user)) = (owner, principal.user()) {
        // Keys on both sides, rather than a condition on either: the databases begin with the keys then.
        keys.push_str(&format!(" UNION ALL SELECT {key} FROM {name} WHERE {owner} = $?"));
        params.push(user.into());
    }
    Some((format!("{key} IN ({keys})"), params))
}

/// Whether a principal has a permission over no object at all, and owns none either: then a list is refused, rather than
/// empty.
pub(crate) async fn sees_nothing(
    database: &Database,
    principal: &Principal,
    permission: &str,
    owner: Option<&str>,
) -> Result<bool, StoreError> {
    if principal.may(permission) || (owner.is_some() && principal.user().is_some()) {
        return Ok(false);
    }
    if principal.roles.is_empty() {
        return Ok(true);
    }
    let sql = format!(
        "SELECT id FROM role_object_permissions WHERE permission = $1 AND role IN ({}) LIMIT 1",
        places(2, principal.roles.len())
    );
    let mut params: Vec<Param> = vec![permission.into()];
    params.extend(principal.roles.iter().copied().map(Param::from));
    Ok(database.query_one(sql, params).await?.is_none())
}

/// Whether a principal has a permission over one object.
pub async fn may_on(
    database: &Database,
    principal: &Principal,
    permission: &str,
    key: Option<ObjectKey>,
) -> Result<bool, StoreError> {
    if principal.may(permission) {
        return Ok(true);
    }
    let Some(key) = key.filter(|_| !principal.roles.is_empty()) else { return Ok(false) };
    let sql = format!(
        "SELECT id FROM role_object_permissions WHERE permission = $1 AND {} = $2 AND role IN ({})",
        key.column(),
        places(3, principal.roles.len())
    );
    let mut params: Vec<Param> = vec![permission.into(), key.param()];
    params.extend(principal.roles.iter().copied().map(Param::from));
    Ok(database.query_one(sql, params).await?.is_some())
}

/// Refuses an operation on an object that exists: the rule of what is hidden (404) and what is admitted (403). `what`
/// is the error that hides.
pub(crate) async fn require_on(
    database: &Database,
    principal: &Principal,
    (permission, view): (&str, &str),
    owner: Option<&'static str>,
    object: Option<&Object>,
    hidden: ApiError,
) -> Result<(), ApiError> {
    if principal.may(permission) {
        return if object.is_some() { Ok(()) } else { Err(hidden) };
    }
    let owned = |object: &Object| {
        let user = principal.user();
        user.is_some() && owner.is_some_and(|field| object.get(field).and_then(Value::as_i64) == user)
    };
    if let Some(object) = object
        && (owned(object) || may_on(database, principal, permission, ObjectKey::of(object)).await?)
    {
        return Ok(());
    }
    let scope = Scope::of(database, principal, view, owner).await?;
    let sees = object.is_some_and(|object| scope.has(object));
    Err(if sees || (scope.is_closed() && !principal.internal) { ApiError::Forbidden } else { hidden })
}

/// Gives the roles of whoever creates an object what their initial permissions say of its kind.
pub async fn assign_initial(
    transaction: &mut Transaction,
    principal: &Principal,
    kind: &Kind,
    object: &Object,
) -> Result<(), StoreError> {
    let Some(key) = ObjectKey::of(object).filter(|_| !principal.roles.is_empty()) else { return Ok(()) };
    let sql = format!(
        "SELECT DISTINCT i.role, g.permission FROM initial_permissions i \
         JOIN initial_permission_grants g ON g.initial_permissions = i.id WHERE i.role IN ({})",
        places(1, principal.roles.len())
    );
    let rows = transaction.query(sql, principal.roles.iter().copied().map(Param::from).collect()).await?;
    for row in rows {
        let permission = row.text("permission")?;
        if kind.has_permission(&permission) {
            assign(transaction, row.uuid("role")?, &permission, kind.model(), key).await?;
        }
    }
    Ok(())
}

/// Gives a role a permission over one object; the row's key.
pub async fn assign(
    transaction: &mut Transaction,
    role: Uuid,
    permission: &str,
    model: &str,
    key: ObjectKey,
) -> Result<i64, StoreError> {
    let column = key.column();
    let sql = format!(
        "INSERT INTO role_object_permissions (role, permission, model, {column}) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (role, permission, {column}) DO UPDATE SET model = excluded.model RETURNING id"
    );
    let params = vec![role.into(), permission.into(), model.into(), key.param()];
    transaction.query_one(sql, params).await?.map_or(Ok(0), |row| row.int("id"))
}

/// Takes back every permission over an object that is deleted.
pub(crate) async fn forget(transaction: &mut Transaction, kind: &Kind, object: &Object) -> Result<(), StoreError> {
    let Some(key) = ObjectKey::of(object) else { return Ok(()) };
    let mut sql = format!("DELETE FROM role_object_permissions WHERE {} = $1", key.column());
    let mut params = vec![key.param()];
    if matches!(key, ObjectKey::Id(_)) {
        // Numbers are unique within their model alone.
        sql.push_str(" AND model = $2");
        params.push(kind.model().into());
    }
    transaction.execute(sql, params).await?;
    Ok(())
}
