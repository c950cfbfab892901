//! The end of a flow that somebody from a source has walked: their account is connected, and is in the source's groups.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use vestibule_events::Event;
use vestibule_flow::{Answer, BuiltIn, Enter, FlowState, Outcome, Stage, StageCx};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{Actor, ApiError, FieldErrors, Object};
use vestibule_resource::FieldValue as _;
use vestibule_store::{Durability, Transaction};

use super::{APP, Arriving};
use crate::connections::{self, Connection, Kept};
use crate::groups;
use crate::source::{GroupMatchingMode, SourceBase, base_of};

/// Names the stage in plans.
pub(super) const CONNECT: Uuid = uuid!("6c8f2a0e-2f38-4b6e-9b1d-0a4f7d1c9e11");
/// Where the plan keeps what is to be connected.
pub(super) const SLOT: &str = "goauthentik.io/sources/connection";
/// The source is gone, or nobody has proved to be anybody.
const NOBODY: &str = "Unknown error";
/// Somebody else is connected by the same key.
const TAKEN: &str = "This account is connected to somebody else.";
/// A group of theirs cannot be had.
const GROUPS: &str = "Failed to update groups. Please try again later.";

/// As the executor knows it.
pub(crate) const BUILT_IN: BuiltIn =
    BuiltIn { pk: CONNECT, component: "ak-stage-source-connect", page: None, stage: &Connect, sample: || Value::Null };

/// What is to be connected: kept in the plan, its token sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connecting {
    kind: String,
    source: Uuid,
    identifier: String,
    token: Option<String>,
    expires: DateTime<Utc>,
    group_matching_mode: String,
    groups: Object,
}

/// What the token is sealed for, while it is nobody's.
fn place(source: Uuid) -> String {
    format!("plan/sources/{source}")
}

impl Connecting {
    /// What becomes of somebody who arrives.
    pub(super) fn seal(state: &FlowState, arriving: &Arriving<'_>, groups: Object) -> Result<Self, ApiError> {
        let seal = |token: &str| state.store().keys().seal(state.ctx(), &place(arriving.pk), token);
        let token = arriving.access_token.map(seal).transpose();
        Ok(Self {
            kind: arriving.kind.to_owned(),
            source: arriving.pk,
            identifier: arriving.identifier.clone(),
            token: token.map_err(|error| ApiError::internal(error.to_string()))?,
            expires: arriving.expires,
            group_matching_mode: arriving.group_matching_mode.as_str().to_owned(),
            groups,
        })
    }

    /// The connection of this user.
    pub(super) fn connection(&self, user: i64) -> Connection<'_> {
        let Self { source, identifier, token, expires, .. } = self;
        let token = token.as_deref().map(|sealed| (place(*source), sealed));
        Connection { user, source: *source, identifier, token, expires: *expires }
    }

    fn of(cx: &StageCx<'_>) -> Option<Self> {
        serde_json::from_value(cx.plan.context.get(SLOT)?.clone()).ok()
    }
}

/// The event that tells of a new connection.
pub(super) fn linked(kind: &str, pk: Uuid, source: &SourceBase, actor: Actor) -> Event {
    let (app, model) = kind.split_once('.').unwrap_or_default();
    let shown = json!({"pk": pk.simple().to_string(), "app": app, "name": source.name, "model_name": model});
    Event::new("source_linked", APP, actor).context(json!({"message": "Linked Source", "source": shown}))
}

/// Connects an account that was made a moment ago, in the transaction that makes it: a crash leaves both or neither.
///
/// # Errors
/// Somebody else is connected by the same key by now.
pub(crate) async fn account_made(cx: &StageCx<'_>, transaction: &mut Transaction, user: i64) -> Result<(), ApiError> {
    let Some(connecting) = Connecting::of(cx) else { return Ok(()) };
    match connections::keep(cx.state.store(), transaction, &connecting.connection(user), false).await? {
        Kept::Taken | Kept::Other => Err(FieldErrors::one(NON_FIELD, TAKEN).into()),
        Kept::Known => Ok(()),
        Kept::New => tell(cx, transaction, &connecting, user).await,
    }
}

async fn tell(
    cx: &StageCx<'_>,
    transaction: &mut Transaction,
    connecting: &Connecting,
    user: i64,
) -> Result<(), ApiError> {
    let Some(source) = base_of(cx.configuration, connecting.source) else { return Ok(()) };
    let row = transaction.query_one("SELECT username, email FROM users WHERE id = $1", vec![user.into()]).await?;
    let Some(row) = row else { return Ok(()) };
    let actor = Actor::User { pk: user, username: row.text("username")?, email: row.text("email")? };
    let event = linked(&connecting.kind, connecting.source, source, actor);
    event.request(&cx.visit.request).write(cx.state.ctx(), transaction).await?;
    Ok(())
}

struct Connect;

#[async_trait]
impl Stage for Connect {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let (Some(connecting), Some(user)) = (Connecting::of(cx), proven(cx)) else {
            return Ok(Enter::Deny(NOBODY.into()));
        };
        let Some(source) = base_of(cx.configuration, connecting.source).filter(|source| source.enabled) else {
            return Ok(Enter::Deny(NOBODY.into()));
        };
        let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
        match connections::keep(cx.state.store(), &mut transaction, &connecting.connection(user), true).await? {
            Kept::Taken | Kept::Other => return Ok(Enter::Deny(TAKEN.into())),
            Kept::New => tell(cx, &mut transaction, &connecting, user).await?,
            Kept::Known => {}
        }
        transaction.commit().await?;
        let mode = GroupMatchingMode::read(&connecting.group_matching_mode.as_str().into())
            .unwrap_or(GroupMatchingMode::NameDeny);
        let told = groups::Told { source: connecting.source, slug: &source.slug, mode, groups: &connecting.groups };
        if !groups::keep(cx, &told, user).await? {
            return Ok(Enter::Deny(GROUPS.into()));
        }
        cx.plan.context.shift_remove(SLOT);
        Ok(Enter::Pass)
    }

    async fn respond(&self, _: &mut StageCx<'_>, _: &Answer) -> Result<Outcome, ApiError> {
        // It asks nothing: whatever is sent to it is a visit.
        Ok(Outcome::Again)
    }
}

/// The user whose account it is, if they have shown that it is theirs: a name that was typed connects nobody.
fn proven(cx: &StageCx<'_>) -> Option<i64> {
    let user = cx.user()?;
    let is_signed_in = cx.session.user.as_ref().is_some_and(|signed_in| signed_in.pk == user);
    (is_signed_in || cx.plan.authenticated.is_some()).then_some(user)
}
