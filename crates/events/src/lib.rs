//! Events: who did what, from where, and when. Written in the transaction of what they tell about.

mod cleanse;
mod facts;
mod program;
mod request;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{Actor, Ctx};
use vestibule_store::{StoreError, Transaction};
use vestibule_tasks::NewTask;

pub use cleanse::{HIDDEN, cleanse, is_secret_name};
pub use facts::{Facts, quarter_begin, quarter_day};
pub use program::{DISPATCH, Program};
pub use request::{Request, Sent, no_brand};

/// An event to be written. `context` never holds a secret.
pub struct Event {
    /// What happened: `login`, `login_failed`, `model_created`, ...
    pub action: Cow<'static, str>,
    /// The part of the server it happened in.
    pub app: Cow<'static, str>,
    /// Who did it.
    pub actor: Actor,
    /// Details, depending on the action.
    pub context: Value,
    /// Where the request came from.
    pub client_ip: Option<String>,
    /// The brand of the host that was asked.
    pub brand: Value,
    /// Who really acts, while they impersonate the actor.
    pub impersonator: Option<Value>,
    /// Whether rules are asked who is to be told of it.
    pub told: bool,
}

impl Event {
    /// An event without details.
    pub fn new(action: impl Into<Cow<'static, str>>, app: impl Into<Cow<'static, str>>, actor: Actor) -> Self {
        let (context, brand) = (json!({}), no_brand());
        Self {
            action: action.into(),
            app: app.into(),
            actor,
            context,
            client_ip: None,
            brand,
            impersonator: None,
            told: true,
        }
    }

    /// No rule is asked about it: what tells that telling failed would go round for ever.
    pub fn untold(self) -> Self {
        Self { told: false, ..self }
    }

    /// With details.
    pub fn context(self, context: Value) -> Self {
        Self { context, ..self }
    }

    /// With the address of the client.
    pub fn client_ip(self, address: impl std::fmt::Display) -> Self {
        Self { client_ip: Some(address.to_string()), ..self }
    }

    /// With what is known of the request that caused it: address and where it is, brand, path, browser. After the
    /// details.
    pub fn request(mut self, request: &Request) -> Self {
        let known = [("http_request", &request.http), ("geo", &request.geo), ("asn", &request.asn)];
        if let Some(context) = self.context.as_object_mut() {
            let known = known.into_iter().filter(|(_, value)| !value.is_null());
            context.extend(known.map(|(name, value)| (name.to_owned(), value.clone())));
        }
        Self {
            client_ip: request.client_ip.clone().or(self.client_ip),
            brand: request.brand.clone(),
            impersonator: request.impersonator.clone(),
            ..self
        }
    }

    /// The user as the event shows them.
    fn user(&self) -> Value {
        let acting = match &self.actor {
            Actor::Anonymous => json!({"username": "AnonymousUser", "email": "", "is_anonymous": true}),
            actor => actor.to_json(),
        };
        match &self.impersonator {
            Some(Value::Object(original)) if original.get("pk") != acting.get("pk") => {
                let mut user = original.clone();
                user.insert("on_behalf_of".into(), acting);
                Value::Object(user)
            }
            _ => acting,
        }
    }

    /// Writes it: one statement, and another where rules wait for events.
    pub fn write<'a>(self, ctx: &'a Ctx, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<Uuid, StoreError>> {
        Box::pin(self.insert(ctx, transaction))
    }

    async fn insert(self, ctx: &Ctx, transaction: &mut Transaction) -> Result<Uuid, StoreError> {
        let program = transaction.configuration().index::<Program>();
        let now: DateTime<Utc> = ctx.now();
        let pk = ctx.uuid_in_order();
        let user = self.user();
        let facts = Facts::of(&user, &self.context, &self.brand);
        let sql = transaction.speak(
            "INSERT {or fail}INTO events (pk, created, expires, action, app, user_id, user_json, context, client_ip, brand, \
             username, context_username, model_app, model_name, model_pk, authorized_app, device, brand_name, quarter_day) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        );
        let params = vec![
            pk.into(),
            now.into(),
            program.expiry(now).into(),
            self.action.as_ref().into(),
            self.app.as_ref().into(),
            user.get("pk").and_then(Value::as_i64).into(),
            user.into(),
            self.context.into(),
            self.client_ip.into(),
            self.brand.into(),
            facts.username.into(),
            facts.context_username.into(),
            facts.model_app.into(),
            facts.model_name.into(),
            facts.model_pk.into(),
            facts.authorized_app.into(),
            facts.device.into(),
            facts.brand_name.into(),
            quarter_day(now).into(),
        ];
        transaction.add(sql, params).await?;
        tracing::info!(action = %self.action, app = %self.app, event = %pk, "event");
        if self.told && program.is_awaited(&self.action) {
            NewTask::new(DISPATCH, json!({"event": pk})).enqueue(ctx, transaction).await?;
        }
        Ok(pk)
    }
}
