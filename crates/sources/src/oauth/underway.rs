//! Who is underway to a provider: what a session notes when it sends somebody away, and looks up when they are back.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vestibule_directory::session::Session;
use vestibule_kernel::Object;
use vestibule_kernel::secret::constant_time_eq;

/// Where a session notes it.
const SLOT: &str = "goauthentik.io/sources/oauth/underway";
/// Where a session notes when it has sent somebody away last.
const LEFT: &str = "goauthentik.io/sources/left";
/// How long somebody may be away: they may have to sign up there first.
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// How long a login page stays where it is with somebody who came back without having signed in.
const A_MOMENT: TimeDelta = TimeDelta::minutes(10);
/// Most that a session remembers: each is a tab of its browser.
const MOST: usize = 5;

/// Somebody who is underway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Underway {
    /// Names this login (RFC 6749, section 10.12); with OAuth 1.0a the request token does.
    pub state: String,
    /// To which source.
    pub source: Uuid,
    /// Names it in an identity token (OpenID Connect Core, section 3.1.2.1).
    pub nonce: String,
    /// The proof key (RFC 7636, section 4.1).
    pub verifier: String,
    /// The secret of a request token (RFC 5849, section 2.1).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_secret: String,
    /// Where they wanted to go.
    pub next: Option<String>,
    /// When they left, seconds since 1970.
    pub at: i64,
}

fn all(data: &Object) -> Vec<Underway> {
    data.get(SLOT).and_then(|noted| serde_json::from_value(noted.clone()).ok()).unwrap_or_default()
}

fn put(data: &mut Object, all: &[Underway]) {
    match serde_json::to_value(all) {
        Ok(noted) if !all.is_empty() => data.insert(SLOT.into(), noted),
        _ => data.remove(SLOT),
    };
}

impl Underway {
    /// Notes that somebody leaves.
    pub(super) fn note(self, session: &mut Session) {
        session.data.insert(LEFT.into(), self.at.into());
        let mut noted = all(&session.data);
        let oldest = self.at - LONGEST.num_seconds();
        noted.retain(|one| one.at > oldest);
        let surplus = (noted.len() + 1).saturating_sub(MOST);
        noted.drain(..surplus.min(noted.len()));
        noted.push(self);
        put(&mut session.data, &noted);
    }

    /// Somebody is back: what was noted when they left, once. `None`: this browser was not sent there by us, or long ago.
    pub(super) fn take(session: &mut Session, source: Uuid, state: &str, now: DateTime<Utc>) -> Option<Self> {
        let mut noted = all(&session.data);
        let place = noted.iter().position(|one| one.source == source && constant_time_eq(&one.state, state))?;
        let found = noted.remove(place);
        put(&mut session.data, &noted);
        (found.at > (now - LONGEST).timestamp()).then_some(found)
    }
}

/// Whether this session has sent somebody away a moment ago.
pub(crate) fn has_left(session: &Session, now: DateTime<Utc>) -> bool {
    let left = session.data.get(LEFT).and_then(serde_json::Value::as_i64);
    left.is_some_and(|left| left > (now - A_MOMENT).timestamp())
}

/// They have signed in: the next time the login page may send them away at once.
pub(crate) fn forget_leaving(data: &mut Object) {
    data.remove(LEFT);
}
