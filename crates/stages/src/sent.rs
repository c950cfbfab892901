//! Codes that prove an address or a number while it is set up: noted in the plan, good for a while and for a few tries.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vestibule_flow::StageCx;
use vestibule_kernel::secret::constant_time_eq;
use vestibule_kernel::{ApiError, Ctx};

use crate::setup;

/// Soonest that another code is sent.
const PAUSE: TimeDelta = TimeDelta::seconds(20);
/// Tries at one code.
const TRIES: u64 = 5;

/// A new code.
pub(crate) fn new_code(ctx: &Ctx) -> String {
    let number = u64::from_be_bytes(ctx.bytes::<8>()) % 1_000_000;
    format!("{number:06}")
}

/// A code that was sent.
pub(crate) struct Sent {
    /// Where to.
    pub to: String,
    code: String,
    expires: DateTime<Utc>,
    at: DateTime<Utc>,
    wrong: u64,
}

impl Sent {
    /// What was noted under `name`.
    pub(crate) fn noted(cx: &StageCx<'_>, name: &str) -> Option<Self> {
        let noted = setup::noted(cx, name)?;
        let text = |field: &str| noted.get(field).and_then(Value::as_str).map(str::to_owned);
        let time = |field: &str| DateTime::from_timestamp(noted.get(field)?.as_i64()?, 0);
        let wrong = noted.get("wrong").and_then(Value::as_u64).unwrap_or(TRIES);
        Some(Self { to: text("to")?, code: text("code")?, expires: time("expires")?, at: time("at")?, wrong })
    }

    /// Notes that `code` was sent.
    pub(crate) fn note(
        cx: &mut StageCx<'_>,
        name: &str,
        to: &str,
        code: &str,
        lasts: TimeDelta,
    ) -> Result<(), ApiError> {
        let now = cx.state.ctx().now();
        let sent = Self { to: to.to_owned(), code: code.to_owned(), expires: now + lasts, at: now, wrong: 0 };
        sent.keep(cx, name)
    }

    fn keep(&self, cx: &mut StageCx<'_>, name: &str) -> Result<(), ApiError> {
        let (expires, at) = (self.expires.timestamp(), self.at.timestamp());
        let value = json!({"to": self.to, "code": self.code, "expires": expires, "at": at, "wrong": self.wrong});
        setup::note(cx, name, &value)
    }

    /// Whether another may be sent.
    pub(crate) fn may_repeat(&self, now: DateTime<Utc>) -> bool {
        now >= self.at + PAUSE
    }

    /// Whether this is the code; one try less if it is not.
    pub(crate) fn check(mut self, cx: &mut StageCx<'_>, name: &str, code: &str) -> Result<Option<Self>, ApiError> {
        let good = self.wrong < TRIES && cx.state.ctx().now() < self.expires;
        if good && constant_time_eq(&self.code, code) {
            return Ok(Some(self));
        }
        self.wrong += 1;
        self.keep(cx, name)?;
        Ok(None)
    }
}
