//! What programs reach beyond the database: other servers, and whoever makes tokens.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use vestibule_expression::Failure;
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, Object as JsonObject};
use vestibule_resource::Api;

use crate::circumstances::Circumstances;

/// What programs reach beyond the database.
pub struct Outside {
    /// What `requests` goes through.
    pub http: Arc<HttpClient>,
    /// Who makes tokens for `ak_create_jwt`; `None`: nobody does.
    pub tokens: Option<Arc<dyn TokenMaker>>,
}

impl Outside {
    /// Other servers alone.
    pub fn of(http: Arc<HttpClient>) -> Self {
        Self { http, tokens: None }
    }

    /// What a server's start-up has named; where that named other servers alone, those.
    ///
    /// # Errors
    /// It named neither.
    pub fn of_api(api: &Api) -> Result<Arc<Self>, ApiError> {
        api.extension::<Self>().or_else(|_| Ok(Arc::new(Self::of(api.extension::<HttpClient>()?))))
    }
}

/// Which provider makes a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderName {
    /// The one of this name.
    Name(String),
    /// The one with this number.
    Number(i64),
}

/// Makes tokens as a provider of OAuth 2 does.
#[async_trait]
pub trait TokenMaker: Send + Sync {
    /// An access token for a user, which is kept: it can be revoked, and is looked up where it is used. A request has to
    /// be there, because the token names its issuer by it.
    ///
    /// # Errors
    /// No such provider, no such user or one who may not sign in, no key; the database.
    async fn access_token(
        &self,
        provider: &ProviderName,
        user: i64,
        scope: Vec<String>,
        lasts: TimeDelta,
        circumstances: &Circumstances,
    ) -> Result<String, Failure>;

    /// A token that says exactly this, besides for whom it is and when it ends. It is not kept.
    ///
    /// # Errors
    /// No such provider, no key.
    async fn raw_token(&self, provider: &ProviderName, claims: JsonObject, lasts: TimeDelta)
    -> Result<String, Failure>;
}
