//! Answers leave on a beat, so that the microseconds which it takes to find somebody, or nobody, tell nothing.
//!
//! Every path through a flow does the same work in the same statements (a hash for nobody too); what is left is the
//! difference between a row that is there and one that is not. It disappears in the wait for the next beat, in which
//! the processor does something else. A first question, which nobody has answered yet, does not wait.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::COOKIE;
use tokio::time::Instant;

/// Longer than any visit that hashes nothing takes, shorter than anyone notices.
const BEAT: Duration = Duration::from_millis(2);

/// Lets the answer to somebody who has answered something wait for the next beat after the request came.
pub(crate) async fn on_the_beat(request: Request, next: Next) -> Response {
    if request.method() != Method::POST && !request.headers().contains_key(COOKIE) {
        return next.run(request).await;
    }
    let came = Instant::now();
    let response = next.run(request).await;
    tokio::time::sleep_until(came + until_beat(came.elapsed())).await;
    response
}

/// The first beat at or after `elapsed`, counted from the start.
fn until_beat(elapsed: Duration) -> Duration {
    let beats = elapsed.as_nanos().div_ceil(BEAT.as_nanos()).max(1);
    u32::try_from(beats).map_or(elapsed, |beats| BEAT * beats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_whole_and_never_in_the_past() {
        for (elapsed, beat) in [(0, 2000), (1, 2000), (1999, 2000), (2000, 2000), (2001, 4000), (21_300, 22_000)] {
            assert_eq!(until_beat(Duration::from_micros(elapsed)), Duration::from_micros(beat), "{elapsed}");
        }
    }
}
