//! The functions that ask the directory, or others. A family that knows more (policies, devices) wraps it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use vestibule_devices::{KINDS, kind_of_class, of_user};
use vestibule_directory::Users;
use vestibule_expression::{Arguments, Failure, Host, HttpRequest, HttpResponse, Value};
use vestibule_store::Store;

use crate::circumstances::Circumstances;
use crate::documents::{DocumentModelObject, EMAIL_STAGE, OAUTH2_PROVIDER};
use crate::group::Groups;
use crate::model::{Found, GROUPS, Model, ModelObject, USERS};
use crate::outside::{Outside, TokenMaker};
use crate::user::UserObject;
use crate::{database_failed, event, jwt, send_email};

/// The server, as far as the directory is it.
pub struct DirectoryHost {
    store: Store,
    outside: Option<Arc<Outside>>,
    circumstances: Arc<Circumstances>,
    /// How many mails it has sent.
    mails: AtomicUsize,
}

impl DirectoryHost {
    /// Over a store; `outside` is `None` where programs may not reach beyond it.
    pub fn new(store: Store, outside: Option<Arc<Outside>>) -> Self {
        Self { store, outside, circumstances: Arc::default(), mails: AtomicUsize::new(0) }
    }

    /// For whom the program runs, and where: for what it writes.
    pub fn under(self, circumstances: impl Into<Arc<Circumstances>>) -> Self {
        Self { circumstances: circumstances.into(), ..self }
    }

    /// A user by key.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn user(&self, pk: i64) -> Result<Option<UserObject>, Failure> {
        let users = Users::new(self.store.clone(), self.store.ctx().clone());
        let row = users.by_pk(pk).await.map_err(database_failed)?;
        Ok(row.map(|row| UserObject::new(self.store.clone(), row).under(self.circumstances.clone())))
    }

    /// `ak_user_by(username="jdoe")`: the first user that fits all; nobody for fields that are not known.
    async fn user_by(&self, filters: &[(String, Value)]) -> Result<Value, Failure> {
        if filters.is_empty() {
            return Err(Failure::kind("ak_user_by needs a field to look for"));
        }
        match self.all(&USERS).filter(filters)? {
            Some(found) => Ok(found.take(1).await?.into_iter().next().unwrap_or_default()),
            None => Ok(Value::None),
        }
    }

    fn all(&self, model: &'static Model) -> Found {
        Found::all(self.store.clone(), self.circumstances.clone(), model)
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

    /// Whether a user has a device, of this class if one is named.
    async fn has_authenticator(&self, user: i64, class: Option<&Value>) -> Result<Value, Failure> {
        let kinds: Vec<_> = match class {
            Some(Value::Str(class)) if !class.is_empty() => kind_of_class(class).into_iter().collect(),
            _ => KINDS.to_vec(),
        };
        let devices = of_user(self.store.database(), &kinds, user).await;
        devices.map(|devices| (!devices.is_empty()).into()).map_err(|error| Failure::runtime(error.to_string()))
    }

    /// Whoever makes tokens.
    fn tokens(&self, function: &str) -> Result<&dyn TokenMaker, Failure> {
        let tokens = self.outside.as_ref().and_then(|outside| outside.tokens.as_deref());
        tokens.ok_or_else(|| not_here(function))
    }

    /// The name of an address; the text as it was given if it has none.
    async fn reverse(&self, arguments: &Arguments) -> Result<Value, Failure> {
        let given = arguments.text(0, "ip_addr")?;
        let outside = self.outside.as_ref().ok_or_else(|| Failure::runtime("reverse_dns is not available here"))?;
        let Ok(address) = given.trim().parse() else { return Ok(given.into()) };
        let name = outside.http.name_of(address, self.now()).await;
        Ok(name.map_or_else(|| given.into(), Value::from))
    }
}

fn not_here(function: &str) -> Failure {
    Failure { kind: "NotImplementedError", message: format!("{function} is not available here") }
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
            "ak_user_has_authenticator" => match arguments.get(0, "user") {
                Some(Value::Object(user)) if user.class() == "User" => {
                    let pk = user.attributes().into_iter().find(|(name, _)| name == "pk");
                    let Some((_, Value::Int(pk))) = pk else { return Ok(false.into()) };
                    self.has_authenticator(pk, arguments.get(1, "device_type")).await
                }
                _ => Err(Failure::kind("ak_user_has_authenticator needs a user")),
            },
            "ak_create_event" => event::create(&self.store, &self.circumstances, arguments).await,
            "ak_create_jwt" => jwt::create(self.tokens(function)?, &self.circumstances, &arguments).await,
            "ak_create_jwt_raw" => jwt::create_raw(self.tokens(function)?, &self.circumstances, &arguments).await,
            "ak_send_email" => send_email::send(&self.store, &self.circumstances, &self.mails, &arguments).await,
            "resolve_dns" => self.resolve(&arguments).await,
            "reverse_dns" => self.reverse(&arguments).await,
            other => Err(not_here(other)),
        }
    }

    async fn import(&self, module: &str, name: &str) -> Result<Option<Value>, Failure> {
        let documents = match (module, name) {
            ("authentik.stages.email.models", "EmailStage") => Some(&EMAIL_STAGE),
            ("authentik.providers.oauth2.models", "OAuth2Provider") => Some(&OAUTH2_PROVIDER),
            _ => None,
        };
        if let Some(model) = documents {
            return Ok(Some(Value::object(DocumentModelObject(self.store.clone(), model))));
        }
        let model = match (module, name) {
            ("authentik.core.models", "User") => &USERS,
            ("authentik.core.models", "Group") => &GROUPS,
            _ => return Ok(None),
        };
        Ok(Some(Value::object(ModelObject(self.all(model)))))
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let outside = self.outside.as_ref().ok_or_else(|| Failure::runtime("requests is not available here"))?;
        let HttpRequest { method, url, headers, body } = request;
        let exchange = outside.http.exchange(&method, &url, &headers, body).await;
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
