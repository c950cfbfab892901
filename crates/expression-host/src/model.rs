//! `User.objects` and `Group.objects`: sets that are found in the database, and only read.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use uuid::Uuid;
use vestibule_directory::Users;
use vestibule_expression::{Arguments, Failure, Object, Value};
use vestibule_kernel::fold::fold;
use vestibule_store::{Param, Store};

use crate::circumstances::Circumstances;
use crate::database_failed;
use crate::group::GroupObject;
use crate::user::UserObject;

/// How many objects a program is given at once.
const MOST: usize = 1000;

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    /// A text; beside it the same, folded.
    Folded,
    Text,
    Number,
    Truth,
    Key,
}

/// A table that programs look into.
pub(crate) struct Model {
    class: &'static str,
    table: &'static str,
    key: &'static str,
    /// Names in a program, the column, what it holds.
    columns: &'static [(&'static str, &'static str, Holds)],
    /// Names that lead elsewhere: the condition, over `$?`, and what that is.
    beyond: &'static [(&'static str, &'static str, Holds)],
}

const IN_GROUP: &str = "id IN (SELECT user_id FROM memberships WHERE group_pk = $?)";
const IN_GROUP_NAMED: &str = "id IN (SELECT user_id FROM memberships JOIN groups ON groups.pk = memberships.group_pk \
                              WHERE groups.name = $?)";

/// Users.
pub(crate) static USERS: Model = Model {
    class: "User",
    table: "users",
    key: "id",
    columns: &[
        ("pk", "id", Holds::Number),
        ("id", "id", Holds::Number),
        ("uuid", "uuid", Holds::Key),
        ("uid", "uid", Holds::Text),
        ("username", "username", Holds::Folded),
        ("name", "name", Holds::Folded),
        ("email", "email", Holds::Folded),
        ("is_active", "is_active", Holds::Truth),
        ("path", "path", Holds::Text),
        ("type", "type", Holds::Text),
    ],
    beyond: &[
        ("groups", IN_GROUP, Holds::Key),
        ("groups__pk", IN_GROUP, Holds::Key),
        ("groups__name", IN_GROUP_NAMED, Holds::Text),
        ("ak_groups__name", IN_GROUP_NAMED, Holds::Text),
    ],
};

/// Groups.
pub(crate) static GROUPS: Model = Model {
    class: "Group",
    table: "groups",
    key: "pk",
    columns: &[
        ("pk", "pk", Holds::Key),
        ("group_uuid", "pk", Holds::Key),
        ("name", "name", Holds::Folded),
        ("is_superuser", "is_superuser", Holds::Truth),
    ],
    beyond: &[(
        "users__username",
        "pk IN (SELECT group_pk FROM memberships JOIN users ON users.id = memberships.user_id WHERE users.username = $?)",
        Holds::Text,
    )],
};

type Condition = (String, Vec<Param>);

impl Model {
    /// The condition that a filter is; `None`: there is no such field.
    fn condition(&self, filter: &str, wanted: &Value) -> Result<Option<Condition>, Failure> {
        if let Some((_, sql, holds)) = self.beyond.iter().find(|(name, ..)| *name == filter) {
            return Ok(Some(match param(*holds, wanted) {
                Some(param) => ((*sql).to_owned(), vec![param]),
                None => never(),
            }));
        }
        let (name, comparison) = filter.split_once("__").unwrap_or((filter, "exact"));
        if name == "attributes" && comparison != "exact" {
            return Ok(Some(attribute(comparison, wanted)));
        }
        let Some((_, column, holds)) = self.columns.iter().find(|(field, ..)| *field == name) else { return Ok(None) };
        compare(column, *holds, comparison, wanted)
    }
}

/// What nobody fits.
fn never() -> Condition {
    ("1 = 0".into(), vec![])
}

fn attribute(path: &str, wanted: &Value) -> Condition {
    let wanted = wanted.to_json();
    if path.contains(['\0', '"']) || wanted.to_string().contains("\\u0000") {
        return never();
    }
    let mut params: Vec<Param> = path.split("__").map(Param::from).collect();
    let sql =
        format!("{{json}}attributes{{/json}}{} = {{json}}$?{{/json}}", " -> {name}$?{/name}".repeat(params.len()));
    params.push(wanted.into());
    (sql, params)
}

