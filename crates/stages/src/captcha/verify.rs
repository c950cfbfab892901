//! Asks the provider whether a token is good.

use std::net::IpAddr;

use serde_json::{Value, json};
use vestibule_flow::{AnswerErrors, StageCx};
use vestibule_http_client::HttpClient;
use vestibule_kernel::{ApiError, Object};

use super::{CaptchaStage, RequestContentType, work};

/// Where the plan notes what the provider said, for policies.
const NOTE: &str = "captcha";
/// Most bytes of such a note: it lives in the session.
const NOTE_LIMIT: usize = 8 << 10;
/// What providers say of a token that is used up, too old, or not theirs; anything else is this server's fault.
const STALE: [&str; 5] = [
    "missing-input-response",
    "invalid-input-response",
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
];

/// Why a token does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A fresh token may pass.
    Stale,
    /// The provider says no, or the score does.
    Refused,
    /// The provider said nothing that makes sense.
    Unverified,
}

impl Refusal {
    /// The sentence, as clients know it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Stale => "Invalid captcha response. Retrying may solve this issue.",
            Self::Refused => "Invalid captcha response",
            Self::Unverified => "Failed to validate token",
        }
    }
}

/// Verifies a token that came with another stage's answer, as its `captcha_token`. No token is a bad one, and is not
/// worth asking about.
pub(crate) async fn verify(
    cx: &mut StageCx<'_>,
    stage: &CaptchaStage,
    token: Option<&str>,
) -> Result<Result<(), AnswerErrors>, ApiError> {
    let verdict = match token.filter(|token| !token.is_empty()) {
        Some(token) => check(cx, stage, token).await?,
        None => Err(Refusal::Stale),
    };
    Ok(verdict.map_err(|refusal| AnswerErrors::one("captcha_token", refusal.text(), "invalid")))
}

/// Verifies a token, and notes in the plan what the provider said of a good one.
pub(super) async fn check(
    cx: &mut StageCx<'_>,
    stage: &CaptchaStage,
    token: &str,
) -> Result<Result<(), Refusal>, ApiError> {
    if work::difficulty(cx.configuration, stage).is_some() {
        return work::check(cx, stage, token).await;
    }
    let client = cx.state.api.extension::<HttpClient>()?;
    Ok(match ask(&client, stage, token, cx.visit.client.ip).await {
        Ok(said) => {
            let said = Value::Object(said);
            if said.to_string().len() <= NOTE_LIMIT {
                cx.plan.context.insert(NOTE.into(), said);
            }
            Ok(())
        }
        Err(refusal) => Err(refusal),
    })
}

/// What the provider says of a good token. It is sent once, whatever comes of it.
async fn ask(client: &HttpClient, stage: &CaptchaStage, token: &str, from: IpAddr) -> Result<Object, Refusal> {
    let from = from.to_string();
    let fields = [("secret", stage.private_key.as_str()), ("response", token), ("remoteip", from.as_str())];
    let said = match stage.request_content_type {
        RequestContentType::Form => client.post_form(&stage.api_url, &fields).await,
        RequestContentType::Json => {
            let body: Object = fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            client.post_json(&stage.api_url, &Value::Object(body)).await
        }
    };
    match said {
        Ok(Value::Object(said)) => judge(stage, &said).map(|()| said),
        Ok(_) => unverified(stage, "the answer is not a JSON object"),
        Err(error) => unverified(stage, &error.to_string()),
    }
}

fn unverified<T>(stage: &CaptchaStage, error: &str) -> Result<T, Refusal> {
    tracing::warn!(stage = %stage.stage.name, error, "a captcha could not be verified");
    Err(Refusal::Unverified)
}

/// Whether what the provider said lets somebody pass.
fn judge(stage: &CaptchaStage, said: &Object) -> Result<(), Refusal> {
    if said.get("success") != Some(&Value::Bool(true)) {
        let codes = said.get("error-codes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_stale = |code: &Value| code.as_str().is_some_and(|code| STALE.contains(&code));
        if !codes.is_empty() && codes.iter().all(is_stale) {
            return Err(Refusal::Stale);
        }
        tracing::warn!(stage = %stage.stage.name, codes = ?codes, "a captcha was refused");
        return Err(Refusal::Refused);
    }
    match said.get("score") {
        None | Some(Value::Null) => Ok(()),
        Some(score) => judge_score(stage, score),
    }
}

/// A threshold of -1 holds nobody up.
fn judge_score(stage: &CaptchaStage, score: &Value) -> Result<(), Refusal> {
    let number =
        score.as_f64().or_else(|| score.as_str()?.trim().parse().ok()).filter(|number: &f64| number.is_finite());
    let Some(number) = number else { return unverified(stage, "the score is not a number") };
    let low = stage.score_min_threshold > -1.0 && number < stage.score_min_threshold;
    let high = stage.score_max_threshold > -1.0 && number > stage.score_max_threshold;
    if stage.error_on_invalid_score && (low || high) { Err(Refusal::Refused) } else { Ok(()) }
}
