//! What stages share by which somebody sets up a second factor.

use serde_json::Value;
use uuid::Uuid;
use vestibule_flow::{Plan, StageBase, StageCx};
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, ApiError, Object};
use vestibule_resource::Fields;
use vestibule_store::StoreError;

/// The fields that every such stage begins with.
#[derive(Clone, Debug, Fields)]
pub struct SetupBase {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// The flow by which somebody who is signed in sets one up.
    #[field(references = "authentik_flows.flow")]
    pub configure_flow: Option<Uuid>,
    /// What people call it.
    #[field(blank, default = "")]
    pub friendly_name: String,
}

/// Who sets up a device.
pub(crate) enum Owner {
    /// A user.
    User(i64),
    /// Somebody whom nobody knows, which the pages must not tell: they see what others see, and nothing is kept.
    Pretended,
    /// Nobody at all.
    Nobody,
}

impl Owner {
    /// Whom this flow is about.
    pub(crate) fn of(cx: &StageCx<'_>) -> Self {
        match (cx.user(), &cx.plan.pending) {
            (Some(user), _) => Self::User(user),
            (None, Some(_)) => Self::Pretended,
            (None, None) => Self::Nobody,
        }
    }

    /// The user's key.
    pub(crate) fn user(&self) -> Option<i64> {
        match self {
            Self::User(user) => Some(*user),
            Self::Pretended | Self::Nobody => None,
        }
    }
}

/// Who sets up a device, as events name them.
pub(crate) async fn actor(cx: &StageCx<'_>, user: i64) -> Result<Actor, ApiError> {
    Ok(match cx.state.users.by_pk(user).await? {
        Some(user) => Actor::User { pk: user.pk, username: user.username, email: user.email },
        None => Actor::Anonymous,
    })
}

fn place(plan: &Plan, user: Option<i64>, name: &str) -> String {
    format!("plan/{}/{name}/{}", plan.flow, user.unwrap_or_default())
}

/// Notes a secret in the plan, sealed, for this flow and this user alone.
pub(crate) fn note(cx: &mut StageCx<'_>, name: &str, value: &Value) -> Result<(), ApiError> {
    let place = place(cx.plan, cx.user(), name);
    let sealed = cx.state.store().keys().seal(cx.state.ctx(), &place, &value.to_string()).map_err(StoreError::from)?;
    cx.plan.context.insert(name.into(), sealed.into());
    // There is one in a moment.
    cx.plan.without_device = None;
    Ok(())
}

/// What was noted; `None`: nothing, or for somebody else.
pub(crate) fn noted(cx: &StageCx<'_>, name: &str) -> Option<Value> {
    noted_in(cx.state.store().keys(), cx.plan, cx.user(), name)
}

/// The same of a plan outside of its walk.
pub(crate) fn noted_in(keys: &Keys, plan: &Plan, user: Option<i64>, name: &str) -> Option<Value> {
    let sealed = plan.context.get(name)?.as_str()?;
    let plain = keys.open(&place(plan, user, name), sealed).ok()?;
    serde_json::from_str(&plain).ok()
}

/// Forgets what was noted.
pub(crate) fn forget(cx: &mut StageCx<'_>, name: &str) {
    cx.plan.context.shift_remove(name);
}

/// A challenge with its component and who it is for.
pub(crate) fn challenge(cx: &StageCx<'_>, component: &str) -> Object {
    let mut challenge = Object::new();
    challenge.insert("component".into(), component.into());
    cx.show_pending(&mut challenge);
    challenge
}

/// What the brand calls this place.
pub(crate) fn issuer(cx: &StageCx<'_>) -> String {
    cx.brand().map_or_else(|| "Vestibule".into(), |brand| brand.branding_title.clone())
}
