//! Events: who did what, from where, and when. Written in the transaction of what they tell about.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{Actor, Ctx};
use vestibule_store::{StoreError, Transaction};

/// How long an event is kept unless a setting says otherwise.
const RETENTION: TimeDelta = TimeDelta::days(365);

/// An event to be written. `context` never holds a secret.
pub struct Event {
    /// What happened: `login`, `login_failed`, `model_created`, ...
    pub action: &'static str,
    /// The part of the server it happened in.
    pub app: &'static str,
    /// Who did it.
    pub actor: Actor,
    /// Details, depending on the action.
    pub context: Value,
    /// Where the request came from.
    pub client_ip: Option<String>,
    /// The brand of the host that was asked.
    pub brand: Value,
}

impl Event {
    /// An event without details.
    pub fn new(action: &'static str, app: &'static str, actor: Actor) -> Self {
        Self { action, app, actor, context: json!({}), client_ip: None, brand: json!({}) }
    }

    /// With details.
    pub fn context(self, context: Value) -> Self {
        Self { context, ..self }
    }

    /// With the address of the client.
    pub fn client_ip(self, address: impl std::fmt::Display) -> Self {
        Self { client_ip: Some(address.to_string()), ..self }
    }

    /// Writes it: one statement.
    pub async fn write(self, ctx: &Ctx, transaction: &mut Transaction) -> Result<Uuid, StoreError> {
        let now: DateTime<Utc> = ctx.now();
        let pk = ctx.uuid();
        let user = match &self.actor {
            Actor::User { pk, .. } => Some(*pk),
            Actor::System | Actor::Anonymous => None,
        };
        let sql = "INSERT INTO events (pk, created, expires, action, app, user_id, user_json, context, client_ip, brand) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let params = vec![
            pk.into(),
            now.into(),
            (now + RETENTION).into(),
            self.action.into(),
            self.app.into(),
            user.into(),
            self.actor.to_json().into(),
            self.context.into(),
            self.client_ip.into(),
            self.brand.into(),
        ];
        transaction.execute(sql, params).await?;
        Ok(pk)
    }
}
