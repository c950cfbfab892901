//! Impersonation: an administrator sees what a user sees.

use axum::response::IntoResponse as _;
use http::{Method, StatusCode, header};
use serde_json::json;
use vestibule_events::Event;
use vestibule_kernel::ApiError;
use vestibule_kernel::FieldErrors;
use vestibule_resource::call::{Answer, Body, Permission, no_content};
use vestibule_resource::{Call, Fields, Operation};
use vestibule_store::Durability;

use super::super::fields::pk;
use crate::authenticate::load_session;
use crate::client::ClientInfo;
use crate::resources::settings::SystemSettings;
use crate::session::{Session, Sessions, set_cookie};
use crate::superuser::guard_user;

/// Where a session's data keeps the key of who really uses it.
pub const ORIGINAL: &str = "impersonate_original";

#[derive(Fields)]
struct Impersonation {
    /// Why; the event tells it.
    #[field(blank, default = "")]
    reason: String,
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "{}/impersonate/", "core_users_impersonate_create", None, impersonate)
            .permission(Permission::Named("authentik_core.impersonate"))
            .body(Body::Json("ImpersonationRequest", Impersonation::fields))
            .doc("Continues the session as another user."),
        Operation::new(Method::GET, "impersonate_end/", "core_users_impersonate_end_retrieve", None, end)
            .permission(Permission::SignedIn)
            .doc("Continues the session as oneself."),
    ]
}

/// Who really uses a session, while they impersonate somebody.
pub(super) fn original(session: &Session) -> Option<i64> {
    session.data.get(ORIGINAL)?.get("pk")?.as_i64()
}

async fn impersonate(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let target = call.object_id();
    let settings = SystemSettings::of(&call.configuration);
    if !settings.impersonation {
        return Err(ApiError::Refused("The settings of this server do not allow impersonation.".into()));
    }
    if settings.impersonation_require_reason && call.text("reason").is_empty() {
        return Err(FieldErrors::one("reason", "This field is required.").into());
    }
    if principal.user() == Some(target) {
        return Err(FieldErrors::one("non_field_errors", "You are this user already.").into());
    }
    // Nobody becomes more than they are.
    let mut transaction = api.store.database().begin(Durability::Process).await?;
    guard_user(&mut transaction, principal, target).await?;
    drop(transaction);
    let sessions = api.extension::<Sessions>()?;
    let client = ClientInfo::of(&call.parts);
    let present = if principal.by_session { load_session(&sessions, &call.parts).await? } else { None };
    // A request with a token has no session to continue: it is given one.
    let mut session = present.unwrap_or_else(|| sessions.anonymous(client.ip, ""));
    if session.data.contains_key(ORIGINAL) {
        return Err(FieldErrors::one("non_field_errors", "End the present impersonation first.").into());
    }
    session.data.insert(ORIGINAL.into(), principal.actor.to_json());
    let user =
        json!({"pk": pk(&call.object), "username": call.object.get("username"), "email": call.object.get("email")});
    let event = Event::new("impersonation_started", "authentik.core.api.users", principal.actor.clone());
    let event = event.context(json!({"user": user, "reason": call.text("reason")})).request(&principal.request);
    if !sessions.become_user(&mut session, target, event).await? {
        return Err(FieldErrors::one("non_field_errors", "This user may not sign in.").into());
    }
    with_cookie(&session, client.secure)
}

async fn end(call: Call) -> Answer {
    let Call { api, principal, .. } = &call;
    let sessions = api.extension::<Sessions>()?;
    let session = if principal.by_session { load_session(&sessions, &call.parts).await? } else { None };
    let Some(mut session) = session else { return no_content() };
    let Some(original) = original(&session) else { return no_content() };
    session.data.remove(ORIGINAL);
    let event = Event::new("impersonation_ended", "authentik.core.api.users", principal.actor.clone());
    let event = event.context(json!({"original": original})).request(&principal.request);
    if !sessions.become_user(&mut session, original, event).await? {
        // Who began it was deactivated meanwhile.
        sessions.logout(&mut session, None).await?;
        return no_content();
    }
    with_cookie(&session, ClientInfo::of(&call.parts).secure)
}

/// 204 with the session's new key.
fn with_cookie(session: &Session, secure: bool) -> Answer {
    let cookie = set_cookie(session.key.as_deref().unwrap_or_default(), secure, None);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
