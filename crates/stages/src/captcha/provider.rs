//! How each provider is asked, and how it answers. Which one it is shows in the path of `api_url`.
//!
//! Sources: <https://developers.google.com/recaptcha/docs/verify>, <https://docs.hcaptcha.com>,
//! <https://developers.cloudflare.com/turnstile>; Friendly Captcha, `siteverify` of its API v1 and v2; reCAPTCHA Enterprise,
//! `projects.assessments.create`.

use std::net::IpAddr;

use serde_json::{Value, json};
use vestibule_http_client::{FetchError, HttpClient, http_url};
use vestibule_kernel::Object;

use super::verify::Refusal;
use super::{CaptchaStage, RequestContentType};

/// Why a token is none that a fresh one could not mend: it is used up, too old, or not theirs.
const STALE: [&str; 14] = [
    "missing-input-response",
    "invalid-input-response",
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
    "solution_missing",
    "solution_invalid",
    "solution_timeout_or_duplicate",
    "response_missing",
    "response_invalid",
    "response_timeout",
    "response_duplicate",
    "EXPIRED",
    "DUPE",
];

/// A provider's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// reCAPTCHA, hCaptcha, Turnstile and those that do as they do.
    SiteVerify,
    /// Friendly Captcha, first API.
    FriendlyV1,
    /// Friendly Captcha, second API.
    FriendlyV2,
    /// reCAPTCHA Enterprise.
    Enterprise,
}

impl Provider {
    /// The provider at an address.
    pub(super) fn of(api_url: &str) -> Self {
        let Some(url) = http_url(api_url) else { return Self::SiteVerify };
        match url.path().trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["api", "v1", "siteverify"] => Self::FriendlyV1,
            ["api", "v2", "captcha", "siteverify"] => Self::FriendlyV2,
            ["v1", "projects", _, "assessments"] => Self::Enterprise,
            _ => Self::SiteVerify,
        }
    }

    /// What the provider says of a token.
    pub(super) async fn ask(
        self,
        client: &HttpClient,
        stage: &CaptchaStage,
        token: &str,
        from: IpAddr,
    ) -> Result<Value, FetchError> {
        let (secret, site, from) = (stage.private_key.as_str(), stage.public_key.as_str(), from.to_string());
        match self {
            Self::SiteVerify => {
                let fields = [("secret", secret), ("response", token), ("remoteip", from.as_str())];
                match stage.request_content_type {
                    RequestContentType::Form => client.post_form(&stage.api_url, &fields).await,
                    RequestContentType::Json => {
                        let body: Object =
                            fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
                        client.post_json(&stage.api_url, &Value::Object(body)).await
                    }
                }
            }
            Self::FriendlyV1 => {
                let body = json!({"solution": token, "secret": secret, "sitekey": site});
                post(client, &stage.api_url, None, &body).await
            }
            Self::FriendlyV2 => {
                let body = json!({"response": token, "sitekey": site});
                post(client, &stage.api_url, Some(("x-api-key", secret)), &body).await
            }
            Self::Enterprise => {
                let body = json!({"event": {"token": token, "siteKey": site, "userIpAddress": from}});
                // Keys may be part of the address, as in Google's samples.
                let has_key =
                    http_url(&stage.api_url).is_some_and(|url| url.query_pairs().any(|(name, _)| name == "key"));
                let key = (!has_key).then_some(("x-goog-api-key", secret));
                post(client, &stage.api_url, key, &body).await
            }
        }
    }

    /// The score that goes with a yes, if there is one; otherwise whether a fresh token may do better. `Err` of a text:
    /// what to tell the administrator besides.
    pub(super) fn read(self, said: &Value) -> Result<Option<&Value>, (Refusal, String)> {
        let at = |path: &str| said.pointer(path);
        let list = |path: &str| at(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let one = |path: &str| at(path).cloned().into_iter().collect::<Vec<_>>();
        let (passes, reasons, score) = match self {
            Self::SiteVerify => ("/success", list("/error-codes"), "/score"),
            Self::FriendlyV1 => ("/success", list("/errors"), ""),
            Self::FriendlyV2 => ("/success", one("/error/error_code"), ""),
            Self::Enterprise => {
                ("/tokenProperties/valid", one("/tokenProperties/invalidReason"), "/riskAnalysis/score")
            }
        };
        if at(passes) == Some(&Value::Bool(true)) {
            return Ok(Some(score).filter(|path| !path.is_empty()).and_then(at).filter(|score| !score.is_null()));
        }
        let is_stale = |reason: &Value| reason.as_str().is_some_and(|reason| STALE.contains(&reason));
        let stale = !reasons.is_empty() && reasons.iter().all(is_stale);
        Err((if stale { Refusal::Stale } else { Refusal::Refused }, Value::Array(reasons).to_string()))
    }
}

/// POST of JSON. Friendly Captcha refuses with a status besides 200 and says in the body why.
async fn post(
    client: &HttpClient,
    address: &str,
    key: Option<(&str, &str)>,
    body: &Value,
) -> Result<Value, FetchError> {
    let mut headers =
        vec![("content-type".into(), "application/json".into()), ("accept".into(), "application/json".into())];
    headers.extend(key.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let (status, _, answer) = client.exchange("POST", address, &headers, Some(body.to_string().into_bytes())).await?;
    match serde_json::from_slice(&answer) {
        Ok(said) if (200..300).contains(&status) || (400..500).contains(&status) => Ok(said),
        Err(_) if status == 200 => Err(FetchError::NotJson),
        _ => Err(FetchError::Status(status)),
    }
}
