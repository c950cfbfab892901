//! An invitation that somebody brings: found while it is good, and used up.
//!
//! One for a single person is used up by the account that is made with it, in the same transaction: mail programs look
//! at links by themselves, and who closes the page may come back. Where no account is made it is used up right away.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::SessionUser;
use vestibule_events::Event;
use vestibule_flow::StageCx;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_store::{Durability, StoreError, Transaction};

/// Where the plan notes which invitation is still to be used up.
const HELD: &str = "goauthentik.io/stages/invitation/held";

/// An invitation that is good for the flow.
pub(super) struct Found {
    pk: Uuid,
    name: String,
    expires: Option<DateTime<Utc>>,
    flow: Option<Uuid>,
    created_by: Option<i64>,
    single_use: bool,
    /// What is known of whoever comes by it.
    pub fixed_data: Object,
}

impl Found {
    /// The invitation with this key. `None`: there is none, it has ended, or it is one for another flow.
    pub(super) async fn of(cx: &StageCx<'_>, key: Uuid) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT pk, name, expires, flow, created_by, single_use, fixed_data FROM invitations \
                   WHERE pk = $1 AND (expires IS NULL OR expires > $2) AND (flow IS NULL OR flow = $3)";
        let params = vec![key.into(), cx.state.ctx().now().into(), cx.flow.pk.into()];
        let Some(row) = cx.state.store().database().query_one(sql, params).await? else { return Ok(None) };
        Ok(Some(Self {
            pk: row.uuid("pk")?,
            name: row.text("name")?,
            expires: row.optional_time("expires")?,
            flow: row.optional_uuid("flow")?,
            created_by: row.optional_int("created_by")?,
            single_use: row.bool("single_use")?,
            fixed_data: row.json("fixed_data")?.as_object().cloned().unwrap_or_default(),
        }))
    }

    /// As policies and expressions see it in the plan.
    pub(super) fn shown(&self) -> Value {
        json!({
            "pk": self.pk, "name": self.name, "expires": self.expires, "flow": self.flow, "single_use": self.single_use,
            "created_by": self.created_by,
        })
    }

    /// Whether it lets in whoever brings it. `later`: one for a single person is used up with the account that they get.
    pub(super) async fn accept(&self, cx: &mut StageCx<'_>, later: bool) -> Result<bool, ApiError> {
        if self.single_use && later {
            cx.plan.context.insert(HELD.into(), self.pk.to_string().into());
            return Ok(true);
        }
        let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
        if self.single_use && !remove(cx, &mut transaction, self.pk).await? {
            return Ok(false);
        }
        tell(cx, &mut transaction, self.pk).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Takes a good invitation away; whether it was there. Of two who try at once one finds it.
async fn remove(cx: &StageCx<'_>, transaction: &mut Transaction, key: Uuid) -> Result<bool, StoreError> {
    let sql = "DELETE FROM invitations WHERE pk = $1 AND (expires IS NULL OR expires > $2)";
    Ok(transaction.execute(sql, vec![key.into(), cx.state.ctx().now().into()]).await? == 1)
}

/// The event.
async fn tell(cx: &StageCx<'_>, transaction: &mut Transaction, key: Uuid) -> Result<(), StoreError> {
    let actor = cx.session.user.as_ref().map_or(Actor::Anonymous, SessionUser::actor);
    let event = Event::new("invitation_used", "authentik.stages.invitation", actor);
    let event = event.context(json!({"invitation_uuid": key.simple().to_string()})).request(&cx.visit.request);
    event.write(cx.state.ctx(), transaction).await.map(drop)
}

/// Uses up the invitation by which the account came that this transaction makes. `false`: somebody else has used it, or
/// it has ended, and there must be no account.
pub(crate) async fn use_up(cx: &StageCx<'_>, transaction: &mut Transaction) -> Result<bool, StoreError> {
    let held = cx.plan.context.get(HELD).and_then(Value::as_str).and_then(|key| key.parse().ok());
    let Some(key) = held else { return Ok(true) };
    if !remove(cx, transaction, key).await? {
        return Ok(false);
    }
    tell(cx, transaction, key).await?;
    Ok(true)
}

/// The plan holds no invitation any more.
pub(crate) fn forget(cx: &mut StageCx<'_>) {
    cx.plan.context.shift_remove(HELD);
}
