//! Known devices: browsers in which somebody has signed in before. What a browser shows for it is signed for one stage and
//! one user, and ends when it says.

use chrono::TimeDelta;
use uuid::Uuid;
use vestibule_flow::StageCx;
use vestibule_kernel::secret::constant_time_eq;

/// What a browser is to be known by from here on, and how many seconds; nothing where that is no time.
pub(super) fn make(stage: Uuid, user: i64, lasts: TimeDelta, cx: &StageCx<'_>) -> Option<(String, i64)> {
    let seconds = lasts.num_seconds();
    if seconds < 1 {
        return None;
    }
    let until = (cx.state.ctx().now() + lasts).timestamp();
    let said = format!("{user}-{until}");
    Some((format!("{said}.{}", signature(stage, &said, cx)), seconds))
}

/// Whether the user has signed in with this browser before, through this stage.
pub(super) fn is_known(stage: Uuid, user: i64, cx: &StageCx<'_>) -> bool {
    let known = || {
        let (said, signed) = cx.visit.device.as_deref()?.split_once('.')?;
        if !constant_time_eq(signed, &signature(stage, said, cx)) {
            return None;
        }
        let (whose, until) = said.split_once('-')?;
        Some(whose.parse() == Ok(user) && until.parse::<i64>().ok()? > cx.state.ctx().now().timestamp())
    };
    known().unwrap_or_default()
}

fn signature(stage: Uuid, said: &str, cx: &StageCx<'_>) -> String {
    cx.state.store().keys().lookup_hash(&format!("device/{stage}/{said}"))
}
