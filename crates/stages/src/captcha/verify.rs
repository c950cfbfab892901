//! Asks the provider whether a token is good.

use std::net::IpAddr;

use serde_json::Value;
use vestibule_flow::{AnswerErrors, StageCx};
use vestibule_http_client::HttpClient;
use vestibule_kernel::ApiError;

use super::provider::Provider;
use super::{CaptchaStage, work};

/// Where the plan notes what the provider said, for policies.
const NOTE: &str = "captcha";
/// Most bytes of such a note: it lives in the session.
const NOTE_LIMIT: usize = 8 << 10;
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
            if said.to_string().len() <= NOTE_LIMIT {
                cx.plan.context.insert(NOTE.into(), said);
            }
            Ok(())
        }
        Err(refusal) => Err(refusal),
    })
}

/// What the provider says of a good token. It is sent once, whatever comes of it.
async fn ask(client: &HttpClient, stage: &CaptchaStage, token: &str, from: IpAddr) -> Result<Value, Refusal> {
    let provider = Provider::of(&stage.api_url);
    let said = provider.ask(client, stage, token, from).await;
    match said {
        Ok(said @ Value::Object(_)) => judge(stage, provider, &said).map(|()| said),
        Ok(_) => unverified(stage, "the answer is not a JSON object"),
        Err(error) => unverified(stage, &error.to_string()),
    }
}

fn unverified<T>(stage: &CaptchaStage, error: &str) -> Result<T, Refusal> {
    tracing::warn!(stage = %stage.stage.name, error, "a captcha could not be verified");
    Err(Refusal::Unverified)
}

/// Whether what the provider said lets somebody pass.
fn judge(stage: &CaptchaStage, provider: Provider, said: &Value) -> Result<(), Refusal> {
    match provider.read(said) {
        Ok(None) => Ok(()),
        Ok(Some(score)) => judge_score(stage, score),
        Err((refusal, reasons)) => {
            if refusal == Refusal::Refused {
                tracing::warn!(stage = %stage.stage.name, reasons, "a captcha was refused");
            }
            Err(refusal)
        }
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
