//! Links into a flow that is about one person from its beginning: `?flow_token=...`. Whoever follows one walks the flow
//! as the one whom it was made for, and no stage may make them another.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;
use vestibule_directory::resources::user::MakeRecoveryLink;
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::Call;
use vestibule_store::{Configuration, Durability, Store, StoreError, Transaction};

use crate::flow::Flow;
use crate::plan::{Pending, Plan};
use crate::state::FlowState;

/// The parameter that carries a token.
pub(crate) const PARAMETER: &str = "flow_token";

/// A token that is to be made.
pub struct FlowToken<'a> {
    /// The user whom the flow will be about.
    pub user: i64,
    /// The flow.
    pub flow: Uuid,
    /// Names it among tokens; the one of that name before is worthless.
    pub identifier: &'a str,
    /// How long it is good.
    pub duration: TimeDelta,
    /// Whether it is good for one visit alone: mail programs visit links by themselves.
    pub once: bool,
}

impl FlowToken<'_> {
    /// Makes it.
    ///
    /// # Errors
    /// The database.
    pub async fn make(&self, ctx: &Ctx, store: &Store, transaction: &mut Transaction) -> Result<MadeToken, StoreError> {
        let (pk, key) = (ctx.uuid(), ctx.token(60));
        let keys = store.keys();
        let hash = keys.lookup_hash(&key);
        let sealed = keys.seal(ctx, &place(pk), &key)?;
        transaction.execute("DELETE FROM tokens WHERE identifier = $1", vec![self.identifier.into()]).await?;
        let sql = "INSERT INTO tokens (pk, identifier, intent, user_id, description, description_folded, key_hash, \
                   key_sealed, expires, expiring) VALUES ($1, $2, 'verification', $3, '', '', $4, $5, $6, TRUE)";
        let expires = ctx.now() + self.duration;
        let params =
            vec![pk.into(), self.identifier.into(), self.user.into(), hash.into(), sealed.into(), expires.into()];
        transaction.execute(sql, params).await?;
        let sql = "INSERT INTO flow_tokens (token, flow, once) VALUES ($1, $2, $3)";
        transaction.execute(sql, vec![pk.into(), self.flow.into(), self.once.into()]).await?;
        Ok(MadeToken { pk, key, user: self.user, flow: self.flow, expires })
    }
}

/// Where the key of a token is sealed.
fn place(token: Uuid) -> String {
    format!("authentik_core.token/{token}/key")
}

/// A token that was made.
pub struct MadeToken {
    /// Names it among tokens.
    pub pk: Uuid,
    /// The secret.
    pub key: String,
    /// The user whom the flow is about.
    pub user: i64,
    /// The flow.
    pub flow: Uuid,
    /// Until when it is good.
    pub expires: DateTime<Utc>,
}

impl MadeToken {
    /// The token with this key, while it is good.
    ///
    /// # Errors
    /// The database, or a key that cannot be read.
    pub async fn find(store: &Store, now: DateTime<Utc>, pk: Uuid) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT tokens.user_id, tokens.key_sealed, tokens.expires, flow_tokens.flow FROM tokens \
                   JOIN flow_tokens ON flow_tokens.token = tokens.pk WHERE tokens.pk = $1 AND tokens.expires > $2";
        let Some(row) = store.database().query_one(sql, vec![pk.into(), now.into()]).await? else { return Ok(None) };
        let key = store.keys().open(&place(pk), &row.text("key_sealed")?)?;
        let (user, flow, expires) = (row.int("user_id")?, row.uuid("flow")?, row.time("expires")?);
        Ok(Some(Self { pk, key, user, flow, expires }))
    }

    /// Whoever follows the link goes on where this plan stands, instead of at the beginning. `activates`: so may somebody
    /// whose account is not active yet.
    ///
    /// # Errors
    /// The database.
    pub async fn keep_plan(
        &self,
        plan: &Plan,
        activates: bool,
        transaction: &mut Transaction,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(plan).unwrap_or_default();
        let sql = "UPDATE flow_tokens SET plan = $1, activates = $2 WHERE token = $3";
        transaction.execute(sql, vec![text.into(), activates.into(), self.pk.into()]).await?;
        Ok(())
    }

    /// The link into its flow; `None`: there is no such flow any more.
    pub fn link(&self, configuration: &Configuration, base: &str) -> Option<String> {
        let flow = configuration.get::<Flow>(self.flow)?;
        Some(format!("{base}/if/flow/{}/?{PARAMETER}={}", flow.slug, self.key))
    }
}

/// Whom a token lets into a flow, and where they go on; one that is good once is worthless from here on. Nobody who may
/// not sign in, unless that is what the link is for.
pub(crate) async fn take(
    state: &FlowState,
    key: &str,
    flow: Uuid,
) -> Result<Option<(Pending, Option<Plan>)>, StoreError> {
    let mut transaction = state.store().database().begin(Durability::Full).await?;
    let sql = "SELECT tokens.pk, flow_tokens.once, flow_tokens.plan, users.id FROM tokens \
               JOIN flow_tokens ON flow_tokens.token = tokens.pk JOIN users ON users.id = tokens.user_id \
               WHERE tokens.key_hash = $1 AND flow_tokens.flow = $2 AND tokens.expires > $3 \
               AND (users.is_active OR flow_tokens.activates)";
    let params = vec![state.store().keys().lookup_hash(key).into(), flow.into(), state.ctx().now().into()];
    let Some(row) = transaction.query_one(sql, params).await? else { return Ok(None) };
    if row.bool("once")? {
        let pk = row.uuid("pk")?;
        // Of two visits at once, one finds it.
        if transaction.execute("DELETE FROM tokens WHERE pk = $1", vec![pk.into()]).await? == 0 {
            return Ok(None);
        }
    }
    transaction.commit().await?;
    let user = state.users.by_pk(row.int("id")?).await?;
    let plan = row.optional_text("plan")?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(user.map(|user| (Pending::known(&user, &user.username, &state.store().configuration()), plan)))
}

/// Makes links into the recovery flow of a brand.
pub struct RecoveryLinkMaker {
    /// Where people reach the server; without it, where the request came to.
    pub base_url: Option<String>,
}

#[async_trait::async_trait]
impl MakeRecoveryLink for RecoveryLinkMaker {
    async fn link(&self, call: &Call, flow: Uuid, duration: TimeDelta, once: bool) -> Result<String, ApiError> {
        let Some(flow) = call.configuration.get::<Flow>(flow) else { return Err(ApiError::not_found()) };
        let uid = call.object.get("uid").and_then(Value::as_str).unwrap_or_default();
        let identifier = format!("{uid}-password-reset");
        let token = FlowToken { user: call.object_id(), flow: flow.pk, identifier: &identifier, duration, once };
        let mut change = call.api.store.change(call.principal.actor.clone()).await?;
        let made = token.make(&call.api.ctx, &call.api.store, change.transaction()).await?;
        let event =
            vestibule_events::Event::new("secret_view", "authentik.core.api.users", call.principal.actor.clone());
        let event = event.context(serde_json::json!({
            "message": "A recovery link was made.",
            "user": {"pk": call.object_id(), "username": call.object.get("username")},
        }));
        event.request(&call.principal.request).write(&call.api.ctx, change.transaction()).await?;
        change.commit().await?;
        let origin = call.api.authenticate.origin(&call.parts);
        let base = self.base_url.as_deref().unwrap_or(&origin);
        made.link(&call.configuration, base).ok_or_else(ApiError::not_found)
    }
}
