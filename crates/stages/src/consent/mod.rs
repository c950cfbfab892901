//! Asks whether an application may be told what it wants to know.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::consent;
use vestibule_flow::{
    Answer, AnswerErrors, BuiltIn, Enter, Outcome, STAGES, Stage, StageBase, StageCx, StageEntry, Supposed, Supposing,
    Take, begin,
};
use vestibule_kernel::secret::constant_time_eq;
use vestibule_kernel::{ApiError, Object, duration};
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::DocumentType;

#[cfg(test)]
mod tests;

choices! {
    /// How long an answer counts.
    pub enum ConsentMode: "ConsentModeEnum" {
        AlwaysRequire = "always_require" "Always Require",
        Permanent = "permanent" "Permanent",
        Expiring = "expiring" "Expiring",
    }
}

/// Asks whether an application may be told what it wants to know.
#[derive(Clone, Debug, Fields)]
pub struct ConsentStage {
    /// What every stage has.
    #[field(flatten)]
    pub stage: StageBase,
    /// Whether an answer counts once, for good, or for a time.
    #[field(default = "expiring")]
    pub mode: ConsentMode,
    /// How long, where it is for a time.
    #[field(format = Duration, default = "weeks=4", label = "Consent expires in")]
    pub consent_expire_in: String,
}

impl DocumentType for ConsentStage {
    const KIND: &'static str = "authentik_stages_consent.consentstage";
}

