//! What a visit does to the session, once the executor has decided.

use std::sync::Arc;

use vestibule_directory::Login;
use vestibule_directory::session::Session;
use vestibule_events::Event;
use vestibule_kernel::ApiError;

use crate::begin::Farewell;
use crate::plan::Plan;
use crate::stage::{SignIn, Visit};
use crate::state::FlowState;

/// What is to happen to the session.
#[derive(Default)]
pub(crate) enum Effect {
    /// Nothing: it was only read.
    #[default]
    None,
    /// Its data changed.
    Save,
    /// Its user is signed in.
    SignIn(Box<SignIn>),
    /// Its user is signed out.
    SignOut,
}

/// Carries out what a walk decided about the session.
pub(crate) async fn settle(
    state: &FlowState,
    session: &mut Session,
    effect: Effect,
    visit: &Visit,
) -> Result<Settled, ApiError> {
    match effect {
        Effect::None => Ok(Settled::Unchanged),
        Effect::Save => Ok(if state.sessions.save(session).await? { Settled::Kept } else { Settled::Lost }),
        Effect::SignIn(sign_in) => {
            let SignIn { user, expires, until_closed, terminate_others, event, bound, device, recovered } = *sign_in;
            session.bind(bound, visit.client.ip);
            match state.sessions.login(session, user, expires, event).await? {
                Login::Done => {}
                Login::Inactive => return Ok(Settled::Refused),
                Login::Lost => return Ok(Settled::Lost),
            }
            if let Some(user) = &session.user
                && let Err(error) = state.policies.count_success(&user.username, &visit.request, recovered).await
            {
                // They are signed in; nothing that follows may say otherwise.
                tracing::error!(error = %error, "a login was not counted");
            }
            if terminate_others {
                state.sessions.delete_for_user(user, session.key.as_deref()).await?;
            }
            Ok(Settled::SignedIn { until_closed, device })
        }
        Effect::SignOut => {
            let event = session
                .user
                .as_ref()
                .map(|user| Event::new("logout", "authentik.events.signals", user.actor()).request(&visit.request));
            let ended = session.uuid;
            let plan = Plan::of(&session.data);
            state.sessions.logout(session, event).await?;
            // The flow goes on for nobody in particular.
            let goes_on = plan.is_some();
            if let Some(plan) = plan {
                plan.keep(&mut session.data);
                state.sessions.save(session).await?;
            }
            if let Some(farewell) = state.api.extensions.get::<Arc<dyn Farewell>>()
                && let Err(error) = farewell.ended(ended).await
            {
                // They are signed out; who is to hear of it is found out later, too.
                tracing::error!(error = ?error, "applications were not told of the end of a session");
            }
            Ok(if goes_on { Settled::Kept } else { Settled::SignedOut })
        }
    }
}

/// What became of the session.
pub(crate) enum Settled {
    /// Nothing.
    Unchanged,
    /// It is stored.
    Kept,
    /// Another answer to the same plan came first; this one does not count.
    Lost,
    /// Its user is signed in.
    SignedIn {
        /// Whether the browser forgets it when it is closed.
        until_closed: bool,
        /// What the browser is to be known by, and how many seconds.
        device: Option<(String, i64)>,
    },
    /// The user may not sign in.
    Refused,
    /// Its user is signed out.
    SignedOut,
}
