//! What an answer to the identification page does.

use async_trait::async_trait;
use vestibule_directory::user::{Found, Identifier, UserRow};
use vestibule_flow::begin::elsewhere;
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, Pending, Stage, StageCx, Supposed, Supposing, Take};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Configuration, Durability};

use super::IdentificationStage;
use super::challenge::{LONGEST_HINT, TYPED};
use crate::authenticator_validate::{self, AuthenticatorValidateStage, DeviceClass};
use crate::captcha::{self, CaptchaStage};
use crate::password::{self, Checked, PasswordStage};

/// The one sentence for everything that does not fit: who exists is nobody's business.
const FAILED: &str = "Failed to authenticate.";
/// The sentence when nothing was typed.
const EMPTY: &str = "No identification data provided.";

/// What was typed.
struct Typed {
    identifier: String,
    password: Option<String>,
    captcha: Option<String>,
}

#[async_trait]
impl Stage for IdentificationStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        // Who came by a link that was sent to them is known.
        if cx.plan.pinned && cx.plan.token.is_some() && cx.plan.user().is_some() {
            return Ok(Enter::Skip);
        }
        let passkeys = match self.passkey_stage(cx) {
            Some(stage) => authenticator_validate::offer(&stage, cx, &[])?,
            None => serde_json::Value::Null,
        };
        let mut question = self.question(cx);
        question.insert("passkey_challenge".into(), passkeys);
        Ok(Enter::Ask(question))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if let (Some(stage), Some(passkey)) = (self.passkey_stage(cx), answer.object("passkey")) {
            return Self::with_passkey(cx, &stage, passkey).await;
        }
        let typed = match read(answer) {
            Ok(typed) => typed,
            Err(errors) => return Ok(Outcome::Invalid(errors)),
        };
        // Who is shown as they typed is so, should the page come back.
        if !self.show_matched_user && typed.identifier.len() <= LONGEST_HINT {
            cx.plan.context.insert(TYPED.into(), typed.identifier.clone().into());
        }
        let at_home = elsewhere(cx.state).and_then(|one| one.of_address(cx, &self.sources, &typed.identifier));
        if let Some(home) = at_home {
            return Ok(Outcome::Redirect(home));
        }
        let fields: Vec<Identifier> = self.user_fields.iter().map(|field| (*field).into()).collect();
        let found = cx.state.users.find(&fields, &typed.identifier, self.case_insensitive_matching).await?;
        let user = match found {
            Found::One(user) => Some(*user),
            // More than one: nobody may sign in by a name that is somebody else's too.
            Found::Nobody | Found::Ambiguous => None,
        };
        // For everyone, known or not: whether a name exists must not show in what is asked of the verifier.
        if let Some(stage) = cx.get::<CaptchaStage>(self.captcha_stage).cloned()
            && let Err(mut errors) = captcha::verify(cx, &stage, typed.captcha.as_deref()).await?
        {
            errors.add(NON_FIELD, FAILED, "invalid");
            return Ok(Outcome::Invalid(errors));
        }
        if !cx.set_pending(self.pending(cx.configuration, &typed.identifier, user.as_ref())) {
            return Ok(Outcome::Invalid(AnswerErrors::whole(FAILED)));
        }
        match cx.get::<PasswordStage>(self.password_stage).cloned() {
            Some(stage) => self.with_password(cx, &stage, typed.password).await,
            None if user.is_none() && !self.pretend_user_exists => Self::unknown(cx, &typed.identifier).await,
            // A name that nobody has costs what another costs; it counts when its password is wrong.
            None => Ok(Outcome::Next),
        }
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        if cx.plan.pinned && cx.plan.token.is_some() && cx.plan.user().is_some() {
            return Ok(Some(Supposed::Skips));
        }
        let typed = cx.answers.take().and_then(|answers| answers.get("uid_field")).and_then(|typed| typed.as_str());
        let identifier = cx.person.map_or(typed.unwrap_or_default(), |person| &person.username);
        cx.plan.pending = Some(self.pending(cx.configuration, identifier, cx.person));
        let proves = self.password_stage.is_some();
        // Whoever is somebody knows their password; a name that nobody has is told of unless it must not.
        let is_refused = if proves { !cx.is_active() } else { cx.person.is_none() && !self.pretend_user_exists };
        if is_refused {
            return Ok(Some(Supposed::Refuses(vec![FAILED.into()])));
        }
        if proves {
            cx.plan.authenticated = Some("password".into());
        }
        Ok(Some(Supposed::Asks))
    }
}

impl IdentificationStage {
    /// The stage by which passkeys are checked, if there is one and it takes them.
    fn passkey_stage(&self, cx: &StageCx<'_>) -> Option<AuthenticatorValidateStage> {
        let stage = cx.get::<AuthenticatorValidateStage>(self.webauthn_stage)?;
        stage.device_classes.contains(&DeviceClass::WebAuthn).then(|| stage.clone())
    }

    /// A passkey tells who is there, and proves it.
    async fn with_passkey(
        cx: &mut StageCx<'_>,
        stage: &AuthenticatorValidateStage,
        passkey: Object,
    ) -> Result<Outcome, ApiError> {
        Ok(match authenticator_validate::sign_in(stage, cx, passkey).await? {
            Ok(device) => {
                stage.note_used(cx, &device);
                Outcome::Next
            }
            Err(_) => Outcome::Invalid(AnswerErrors::whole(FAILED)),
        })
    }

    /// Who walks on: the user who was found, or somebody of the name that was typed.
    fn pending(&self, configuration: &Configuration, identifier: &str, user: Option<&UserRow>) -> Pending {
        match user {
            Some(user) if self.show_matched_user => Pending::known(user, identifier, configuration),
            _ => Pending::typed(user.map(|user| user.pk), identifier),
        }
    }

    /// A name that nobody has, for which no password will be asked.
    async fn unknown(cx: &mut StageCx<'_>, identifier: &str) -> Result<Outcome, ApiError> {
        let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
        cx.state.policies.count_failure(&mut transaction, identifier, &cx.visit.request).await?;
        transaction.commit().await?;
        cx.plan.pending = None;
        Ok(Outcome::Invalid(AnswerErrors::whole(FAILED)))
    }

    /// The password on the same page: the same work and the same counter as on a page of its own.
    async fn with_password(
        &self,
        cx: &mut StageCx<'_>,
        stage: &PasswordStage,
        password: Option<String>,
    ) -> Result<Outcome, ApiError> {
        Ok(match password::check(stage, cx, password.unwrap_or_default()).await? {
            Checked::Right => Outcome::Next,
            Checked::Wrong => {
                cx.plan.pending = None;
                Outcome::Invalid(AnswerErrors::whole(FAILED))
            }
            Checked::TooOften => Outcome::Denied(FAILED.into()),
        })
    }
}

fn read(answer: &Answer) -> Result<Typed, AnswerErrors> {
    let mut errors = AnswerErrors::default();
    let identifier = answer.text("uid_field", Take::OPTIONAL, &mut errors);
    let password = answer.text("password", Take { required: false, ..Take::PASSWORD }, &mut errors);
    let captcha = answer.text("captcha_token", Take::OPTIONAL, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    match identifier.filter(|identifier| !identifier.is_empty()) {
        Some(identifier) => Ok(Typed { identifier, password, captcha }),
        None => Err(AnswerErrors::whole(EMPTY)),
    }
}