impl Resource for ConsentStage {
    fn spec() -> Spec {
        Spec::new("stages/consent", Self::KIND, "ConsentStage")
            .verbose("Consent Stage", "Consent Stages")
            .component("ak-stage-consent-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["consent_expire_in", "mode", "name", "stage_uuid=pk"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<ConsentStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: ConsentStage::KIND,
    component: COMPONENT,
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<ConsentStage>().map(|stage| stage as &dyn Stage),
    description: "Asks whether an application may be told what it wants to know.",
    sample: || {
        json!({
            "component": COMPONENT, "pending_user": "alice", "pending_user_avatar": "", "token": "x",
            "header_text": "You're about to sign into Wiki.",
            "permissions": [{"id": "email", "name": "Your e-mail address"}],
            "additional_permissions": [{"id": "groups", "name": ""}],
        })
    },
};

/// The component of a question that is answered by agreeing.
pub(crate) const COMPONENT: &str = "ak-stage-consent";
/// Where the plan keeps the application that asks: its key.
pub const APPLICATION: &str = "application_pk";
/// Where the plan keeps what the question is about, in words.
pub const HEADER: &str = "consent_header";
/// Where the plan keeps what is wanted: a list of objects with `id` and `name`.
pub const PERMISSIONS: &str = "consent_permissions";
/// Where the plan says that an answer is wanted even where one was given before.
const AGAIN: &str = "consent_again";
/// Where the plan keeps what an answer has to repeat: of a question that was seen.
const TOKEN: &str = "goauthentik.io/stages/consent/token";

/// A question that is answered by agreeing. It stays the same question when it is shown again.
pub(crate) fn question(cx: &mut StageCx<'_>, header: Option<String>, had: &[Value], more: &[Value]) -> Object {
    if !cx.plan.context.get(TOKEN).is_some_and(Value::is_string) {
        let token = cx.state.ctx().uuid().to_string();
        cx.plan.context.insert(TOKEN.into(), token.into());
    }
    let token = cx.plan.context.get(TOKEN).cloned().unwrap_or_default();
    let mut question = Object::new();
    question.insert("component".into(), COMPONENT.into());
    cx.show_pending(&mut question);
    if let Some(header) = header {
        question.insert("header_text".into(), header.into());
    }
    question.insert("permissions".into(), had.into());
    question.insert("additional_permissions".into(), more.into());
    question.insert("token".into(), token);
    question
}

/// Whether an answer agrees: it repeats what was asked. The next question is another.
pub(crate) fn agrees(cx: &mut StageCx<'_>, answer: &Answer) -> Result<(), AnswerErrors> {
    let mut errors = AnswerErrors::default();
    let Some(theirs) = answer.text("token", Take { required: true, ..Take::OPTIONAL }, &mut errors) else {
        return Err(errors);
    };
    let asked = cx.plan.context.get(TOKEN).and_then(Value::as_str).unwrap_or_default();
    if asked.is_empty() || !constant_time_eq(asked, &theirs) {
        return Err(AnswerErrors::one("token", "Invalid consent token, re-showing prompt", "invalid"));
    }
    cx.plan.context.shift_remove(TOKEN);
    Ok(())
}

/// What is wanted, each with what of it was agreed to before.
struct Wanted {
    all: BTreeSet<String>,
    had: Vec<Value>,
    more: Vec<Value>,
}

impl ConsentStage {
    /// Whose answer is kept, and for which application; `None`: it counts for now alone.
    fn kept_for(&self, cx: &StageCx<'_>) -> Option<(i64, Uuid)> {
        let application = cx.plan.context.get(APPLICATION)?.as_str()?.parse().ok()?;
        (self.mode != ConsentMode::AlwaysRequire).then_some((cx.user()?, application))
    }

    async fn wanted(&self, cx: &StageCx<'_>) -> Result<(Wanted, bool), ApiError> {
        let asked = cx.plan.context.get(PERMISSIONS).and_then(Value::as_array).cloned().unwrap_or_default();
        let id = |one: &Value| one.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let all: BTreeSet<String> = asked.iter().map(id).collect();
        let given = match self.kept_for(cx) {
            Some((user, application)) => {
                consent::given(cx.state.store(), cx.state.ctx().now(), user, application).await?
            }
            None => None,
        };
        let is_agreed = given.as_ref().is_some_and(|given| all.is_subset(given));
        let (had, more) = match given {
            Some(given) => asked.into_iter().partition(|one| given.contains(&id(one))),
            None => (asked, Vec::new()),
        };
        Ok((Wanted { all, had, more }, is_agreed))
    }
}

#[async_trait]
impl Stage for ConsentStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let (wanted, is_agreed) = self.wanted(cx).await?;
        // Some applications want to be sure.
        if is_agreed && cx.plan.context.get(AGAIN) != Some(&Value::Bool(true)) {
            return Ok(Enter::Pass);
        }
        let header = cx.plan.context.get(HEADER).and_then(Value::as_str).map(str::to_owned);
        Ok(Enter::Ask(question(cx, header, &wanted.had, &wanted.more)))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if let Err(errors) = agrees(cx, answer) {
            return Ok(Outcome::Invalid(errors));
        }
        if let Some(of) = self.kept_for(cx) {
            let (wanted, _) = self.wanted(cx).await?;
            let lasts = duration::parse(&self.consent_expire_in).unwrap_or(TimeDelta::zero());
            let expires = (self.mode == ConsentMode::Expiring).then(|| cx.state.ctx().now() + lasts);
            consent::give(cx.state.store(), of, &wanted.all, expires).await?;
        }
        Ok(Outcome::Next)
    }

    /// What was agreed to before is known by the application that asks; there is none here.
    async fn suppose(&self, _: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        Ok(Some(Supposed::Depends))
    }
}

/// Asks where a flow has no stage that does.
struct Asked;

/// As the executor knows it.
pub(crate) const BUILT_IN: BuiltIn =
    BuiltIn { pk: begin::CONSENT, component: COMPONENT, page: ENTRY.page, stage: &Asked, sample: ENTRY.sample };

#[async_trait]
impl Stage for Asked {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let asked = cx.plan.context.get(PERMISSIONS).and_then(Value::as_array).cloned().unwrap_or_default();
        let header = cx.plan.context.get(HEADER).and_then(Value::as_str).map(str::to_owned);
        Ok(Enter::Ask(question(cx, header, &asked, &[])))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        Ok(match agrees(cx, answer) {
            Ok(()) => Outcome::Next,
            Err(errors) => Outcome::Invalid(errors),
        })
    }
}