fn compare(column: &str, holds: Holds, comparison: &str, wanted: &Value) -> Result<Option<Condition>, Failure> {
    if comparison == "in" {
        let Value::List(values) = wanted else { return Err(Failure::kind("`__in` needs a list")) };
        let params: Vec<Param> = values.iter().filter_map(|value| param(holds, value)).collect();
        let places = vec!["$?"; params.len()].join(", ");
        return Ok(Some(if params.is_empty() { never() } else { (format!("{column} IN ({places})"), params) }));
    }
    if comparison == "exact" {
        let exact = param(holds, wanted).map(|param| (format!("{column} = $?"), vec![param]));
        return Ok(Some(exact.unwrap_or_else(never)));
    }
    // What is left compares texts; an `i` before it says that their case does not count.
    let (insensitive, comparison) = comparison.strip_prefix('i').map_or((false, comparison), |rest| (true, rest));
    let texts = matches!(holds, Holds::Folded) || (holds == Holds::Text && !insensitive);
    if !texts || !["exact", "contains", "startswith", "endswith"].contains(&comparison) {
        return Ok(None);
    }
    let Some(wanted) = wanted.as_str().filter(|text| !text.contains('\0')) else { return Ok(Some(never())) };
    let (column, wanted) = match insensitive {
        true => (format!("{column}_folded"), fold(wanted)),
        false => (column.to_owned(), wanted.to_owned()),
    };
    if wanted.is_empty() && comparison != "exact" {
        return Ok(Some(("1 = 1".into(), vec![])));
    }
    // Byte-wise on both databases, which `LIKE` is not.
    let (sql, times) = match comparison {
        "exact" => (format!("{column} = $?"), 1),
        "contains" => (format!("REPLACE({column}, $?, '') <> {column}"), 1),
        "startswith" => (format!("SUBSTR({column}, 1, LENGTH($?)) = $?"), 2),
        _ => {
            let end = format!("SUBSTR({column}, LENGTH({column}) - LENGTH($?) + 1) = $?");
            (format!("(LENGTH({column}) >= LENGTH($?) AND {end})"), 3)
        }
    };
    Ok(Some((sql, vec![Param::from(wanted); times])))
}

fn param(holds: Holds, wanted: &Value) -> Option<Param> {
    Some(match (holds, wanted) {
        (Holds::Number, Value::Int(number)) => (*number).into(),
        (Holds::Truth, Value::Bool(truth)) => (*truth).into(),
        (Holds::Key, Value::Str(text)) => text.parse::<Uuid>().ok()?.into(),
        (Holds::Key, Value::Object(object)) => {
            let (_, key) = object.attributes().into_iter().find(|(name, _)| name == "pk")?;
            key.as_str()?.parse::<Uuid>().ok()?.into()
        }
        (Holds::Folded | Holds::Text, Value::Str(text)) if !text.contains('\0') => text.clone().into(),
        _ => return None,
    })
}

/// `User` or `Group`, as imported.
pub(crate) struct ModelObject(pub(crate) Found);

#[async_trait]
impl Object for ModelObject {
    fn class(&self) -> &'static str {
        "ModelBase"
    }

    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok((name == "objects").then(|| Value::object(self.0.clone())))
    }

    fn to_json(&self) -> Json {
        Json::String(format!("<class '{}'>", self.0.model.class))
    }
}

/// Those that fit some filters; found when somebody asks.
#[derive(Clone)]
pub(crate) struct Found {
    store: Store,
    circumstances: Arc<Circumstances>,
    model: &'static Model,
    conditions: Vec<Condition>,
}

impl Found {
    /// All of a model.
    pub(crate) fn all(store: Store, circumstances: Arc<Circumstances>, model: &'static Model) -> Self {
        Self { store, circumstances, model, conditions: Vec::new() }
    }

    /// Those of them that fit, too; `None`: a field that is not known.
    pub(crate) fn filter(&self, filters: &[(String, Value)]) -> Result<Option<Self>, Failure> {
        let mut found = self.clone();
        for (filter, wanted) in filters {
            let Some(condition) = self.model.condition(filter, wanted)? else { return Ok(None) };
            found.conditions.push(condition);
        }
        Ok(Some(found))
    }

