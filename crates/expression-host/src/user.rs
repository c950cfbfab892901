//! A user, as expressions see them.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use vestibule_directory::UserRow;
use vestibule_expression::{Arguments, Failure, Object, Value};
use vestibule_kernel::Object as JsonObject;
use vestibule_store::Store;

use crate::circumstances::Circumstances;
use crate::group::{GroupObject, Groups};
use crate::{database_failed, entitlement, save};

/// A user.
pub struct UserObject {
    store: Store,
    row: UserRow,
    more: Vec<(String, Value)>,
    circumstances: Arc<Circumstances>,
}

impl UserObject {
    /// The user of a row. What a program saves of them is nobody's doing, unless [`UserObject::under`] says whose.
    pub fn new(store: Store, row: UserRow) -> Self {
        Self { store, row, circumstances: Arc::default(), more: Vec::new() }
    }

    /// With an attribute that the row does not have: what is known of them where they are asked about.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.push((name.to_owned(), value));
        self
    }

    /// With the circumstances in which a program saves them.
    pub fn under(self, circumstances: Arc<Circumstances>) -> Self {
        Self { circumstances, ..self }
    }

    /// The row.
    pub fn row(&self) -> &UserRow {
        &self.row
    }

    /// Attributes of their groups, by name, and of themselves, the later over the earlier; dictionaries are merged.
    async fn group_attributes(&self) -> Result<JsonObject, Failure> {
        let mut merged = JsonObject::new();
        for group in GroupObject::of_user(&self.store, self.row.pk, true).await.map_err(database_failed)? {
            if let Json::Object(attributes) = group.attributes {
                merge(&mut merged, attributes);
            }
        }
        merge(&mut merged, self.row.attributes.clone());
        Ok(merged)
    }
}

pub(crate) fn merge(into: &mut JsonObject, from: JsonObject) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Json::Object(inner)), Json::Object(value)) => merge(inner, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

#[async_trait]
impl Object for UserObject {
    fn class(&self) -> &'static str {
        "User"
    }

    fn identity(&self) -> Option<String> {
        Some(format!("user:{}", self.row.pk))
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        let row = &self.row;
        let mut attributes = vec![
            ("pk".into(), Value::Int(row.pk)),
            ("id".into(), Value::Int(row.pk)),
            ("uuid".into(), row.uuid.to_string().into()),
            ("uid".into(), row.uid.as_str().into()),
            ("username".into(), row.username.as_str().into()),
            ("name".into(), row.name.as_str().into()),
            ("email".into(), row.email.as_str().into()),
            ("is_active".into(), row.is_active.into()),
            ("is_authenticated".into(), true.into()),
            ("is_anonymous".into(), false.into()),
            ("type".into(), row.user_type.as_str().into()),
            ("path".into(), row.path.as_str().into()),
            ("attributes".into(), Json::Object(row.attributes.clone()).into()),
        ];
        attributes.extend(self.more.clone());
        attributes
    }

    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok(match name {
            "groups" | "ak_groups" => Some(Value::object(Groups::new(self.store.clone(), self.row.pk, false))),
            "is_superuser" => {
                let groups = GroupObject::of_user(&self.store, self.row.pk, true).await.map_err(database_failed)?;
                Some(groups.iter().any(|group| group.is_superuser).into())
            }
            "last_login" | "date_joined" | "password_change_date" | "last_updated" => {
                let sql = "SELECT last_login, date_joined, password_change_date, last_updated FROM users WHERE id = $1";
                let row = self.store.database().query_one(sql, vec![self.row.pk.into()]).await;
                let moment = row.and_then(|row| row.map_or(Ok(None), |row| row.optional_time(name)));
                Some(moment.map_err(database_failed)?.map_or(Value::None, Value::DateTime))
            }
            _ => None,
        })
    }

    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        match method {
            "all_groups" => Ok(Value::object(Groups::new(self.store.clone(), self.row.pk, true))),
            "group_attributes" => Ok(Json::Object(self.group_attributes().await?).into()),
            "has_usable_password" => {
                Ok(self.row.password.as_deref().is_some_and(|hash| !hash.is_empty() && !hash.starts_with('!')).into())
            }
            "app_entitlements" => {
                let found = entitlement::of_user(&self.store, self.row.pk, arguments.get(0, "app")).await?;
                let object = |entitlement: &JsonObject| Value::object(entitlement::object(entitlement));
                Ok(Value::List(found.iter().map(object).collect()))
            }
            "app_entitlements_attributes" => {
                let mut merged = JsonObject::new();
                for entitlement in entitlement::of_user(&self.store, self.row.pk, arguments.get(0, "app")).await? {
                    if let Some(Json::Object(attributes)) = entitlement.get("attributes") {
                        merge(&mut merged, attributes.clone());
                    }
                }
                Ok(Json::Object(merged).into())
            }
            "get_full_name" => Ok(self.row.name.as_str().into()),
            "get_username" => Ok(self.row.username.as_str().into()),
            other => Err(Failure::attribute("User", other)),
        }
    }

    async fn save(&self, attributes: Vec<(String, Value)>) -> Result<Value, Failure> {
        save::save(&self.store, &self.circumstances, &self.row, self.attributes(), attributes).await
    }

    fn to_json(&self) -> Json {
        Json::String(self.row.username.clone())
    }
}
