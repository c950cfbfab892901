//! Answers leave on a beat, so that the microseconds which it takes to find somebody, or nobody, tell nothing.
//!
//! Every path through a flow does the same work in the same statements (a hash for nobody too); what is left is the
//! difference between a row that is there and one that is not. It disappears in the wait for the next beat, in which
//! the processor does something else.
//!
//! Where a stage does more for somebody than for nobody, as one that sends a mail does, the beat is a slow one.
//!
//! Two sorts of answers hide nothing and do not wait: a first question, which nobody has answered yet; and what a right
//! password brings, up to the next question's answer. Whoever knows the password of the person that the plan is about
//! knows that there is such a person, and the visits that follow do their work for this person alone. An answer to a
//! later question waits again: it may name somebody else.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::COOKIE;
use tokio::time::Instant;
use vestibule_kernel::{Ctx, Object};

use crate::plan::Plan;
use crate::settle::Settled;

/// Longer than any visit that hashes nothing takes, shorter than anyone notices.
const BEAT: Duration = Duration::from_millis(2);
/// Longer than what is done for somebody alone takes, where that is more than finding them: the mail that is on its way
/// is written down.
const SLOW_BEAT: Duration = Duration::from_millis(50);
/// How late an answer may be after its beat, microseconds.
const LATE: u64 = 2000;

/// Lets the answer to somebody who has answered something wait for the next beat after the request came.
pub(crate) async fn on_the_beat(State(ctx): State<Ctx>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST && !request.headers().contains_key(COOKIE) {
        return next.run(request).await;
    }
    let came = Instant::now();
    let response = next.run(request).await;
    let beat = match (response.extensions().get::<Slow>(), response.extensions().get::<HidesNothing>()) {
        (Some(Slow), _) => SLOW_BEAT,
        (None, None) => BEAT,
        (None, Some(HidesNothing)) => return response,
    };
    // Not on the dot: what is left of the difference, some ten microseconds by which a processor that did less wakes up
    // later, is lost in what chance adds.
    let late = Duration::from_micros(u64::from_le_bytes(ctx.bytes()) % LATE);
    tokio::time::sleep_until(came + until_beat(came.elapsed(), beat) + late).await;
    response
}

/// On an answer that waits for the slow beat.
#[derive(Clone)]
struct Slow;

/// Lets an answer wait for the slow beat, where a stage says so.
pub(crate) fn slow_down(response: &mut Response, slowly: bool) {
    if slowly {
        response.extensions_mut().insert(Slow);
    }
}

/// On an answer that need not wait.
#[derive(Clone)]
struct HidesNothing;

/// What a plan knew before a visit.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    /// Whether the visit answers a question of a plan that knew its person already.
    answers_later: bool,
}

impl Before {
    /// Looks at the session's data as a request finds it.
    pub(crate) fn of(method: &Method, data: &Object) -> Self {
        Self { answers_later: method != Method::GET && Plan::knows_person(data) }
    }

    /// Lets an answer leave at once if it follows a right password: the plan knows its person, or they are signed in.
    pub(crate) fn release(self, response: &mut Response, data: &Object, settled: &Settled) {
        let known = matches!(settled, Settled::SignedIn { .. }) || Plan::knows_person(data);
        if known && !self.answers_later {
            response.extensions_mut().insert(HidesNothing);
        }
    }
}

/// The first beat at or after `elapsed`, counted from the start.
fn until_beat(elapsed: Duration, beat: Duration) -> Duration {
    let beats = elapsed.as_nanos().div_ceil(beat.as_nanos()).max(1);
    u32::try_from(beats).map_or(elapsed, |beats| beat * beats)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_what_a_right_password_brings_leaves_at_once() {
        let data = |known: bool| {
            let mut plan = Plan::new(Uuid::nil(), vec![Uuid::max()]);
            plan.authenticated = known.then(|| "password".to_owned());
            let mut data = Object::new();
            plan.keep(&mut data);
            data
        };
        let signed_in = || Settled::SignedIn { until_closed: true, device: None };
        for (method, before, after, settled, leaves) in [
            (Method::POST, false, false, Settled::Kept, false),
            (Method::POST, false, true, Settled::Kept, true),
            (Method::POST, true, true, Settled::Kept, false),
            (Method::POST, true, false, Settled::Kept, false),
            (Method::POST, false, false, signed_in(), true),
            (Method::GET, false, false, Settled::Unchanged, false),
            (Method::GET, true, true, Settled::Kept, true),
            (Method::GET, true, false, Settled::Kept, false),
            (Method::GET, true, false, signed_in(), true),
        ] {
            let mut response = ().into_response();
            Before::of(&method, &data(before)).release(&mut response, &data(after), &settled);
            let released = response.extensions().get::<HidesNothing>().is_some();
            assert_eq!(released, leaves, "{method} {before} {after}");
        }
    }

    #[test]
    fn beats_are_whole_and_never_in_the_past() {
        for (elapsed, beat) in [(0, 2000), (1, 2000), (1999, 2000), (2000, 2000), (2001, 4000), (21_300, 22_000)] {
            assert_eq!(until_beat(Duration::from_micros(elapsed), BEAT), Duration::from_micros(beat), "{elapsed}");
        }
        for (elapsed, beat) in [(0, 50), (49, 50), (51, 100)] {
            assert_eq!(until_beat(Duration::from_millis(elapsed), SLOW_BEAT), Duration::from_millis(beat), "{elapsed}");
        }
    }
}
