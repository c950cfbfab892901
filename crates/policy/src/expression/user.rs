//! Who it is about, as an expression sees them: a user of whom the database is asked when the program asks.

use async_trait::async_trait;
use tokio::sync::OnceCell;
use vestibule_directory::Users;
use vestibule_expression::{Arguments, Failure, Object, Value};
use vestibule_expression_host::{UserObject, database_failed};
use vestibule_store::Store;

/// What somebody has who has proved who they are.
pub(super) const BACKEND: &str = "backend";

/// A user by their key.
pub(super) struct LazyUser {
    store: Store,
    pk: i64,
    /// How they have proved who they are, if they have.
    method: Option<String>,
    found: OnceCell<UserObject>,
}

impl LazyUser {
    pub(super) fn new(store: Store, pk: i64, method: Option<&str>) -> Self {
        Self { store, pk, method: method.map(str::to_owned), found: OnceCell::new() }
    }

    async fn found(&self) -> Result<&UserObject, Failure> {
        let load = async || {
            let users = Users::new(self.store.clone(), self.store.ctx().clone());
            let row = users.by_pk(self.pk).await.map_err(database_failed)?;
            let row = row.ok_or_else(|| Failure::runtime("the user is gone"))?;
            Ok(UserObject::new(self.store.clone(), row))
        };
        self.found.get_or_try_init(load).await
    }
}

#[async_trait]
impl Object for LazyUser {
    fn class(&self) -> &'static str {
        "User"
    }

    fn identity(&self) -> Option<String> {
        Some(format!("user:{}", self.pk))
    }

    fn attributes(&self) -> Vec<(String, Value)> {
        let mut attributes = vec![("pk".into(), Value::Int(self.pk)), ("id".into(), Value::Int(self.pk))];
        attributes.extend(self.method.iter().map(|method| (BACKEND.into(), method.as_str().into())));
        attributes
    }

    async fn attribute(&self, name: &str) -> Result<Option<Value>, Failure> {
        if name == BACKEND {
            return Ok(None);
        }
        let found = self.found().await?;
        match found.attributes().into_iter().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(Some(value)),
            None => found.attribute(name).await,
        }
    }

    async fn call(&self, method: &str, arguments: Arguments) -> Result<Value, Failure> {
        self.found().await?.call(method, arguments).await
    }

    fn to_json(&self) -> serde_json::Value {
        self.pk.into()
    }
}
