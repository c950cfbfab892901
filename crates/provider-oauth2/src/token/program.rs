//! Tokens that administrators' programs ask for: `ak_create_jwt`, `ak_create_jwt_raw`.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::Value;
use vestibule_directory::Users;
use vestibule_expression::Failure;
use vestibule_expression_host::{Circumstances, ProviderName, TokenMaker, database_failed};
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Authenticate, Registry};
use vestibule_store::{Configuration, Durability, Store};

use super::issue::access_claims;
use crate::claims::Telling;
use crate::client::Client;
use crate::grants::{Granted, NewToken, add_access};
use crate::provider::OAuth2Provider;

/// Makes tokens for programs.
///
/// The mappings of a scope, which run for such a token, find no maker: a mapping cannot ask for the token that it is
/// asked for.
pub struct ProgramTokens {
    api: Api,
}

impl ProgramTokens {
    /// Over a store; `http` is what mappings reach other servers through.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        authenticate: Arc<dyn Authenticate>,
        http: Arc<HttpClient>,
    ) -> Self {
        let extensions = Arc::new(Extensions::default().with(http));
        Self { api: Api { ctx: store.ctx().clone(), store, registry, authenticate, body_limit: 0, extensions } }
    }
}

/// The client that a program names.
fn client<'c>(configuration: &'c Configuration, provider: &ProviderName) -> Result<Client<'c>, Failure> {
    let number = match provider {
        ProviderName::Number(number) => Some(*number),
        ProviderName::Name(name) => {
            let mut all = configuration.all::<OAuth2Provider>().map(|(_, one)| &one.provider);
            all.find(|one| one.name == *name).map(|one| one.pk)
        }
    };
    let found = number.and_then(|number| Client::by_number(configuration, number));
    found.ok_or_else(|| Failure::value("there is no such provider, or it has no application"))
}

/// What a program is told of what went wrong inside: nothing that it should not know.
fn failed(error: ApiError) -> Failure {
    tracing::warn!(%error, "a token for a program could not be made");
    Failure::runtime("the token could not be made")
}

#[async_trait]
impl TokenMaker for ProgramTokens {
    async fn access_token(
        &self,
        provider: &ProviderName,
        user: i64,
        scope: Vec<String>,
        lasts: TimeDelta,
        circumstances: &Circumstances,
    ) -> Result<String, Failure> {
        let (store, ctx) = (&self.api.store, &self.api.ctx);
        let configuration = store.configuration();
        let client = client(&configuration, provider)?;
        let user = Users::new(store.clone(), ctx.clone()).by_pk(user).await.map_err(database_failed)?;
        let user = user.filter(|user| user.is_active);
        let user = user.ok_or_else(|| Failure::value("there is no such user, or they may not sign in"))?;
        let request = &circumstances.request;
        let telling = Telling { api: &self.api, client, user: &user, request, trial: false };
        let granted = Granted { auth_time: ctx.now().timestamp(), ..Granted::default() };
        let id_token = telling.id_token(&request.sent.origin, &granted, &scope, lasts).await.map_err(failed)?;
        let signer = client.signer().map_err(failed)?;
        let claims = access_claims(&client, ctx, &id_token, &scope, None);
        let key = signer.token("JWT", &claims).map_err(failed)?;
        let token = NewToken {
            key: &key,
            provider: client.pk(),
            user: user.pk,
            scope: &scope,
            expires: ctx.now() + lasts,
            id_token: &id_token,
            family: ctx.uuid_in_order(),
            granted: &granted,
        };
        let kept = async {
            let mut transaction = store.database().begin(Durability::Process).await?;
            add_access(store, &mut transaction, &token).await?;
            transaction.commit().await
        };
        kept.await.map_err(database_failed)?;
        Ok(key)
    }

    async fn raw_token(
        &self,
        provider: &ProviderName,
        mut claims: Object,
        lasts: TimeDelta,
    ) -> Result<String, Failure> {
        let configuration = self.api.store.configuration();
        let client = client(&configuration, provider)?;
        claims.insert("exp".into(), (self.api.ctx.now() + lasts).timestamp().into());
        claims.insert("aud".into(), client.provider.client_id.clone().into());
        client.signer().and_then(|signer| signer.token("JWT", &Value::Object(claims))).map_err(failed)
    }
}
