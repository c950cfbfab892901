//! What the identification page asks.

use serde_json::Value;
use vestibule_flow::begin::elsewhere;
use vestibule_flow::{Designation, StageCx};
use vestibule_kernel::Object;

use super::{ENTRY, IdentificationStage};
use crate::captcha::{self, CaptchaStage};
use crate::password::PasswordStage;

impl IdentificationStage {
    /// The question in its wire form.
    pub(super) fn question(&self, cx: &StageCx<'_>) -> Object {
        let password = cx.get::<PasswordStage>(self.password_stage);
        let captcha = cx.get::<CaptchaStage>(self.captcha_stage);
        let mut question = Object::new();
        let mut put = |name: &str, value: Value| question.insert(name.to_owned(), value);
        put("component", ENTRY.component.into());
        put("user_fields", self.user_fields.iter().map(|field| field.as_str()).collect());
        put("pending_user_identifier", typed(cx).or_else(|| hint(cx)).into());
        put("password_fields", password.is_some().into());
        put("allow_show_password", password.is_some_and(|stage| stage.allow_show_password).into());
        if let Some(application) = cx.plan.context.get("application") {
            put("application_pre", application.clone());
            if let Some(launch) = cx.plan.context.get("application_launch_url") {
                put("application_pre_launch", launch.clone());
            }
        }
        put("flow_designation", cx.flow.designation.as_str().into());
        put("captcha_stage", captcha.map_or(Value::Null, |stage| Value::Object(captcha::question_beside(stage, cx))));
        for (name, flow) in [
            ("enroll_url", self.enrollment_flow),
            ("recovery_url", self.recovery_flow),
            ("passwordless_url", self.passwordless_flow),
        ] {
            if let Some(url) = cx.flow_url(flow) {
                put(name, url.into());
            }
        }
        put("primary_action", primary_action(cx.flow.designation).into());
        let buttons = elsewhere(cx.state).map(|elsewhere| elsewhere.buttons(cx, &self.sources)).unwrap_or_default();
        put("sources", buttons.into());
        put("show_source_labels", self.show_source_labels.into());
        put("enable_remember_me", self.enable_remember_me.into());
        question
    }
}

/// Where the plan keeps what was typed.
pub(super) const TYPED: &str = "pending_user_identifier";
/// The longest name that a page begins with, bytes.
pub(super) const LONGEST_HINT: usize = 255;

/// What was typed before.
fn typed(cx: &StageCx<'_>) -> Option<String> {
    cx.plan.context.get(TYPED)?.as_str().map(str::to_owned)
}

/// A name to begin with: what an application asks to be signed in (OpenID Connect Core, section 3.1.2.1). It is not
/// looked up: the page tells nobody whether it exists.
fn hint(cx: &StageCx<'_>) -> Option<String> {
    let hint =
        cx.visit.query.get("login_hint").map(str::trim).filter(|hint| !hint.is_empty() && hint.len() <= LONGEST_HINT);
    hint.map(str::to_owned)
}

fn primary_action(designation: Designation) -> &'static str {
    if designation == Designation::Authentication { "Log in" } else { "Continue" }
}
