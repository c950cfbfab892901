//! Groups, and lists of them that answer as Django's do: `all()`, `filter(name=...)`, `exists()`.

use async_trait::async_trait;
use serde_json::Value as Json;
use uuid::Uuid;
use vestibule_expression::{Arguments, Failure, Object, Value};
use vestibule_store::{Row, Store, StoreError};

use crate::database_failed;

/// A group.
#[derive(Clone, Debug)]
pub struct GroupObject {
    /// Key.
    pub pk: Uuid,
    /// Name.
    pub name: String,
    /// Whether its members may do everything.
    pub is_superuser: bool,
    /// What administrators keep about it.
    pub attributes: Json,
}

impl GroupObject {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            pk: row.uuid("pk")?,
            name: row.text("name")?,
            is_superuser: row.bool("is_superuser")?,
            attributes: row.json("attributes")?,
        })
    }

    /// The group of a key.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn by_pk(store: &Store, pk: Uuid) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT pk, name, is_superuser, attributes FROM groups WHERE pk = $1";
        store.database().query_one(sql, vec![pk.into()]).await?.as_ref().map(Self::read).transpose()
    }

    /// The groups of a user by name; with `inherited` those above them, too.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn of_user(store: &Store, user: i64, inherited: bool) -> Result<Vec<Self>, StoreError> {
        let sql = match inherited {
            false => {
                "SELECT pk, name, is_superuser, attributes FROM memberships JOIN groups ON pk = group_pk \
                 WHERE user_id = $1 ORDER BY name"
            }
            true => {
                "WITH RECURSIVE up (pk) AS (SELECT group_pk FROM memberships WHERE user_id = $1 \
                 UNION SELECT group_parents.parent FROM group_parents JOIN up ON group_parents.child = up.pk) \
                 SELECT groups.pk, name, is_superuser, attributes FROM groups JOIN up ON groups.pk = up.pk ORDER BY name"
            }
        };
        store.database().query_few(sql, vec![user.into()]).await?.iter().map(Self::read).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "pk" | "group_uuid" => self.pk.to_string().into(),
            "name" => self.name.as_str().into(),
            "is_superuser" => self.is_superuser.into(),
            "attributes" => self.attributes.clone().into(),
            _ => return None,
        })
    }

    /// Whether it has what a filter asks for.
    ///
    /// # Errors
    /// A field or a comparison that is not known.
    pub fn fits(&self, filter: &str, wanted: &Value) -> Result<bool, Failure> {
        let (name, comparison) = filter.split_once("__").unwrap_or((filter, "exact"));
        let unknown = || Failure::value(format!("Cannot resolve keyword '{filter}' into field"));
        let field = self.field(name).ok_or_else(unknown)?;
        if name == "attributes" && comparison != "exact" {
            let found = comparison.split("__").try_fold(&field, |value, key| value.get(key));
            return Ok(found == Some(wanted));
        }
        let texts = || Some((field.as_str()?, wanted.as_str()?));
        Ok(match comparison {
            "exact" => same(&field, wanted),
            "in" => match wanted {
                Value::List(values) => values.iter().any(|value| same(&field, value)),
                _ => return Err(unknown()),
            },
            "iexact" => texts().is_some_and(|(field, wanted)| field.to_lowercase() == wanted.to_lowercase()),
            "contains" => texts().is_some_and(|(field, wanted)| field.contains(wanted)),
            "icontains" => texts().is_some_and(|(field, wanted)| field.to_lowercase().contains(&wanted.to_lowercase())),
            "startswith" => texts().is_some_and(|(field, wanted)| field.starts_with(wanted)),
            "endswith" => texts().is_some_and(|(field, wanted)| field.ends_with(wanted)),
            _ => return Err(unknown()),
        })
    }
}

/// Keys may be given in any spelling of a UUID.
fn same(field: &Value, wanted: &Value) -> bool {
    let key = |value: &Value| value.as_str().and_then(|text| Uuid::parse_str(text).ok());
    field == wanted || key(field).is_some_and(|field| Some(field) == key(wanted))
}

#[async_trait]
impl Object for GroupObject {
    fn class(&self) -> &'static str {
        "Group"
    }

    fn identity(&self) -> Option<String> {
        Some(format!("group:{}", self.pk))
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        let names = ["pk", "group_uuid", "name", "is_superuser", "attributes"];
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.field(name)?))).collect()
    }

    fn to_json(&self) -> Json {
        Json::String(self.name.clone())
    }
}

/// The groups of a user; found when somebody asks.
#[derive(Clone)]
pub struct Groups {
    store: Store,
    user: i64,
    inherited: bool,
    filters: Vec<(String, Value)>,
}

impl Groups {
    /// The groups of a user; with `inherited` those above them, too.
    pub fn new(store: Store, user: i64, inherited: bool) -> Self {
        Self { store, user, inherited, filters: Vec::new() }
    }

    /// With more filters.
    pub fn filter(mut self, filters: Vec<(String, Value)>) -> Self {
        self.filters.extend(filters);
        self
    }

    /// Those that pass the filters, by name.
    ///
    /// # Errors
    /// The database did not answer, or a filter is not known.
    pub async fn find(&self) -> Result<Vec<GroupObject>, Failure> {
        let mut found = Vec::new();
        for group in GroupObject::of_user(&self.store, self.user, self.inherited).await.map_err(database_failed)? {
            let mut fits = true;
            for (name, wanted) in &self.filters {
                fits &= group.fits(name, wanted)?;
            }
            if fits {
                found.push(group);
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Object for Groups {
    fn class(&self) -> &'static str {
        "QuerySet"
    }

    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        let objects = |groups: Vec<GroupObject>| Value::List(groups.into_iter().map(Value::object).collect());
        Ok(match method {
            "all" => objects(self.find().await?),
            "filter" => Value::object(self.clone().filter(arguments.named)),
            "exists" => (!self.find().await?.is_empty()).into(),
            "count" => Value::Int(i64::try_from(self.find().await?.len()).unwrap_or(i64::MAX)),
            "first" => self.find().await?.into_iter().next().map(Value::object).unwrap_or_default(),
            "get" => {
                let mut found = self.clone().filter(arguments.named).find().await?.into_iter();
                match (found.next(), found.next()) {
                    (Some(group), None) => Value::object(group),
                    (None, _) => return Err(Failure::value("Group matching query does not exist.")),
                    _ => return Err(Failure::value("More than one group matches.")),
                }
            }
            "values_list" => {
                let name = arguments.text(0, "field")?;
                let one = |group: GroupObject| {
                    let value = group.field(name).ok_or_else(|| Failure::value(format!("Cannot resolve '{name}'")))?;
                    let flat = arguments.named("flat").is_some_and(Value::truthy);
                    Ok(if flat { value } else { Value::List(vec![value]) })
                };
                Value::List(self.find().await?.into_iter().map(one).collect::<Result<_, Failure>>()?)
            }
            other => return Err(Failure::attribute("QuerySet", other)),
        })
    }
}
