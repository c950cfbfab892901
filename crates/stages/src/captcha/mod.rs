//! Asks a captcha provider whether somebody is a person.

use async_trait::async_trait;
use serde_json::json;
use vestibule_directory::resources::avatar::avatar;
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Take};
use vestibule_http_client::http_url;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation, choices};
use vestibule_store::DocumentType;
use vestibule_web::asset_url;

mod provider;
#[cfg(test)]
mod provider_tests;
#[cfg(test)]
mod tests;
mod verify;
pub(crate) mod work;

pub(crate) use verify::verify;

choices! {
    /// How the provider wants to be asked.
    pub enum RequestContentType: "RequestContentTypeEnum" {
        Form = "application/x-www-form-urlencoded" "As a form",
        Json = "application/json" "As JSON",
    }
}

/// Asks a captcha provider whether somebody is a person. Knows reCAPTCHA, hCaptcha, Turnstile and what speaks like
/// them.
#[derive(Clone, Debug, Fields)]
pub struct CaptchaStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// The provider's name for this site; pages show it.
    pub public_key: String,
    /// The secret that the provider gave for it.
    #[field(write_only, sealed)]
    pub private_key: String,
    /// Address of the script that shows the captcha.
    #[field(default = "https://www.recaptcha.net/recaptcha/api.js")]
    pub js_url: String,
    /// Address that tells whether a token is good.
    #[field(default = "https://www.recaptcha.net/recaptcha/api/siteverify")]
    pub api_url: String,
    /// How that address wants to be asked.
    #[field(default = "application/x-www-form-urlencoded")]
    pub request_content_type: RequestContentType,
    /// Whether people have to do something; an invisible captcha answers by itself.
    #[field(default = false)]
    pub interactive: bool,
    /// Least score that passes; -1: any.
    #[field(default = 0.5)]
    pub score_min_threshold: f64,
    /// Highest score that passes; -1: any.
    #[field(default = 1.0)]
    pub score_max_threshold: f64,
    /// Refuses a score outside of the thresholds. Otherwise the flow goes on, and policies can look at the score.
    #[field(default = true)]
    pub error_on_invalid_score: bool,
}

impl DocumentType for CaptchaStage {
    const KIND: &'static str = "authentik_stages_captcha.captchastage";
}

impl Resource for CaptchaStage {
    fn spec() -> Spec {
        Spec::new("stages/captcha", Self::KIND, "CaptchaStage")
            .verbose("Captcha Stage", "Captcha Stages")
            .component("ak-stage-captcha-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "public_key"])
    }

    /// A script's address that is none (`javascript:`, `data:`) would run in the page.
    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        for field in ["js_url", "api_url"] {
            if cx.given.contains_key(field) && http_url(cx.text(field)).is_none() {
                errors.add(field, "Enter a valid URL.");
            }
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<CaptchaStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: CaptchaStage::KIND,
    component: "ak-stage-captcha",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<CaptchaStage>().map(|stage| stage as &dyn Stage),
    description: "Checks with a captcha provider that a person is there.",
    sample: || {
        json!({
            "component": "ak-stage-captcha", "pending_user": "alice", "pending_user_avatar": "",
            "site_key": "public", "js_url": "https://captcha.example/api.js", "interactive": true,
        })
    },
};

/// The question on a page of its own.
fn question(stage: &CaptchaStage, cx: &StageCx<'_>) -> Object {
    let mut question = question_beside(stage, cx);
    cx.show_pending(&mut question);
    question
}

/// The question for pages that show a captcha beside something else; who is there they say themselves.
pub(crate) fn question_beside(stage: &CaptchaStage, cx: &StageCx<'_>) -> Object {
    let (site_key, js_url) = match work::difficulty(cx.configuration, stage) {
        Some(difficulty) => {
            let (keys, ctx) = (cx.state.store().keys(), &cx.state.api.ctx);
            (work::challenge(keys, ctx, stage.stage.pk, difficulty), asset_url("work.js"))
        }
        None => (stage.public_key.clone(), stage.js_url.clone()),
    };
    let mut question = Object::new();
    question.insert("component".into(), ENTRY.component.into());
    question.insert("pending_user".into(), "".into());
    question.insert("pending_user_avatar".into(), avatar("", "").into());
    question.insert("site_key".into(), site_key.into());
    question.insert("js_url".into(), js_url.into());
    question.insert("interactive".into(), stage.interactive.into());
    question
}

#[async_trait]
impl Stage for CaptchaStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        Ok(Enter::Ask(question(self, cx)))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let Some(token) = answer.text("token", Take { required: true, ..Take::OPTIONAL }, &mut errors) else {
            return Ok(Outcome::Invalid(errors));
        };
        Ok(match verify::check(cx, self, &token).await? {
            Ok(()) => Outcome::Next,
            Err(refusal) => Outcome::Invalid(AnswerErrors::one("token", refusal.text(), "invalid")),
        })
    }
}
