//! Whether a password is right: the same work and the same words for everyone, wherever it is asked for.

use serde_json::json;
use vestibule_directory::app_password::is_app_password;
use vestibule_directory::{UserRow, Verified};
use vestibule_events::Event;
use vestibule_flow::StageCx;
use vestibule_kernel::{Actor, ApiError};
use vestibule_store::Durability;

use super::{Backend, PasswordStage};

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The password is right; the plan knows.
    Right,
    /// It is not.
    Wrong,
    /// It is not, and that was the last time.
    TooOften,
}

/// A key that no user has: looking for it costs what looking for a user costs.
const NOBODY: i64 = -1;

/// Checks a password for the pending user. Nobody, somebody inactive and somebody without a password cost what a wrong
/// password costs.
pub(crate) async fn check(stage: &PasswordStage, cx: &mut StageCx<'_>, password: String) -> Result<Checked, ApiError> {
    let pending = cx.plan.pending.clone().unwrap_or_default();
    let account =
        if pending.identifier.is_empty() { cx.shown().unwrap_or_default() } else { pending.identifier.clone() };
    cx.state.limits.account(&account)?;
    let found = cx.state.users.by_pk_and(cx.user().unwrap_or(NOBODY), &vestibule_devices::any_sql("users.id")).await?;
    let without_device = found.as_ref().filter(|(_, any)| !any).map(|(user, _)| user.pk);
    let user = found.map(|(user, _)| user);
    let actor = user.as_ref().map_or(Actor::Anonymous, |user| Actor::User {
        pk: user.pk,
        username: user.username.clone(),
        email: user.email.clone(),
    });
    let name = user.as_ref().map_or_else(|| pending.identifier.clone(), |user| user.username.clone());
    let active = user.filter(|user| user.is_active);
    let locked = cx.state.policies.is_locked(cx.configuration, &name).await?;
    // A lock costs and says what a wrong password does: whoever locks an account by guessing learns nothing by it.
    let method = find_method(stage, cx, active.as_ref(), password).await?.filter(|_| !locked);
    match (active, method) {
        (Some(_), Some(method)) => {
            cx.plan.authenticated = Some(method.to_owned());
            cx.plan.without_device = without_device;
            cx.plan.failed_attempts = 0;
            Ok(Checked::Right)
        }
        _ => {
            cx.plan.failed_attempts += 1;
            write_failure(stage, cx, Failed { actor, identifier: &pending.identifier, name: &name, locked }).await?;
            let last = cx.plan.failed_attempts >= stage.failed_attempts_before_cancel;
            Ok(if last { Checked::TooOften } else { Checked::Wrong })
        }
    }
}

/// By which of the stage's backends the password is right.
async fn find_method(
    stage: &PasswordStage,
    cx: &StageCx<'_>,
    user: Option<&UserRow>,
    password: String,
) -> Result<Option<&'static str>, ApiError> {
    let own = stage.backends.contains(&Backend::Inbuilt);
    let hash = user.filter(|_| own).and_then(|user| user.password.clone());
    let verified = cx.state.passwords.verify(hash.clone(), password.clone()).await?;
    if verified.is_right() {
        if let (Some(user), Some(old), true) = (user, hash, verified == Verified::Outdated) {
            let new = cx.state.passwords.hash(password).await?;
            cx.state.users.rehash(user.pk, &old, &new).await?;
        }
        return Ok(Some("password"));
    }
    if stage.backends.contains(&Backend::Token) {
        let found =
            is_app_password(cx.state.store(), cx.state.ctx(), user.map_or(NOBODY, |user| user.pk), &password).await?;
        return Ok(found.then_some("token"));
    }
    Ok(None)
}

/// An attempt that failed.
struct Failed<'a> {
    /// Whose it was.
    actor: Actor,
    /// What was typed.
    identifier: &'a str,
    /// The name that it counts against: the user's, or what was typed.
    name: &'a str,
    /// Whether no password would have done.
    locked: bool,
}

async fn write_failure(stage: &PasswordStage, cx: &StageCx<'_>, failed: Failed<'_>) -> Result<(), ApiError> {
    let mut context = json!({
        "username": failed.identifier,
        "stage": {
            "pk": stage.stage.pk.simple().to_string(), "app": "authentik_stages_password", "name": stage.stage.name,
            "model_name": "passwordstage",
        },
    });
    if let (Some(context), true) = (context.as_object_mut(), failed.locked) {
        context.insert("locked".into(), true.into());
    }
    let event = Event::new("login_failed", "authentik.events.signals", failed.actor);
    let event = event.context(context).request(&cx.visit.request);
    let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
    event.write(cx.state.ctx(), &mut transaction).await?;
    cx.state.policies.count_failure(&mut transaction, failed.name, &cx.visit.request).await?;
    transaction.commit().await?;
    Ok(())
}