    fn narrowed(&self, arguments: &Arguments) -> Result<Self, Failure> {
        let unknown = || {
            let names: Vec<&str> = arguments.named.iter().map(|(name, _)| name.as_str()).collect();
            Failure::value(format!("Cannot resolve keyword into field: {}", names.join(", ")))
        };
        match arguments.positional.is_empty() {
            true => self.filter(&arguments.named)?.ok_or_else(unknown),
            false => Err(Failure::kind("filters are given by name")),
        }
    }

    /// Those that do not fit all of these.
    fn without(&self, arguments: &Arguments) -> Result<Self, Failure> {
        let all = Self { conditions: Vec::new(), ..self.clone() }.narrowed(arguments)?;
        let mut found = self.clone();
        if !all.conditions.is_empty() {
            let (sql, params): (Vec<String>, Vec<Vec<Param>>) = all.conditions.into_iter().unzip();
            // What is compared with nothing is unknown, and does not fit.
            let sql = format!("NOT COALESCE({}, 1 = 0)", sql.join(" AND "));
            found.conditions.push((sql, params.into_iter().flatten().collect()));
        }
        Ok(found)
    }

    /// A statement: `what` of those that fit, and what goes behind the condition.
    fn sql(&self, what: &str, behind: &str) -> (String, Vec<Param>) {
        let mut sql = format!("SELECT {what} FROM {}", self.model.table);
        let mut params = Vec::new();
        for (position, (condition, more)) in self.conditions.iter().enumerate() {
            sql.push_str(if position == 0 { " WHERE " } else { " AND " });
            for (part, piece) in condition.split("$?").enumerate() {
                if part > 0 {
                    sql.push_str(&format!("${}", params.len() + part));
                }
                sql.push_str(piece);
            }
            params.extend(more.iter().cloned());
        }
        (self.store.database().speak(&(sql + behind)), params)
    }

    async fn count(&self) -> Result<i64, Failure> {
        let (sql, params) = self.sql("COUNT(*) AS number", "");
        let rows = self.store.database().scan(sql, params).await.map_err(database_failed)?;
        rows.first().map_or(Ok(0), |row| row.int("number")).map_err(database_failed)
    }

    /// Up to so many of them, by key.
    pub(crate) async fn take(&self, most: usize) -> Result<Vec<Value>, Failure> {
        let key = self.model.key;
        let (sql, params) = self.sql(key, &format!(" ORDER BY {key} LIMIT {most}"));
        let rows = self.store.database().scan(sql, params).await.map_err(database_failed)?;
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            // (Whoever was deleted meanwhile is left out.)
            objects.extend(if self.model.class == "User" {
                let users = Users::new(self.store.clone(), self.store.ctx().clone());
                let found = users.by_pk(row.int(key).map_err(database_failed)?).await.map_err(database_failed)?;
                let user = |row| UserObject::new(self.store.clone(), row).under(self.circumstances.clone());
                found.map(|row| Value::object(user(row)))
            } else {
                let pk = row.uuid(key).map_err(database_failed)?;
                GroupObject::by_pk(&self.store, pk).await.map_err(database_failed)?.map(Value::object)
            });
        }
        Ok(objects)
    }

    async fn list(&self) -> Result<Vec<Value>, Failure> {
        let mut objects = self.take(MOST + 1).await?;
        if objects.len() > MOST {
            return Err(Failure::value(format!("more than {MOST} objects: filter them")));
        }
        objects.shrink_to_fit();
        Ok(objects)
    }
}

#[async_trait]
impl Object for Found {
    fn class(&self) -> &'static str {
        "QuerySet"
    }

    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        Ok(match method {
            "all" => Value::List(self.list().await?),
            "filter" => Value::object(self.narrowed(&arguments)?),
            "exclude" => Value::object(self.without(&arguments)?),
            "exists" => (self.count().await? > 0).into(),
            "count" => Value::Int(self.count().await?),
            "first" => self.take(1).await?.into_iter().next().unwrap_or_default(),
            "get" => {
                let mut found = self.narrowed(&arguments)?.take(2).await?.into_iter();
                match (found.next(), found.next()) {
                    (Some(object), None) => object,
                    (None, _) => {
                        return Err(Failure::value(format!("{} matching query does not exist.", self.model.class)));
                    }
                    _ => return Err(Failure::value(format!("More than one {} matches.", self.model.class))),
                }
            }
            other => return Err(Failure::attribute("QuerySet", other)),
        })
    }
}
