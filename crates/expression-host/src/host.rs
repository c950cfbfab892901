//! The functions that ask the directory, or others. A family that knows more (policies, devices) wraps it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use vestibule_directory::Users;
use vestibule_expression::{Arguments, Failure, Host, HttpRequest, HttpResponse, Value};
use vestibule_http_client::HttpClient;
use vestibule_store::{Param, Store};

use crate::database_failed;
use crate::group::Groups;
use crate::user::UserObject;

/// The server, as far as the directory is it.
pub struct DirectoryHost {
    store: Store,
    client: Option<Arc<HttpClient>>,
}

impl DirectoryHost {
    /// Over a store; `client` is what `requests` goes through, `None` where programs may not ask others.
    pub fn new(store: Store, client: Option<Arc<HttpClient>>) -> Self {
        Self { store, client }
    }

    /// A user by key.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn user(&self, pk: i64) -> Result<Option<UserObject>, Failure> {
        let users = Users::new(self.store.clone(), self.store.ctx().clone());
        let row = users.by_pk(pk).await.map_err(database_failed)?;
        Ok(row.map(|row| UserObject::new(self.store.clone(), row)))
    }

    /// `ak_user_by(username="jdoe")`: the first user that fits all; nobody for fields that are not known.
    async fn user_by(&self, filters: &[(String, Value)]) -> Result<Value, Failure> {
        let (mut conditions, mut params): (Vec<String>, Vec<Param>) = (Vec::new(), Vec::new());
        for (name, wanted) in filters {
            let (column, folded) = match name.as_str() {
                "pk" | "id" => ("id", false),
                "uuid" | "uid" | "username" | "email" | "name" => (name.as_str(), false),
                "username__iexact" => ("username_folded", true),
                "email__iexact" => ("email_folded", true),
                "name__iexact" => ("name_folded", true),
                _ => return Ok(Value::None),
            };
            let param: Param = match (column, wanted) {
                ("id", Value::Int(pk)) => (*pk).into(),
                ("uuid", Value::Str(text)) => match text.parse::<uuid::Uuid>() {
                    Ok(uuid) => uuid.into(),
                    Err(_) => return Ok(Value::None),
                },
                ("id" | "uuid", _) => return Ok(Value::None),
                (_, Value::Str(text)) if folded => vestibule_kernel::fold::fold(text).into(),
                (_, Value::Str(text)) => text.clone().into(),
                _ => return Ok(Value::None),
            };
            params.push(param);
            conditions.push(format!("{column} = ${}", params.len()));
        }
        if conditions.is_empty() {
            return Err(Failure::kind("ak_user_by needs a field to look for"));
        }
        let sql = format!("SELECT id FROM users WHERE {} ORDER BY id LIMIT 1", conditions.join(" AND "));
        let row = self.store.database().query_one(sql, params).await.map_err(database_failed)?;
        let Some(row) = row else { return Ok(Value::None) };
        let pk = row.int("id").map_err(database_failed)?;
        Ok(self.user(pk).await?.map(Value::object).unwrap_or_default())
    }

    /// Addresses of a name; none if it has none.
    async fn resolve(&self, arguments: &Arguments) -> Result<Value, Failure> {
        let name = arguments.text(0, "host")?;
        let version = match arguments.get(1, "ip_version") {
            Some(Value::Int(version)) => Some(*version),
            _ => None,
        };
        let found = tokio::net::lookup_host((name, 0)).await;
        let mut addresses: Vec<String> = found
            .into_iter()
            .flatten()
            .filter(|address| version.is_none_or(|version| address.is_ipv4() == (version == 4)))
            .map(|address| address.ip().to_string())
            .collect();
        addresses.sort();
        addresses.dedup();
        Ok(addresses.into())
    }
}

#[async_trait]
impl Host for DirectoryHost {
    fn now(&self) -> DateTime<Utc> {
        self.store.ctx().now()
    }

    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(16) {
            let random = self.store.ctx().bytes::<16>();
            for (byte, random) in chunk.iter_mut().zip(random) {
                *byte = random;
            }
        }
    }

    async fn call(&self, function: &str, arguments: Arguments) -> Result<Value, Failure> {
        match function {
            "ak_user_by" => self.user_by(&arguments.named).await,
            "ak_is_group_member" => {
                let Some(Value::Object(user)) = arguments.get(0, "user") else { return Ok(false.into()) };
                let pk = user.attributes().into_iter().find(|(name, _)| name == "pk");
                let Some((_, Value::Int(pk))) = pk else { return Ok(false.into()) };
                let filters = arguments.named.into_iter().filter(|(name, _)| name != "user").collect();
                let found = Groups::new(self.store.clone(), pk, true).filter(filters).find().await?;
                Ok((!found.is_empty()).into())
            }
            "resolve_dns" => self.resolve(&arguments).await,
            other => Err(Failure { kind: "NotImplementedError", message: format!("{other} is not available here") }),
        }
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let client = self.client.as_ref().ok_or_else(|| Failure::runtime("requests is not available here"))?;
        let HttpRequest { method, url, headers, body } = request;
        let exchange = client.exchange(&method, &url, &headers, body).await;
        let (status, headers, body) = exchange.map_err(|error| Failure::runtime(error.to_string()))?;
        Ok(HttpResponse { status, headers, body })
    }

    fn log(&self, level: &str, message: &str) {
        match level {
            "error" | "critical" | "exception" => tracing::error!(message, "an expression says"),
            "warning" | "warn" => tracing::warn!(message, "an expression says"),
            "debug" => tracing::debug!(message, "an expression says"),
            _ => tracing::info!(message, "an expression says"),
        }
    }
}
