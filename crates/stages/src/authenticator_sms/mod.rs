//! Sets up codes by text message.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_devices::{SMS, create};
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry, Take};
use vestibule_http_client::http_url;
use vestibule_kernel::secret::sha256_hex;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec, Validation, choices};
use vestibule_store::{DocumentType, Durability};

use crate::sent::{Sent, new_code};
use crate::setup::{self, Owner, SetupBase};

mod factor;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use factor::SmsFactor;

choices! {
    /// Who sends text messages.
    pub enum Provider: "ProviderEnum" {
        Twilio = "twilio" "Twilio",
        Generic = "generic" "Any that takes JSON over HTTP",
    }
}

choices! {
    /// How one proves to them who asks.
    pub enum AuthType: "AuthTypeEnum" {
        Basic = "basic" "A name and a password",
        Bearer = "bearer" "A token",
    }
}

/// Sets up codes by text message.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorSmsStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Who sends the messages.
    pub provider: Provider,
    /// The number that they come from.
    pub from_number: String,
    /// Twilio: the account. Otherwise: the address that takes messages.
    pub account_sid: String,
    /// Twilio: its token. Otherwise: the name or the token.
    #[field(write_only, sealed)]
    pub auth: String,
    /// The password beside the name.
    #[field(blank, raw, write_only, sealed, default = "")]
    pub auth_password: String,
    /// How one proves who asks.
    #[field(default = "basic")]
    pub auth_type: AuthType,
    /// Whether the number is only proved once: then it is not kept, and no code is sent to it afterwards.
    #[field(default = false)]
    pub verify_only: bool,
    /// What makes the message, where the usual one will not do.
    #[field(references = "authentik_events.notificationwebhookmapping")]
    pub mapping: Option<Uuid>,
}

impl DocumentType for AuthenticatorSmsStage {
    const KIND: &'static str = "authentik_stages_authenticator_sms.authenticatorsmsstage";
}

impl Resource for AuthenticatorSmsStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/sms", Self::KIND, "AuthenticatorSMSStage")
            .verbose("SMS Authenticator Setup Stage", "SMS Authenticator Setup Stages")
            .component("ak-stage-authenticator-sms-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk", "configure_flow", "friendly_name", "provider", "from_number"])
            .filter(&["account_sid", "auth_type", "verify_only", "mapping"])
            // Nobody finds out a secret by asking for it.
            .filter_with("auth", "pk", Lookup::Ignored, Shape::TEXT)
            .filter_with("auth_password", "pk", Lookup::Ignored, Shape::TEXT)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        if cx.text("provider") == Provider::Generic.as_str() && http_url(cx.text("account_sid")).is_none() {
            errors.add("account_sid", "Enter a valid URL.");
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorSmsStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorSmsStage::KIND,
    component: "ak-stage-authenticator-sms",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorSmsStage>().map(|stage| stage as &dyn Stage),
    description: "Sets up codes by text message.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-sms", "pending_user": "alice", "pending_user_avatar": "",
            "phone_number_required": true,
        })
    },
};

/// Where the code is noted.
const NOTE: &str = "authenticator_sms_secret";
/// What such devices are called.
const NAME: &str = "SMS Device";
/// How long a code is good.
const LASTS: TimeDelta = TimeDelta::minutes(5);
const WRONG: &str = "Code does not match";
const TAKEN: &str = "Invalid phone number";
/// What is told where a message could not be sent; why, an event says.
const NOT_SENT: &str = "The message could not be sent.";

/// A number that is only to be recognised.
fn hashed(number: &str) -> String {
    format!("hash:{}", sha256_hex(number.as_bytes()))
}

/// A number as it is kept (E.164, with what people write between its digits taken out); `None`: it is none.
fn number(text: &str) -> Option<String> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '/' | '.')).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let fits = (6..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
    fits.then_some(number)
}

impl AuthenticatorSmsStage {
    async fn is_taken(&self, cx: &StageCx<'_>, number: &str) -> Result<bool, ApiError> {
        let sql = "SELECT id FROM sms_devices WHERE stage = $1 AND (phone_number = $2 OR phone_number = $3)";
        let params = vec![self.setup.stage.pk.into(), number.into(), hashed(number).into()];
        Ok(cx.state.store().database().query_one(sql, params).await?.is_some())
    }

    /// Sends a new code, and notes it; why not, for people.
    async fn begin(&self, cx: &mut StageCx<'_>, number: &str) -> Result<Result<(), &'static str>, ApiError> {
        if self.is_taken(cx, number).await? {
            return Ok(Err(TAKEN));
        }
        // Messages cost money: no account has them sent without end.
        cx.state.limits.account(&cx.shown().unwrap_or_default())?;
        let code = new_code(cx.state.ctx());
        Sent::note(cx, NOTE, number, &code, LASTS)?;
        Ok(send::send(cx, self, number, &code).await?.map_err(|()| NOT_SENT))
    }

    async fn keep(&self, cx: &StageCx<'_>, user: i64, number: &str) -> Result<(), ApiError> {
        let kept = if self.verify_only { hashed(number) } else { number.to_owned() };
        let actor = setup::actor(cx, user).await?;
        let pk = self.setup.stage.pk;
        let columns = vec![("phone_number", kept.into()), ("is_hashed", self.verify_only.into()), ("stage", pk.into())];
        let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
        let (ctx, request) = (cx.state.ctx(), &cx.visit.request);
        create(&mut transaction, ctx, &SMS, user, NAME, columns, actor, request).await?;
        Ok(transaction.commit().await?)
    }
}

/// The number that this flow has asked for before.
fn asked_before(cx: &StageCx<'_>) -> Option<String> {
    number(cx.plan.context.get("prompt_data")?.get("phone")?.as_str()?)
}

#[async_trait]
impl Stage for AuthenticatorSmsStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let owner = Owner::of(cx);
        if matches!(owner, Owner::Nobody) {
            return Ok(Enter::Pass);
        }
        if let (Some(number), None, Some(_)) = (asked_before(cx), Sent::noted(cx, NOTE), owner.user())
            && let Err(reason) = self.begin(cx, &number).await?
        {
            tracing::info!(reason, "a number that was given before will not do");
            setup::forget(cx, NOTE);
            // It is asked for on this page instead.
            if let Some(Value::Object(data)) = cx.plan.context.get_mut("prompt_data") {
                data.shift_remove("phone");
            }
        }
        let mut challenge = setup::challenge(cx, ENTRY.component);
        challenge.insert("phone_number_required".into(), Sent::noted(cx, NOTE).is_none().into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let mut text = |field: &str| {
            answer.text(field, Take { max: 50, ..Take::OPTIONAL }, &mut errors).filter(|text| !text.is_empty())
        };
        let (code, phone) = (text("code"), text("phone_number"));
        if !errors.is_empty() {
            return Ok(Outcome::Invalid(errors));
        }
        let invalid = |field: &str, message: &str| Ok(Outcome::Invalid(AnswerErrors::one(field, message, "invalid")));
        let Some(user) = Owner::of(cx).user() else { return invalid("phone_number", NOT_SENT) };
        let sent = Sent::noted(cx, NOTE);
        let Some(code) = code else {
            let number = match (phone.as_deref(), &sent) {
                // The page's button for another code: it goes where the first one went.
                (Some("again"), Some(sent)) => sent.to.clone(),
                (Some(phone), _) => match number(phone) {
                    Some(number) => number,
                    None => return invalid("phone_number", TAKEN),
                },
                (None, _) => {
                    return Ok(Outcome::Invalid(AnswerErrors::one(
                        "phone_number",
                        "This field is required.",
                        "required",
                    )));
                }
            };
            if sent.is_some_and(|sent| !sent.may_repeat(cx.state.ctx().now())) {
                return Ok(Outcome::Invalid(AnswerErrors::default()));
            }
            return match self.begin(cx, &number).await? {
                Ok(()) => Ok(Outcome::Invalid(AnswerErrors::default())),
                Err(message) => {
                    setup::forget(cx, NOTE);
                    invalid("phone_number", message)
                }
            };
        };
        let right = match sent {
            Some(sent) => sent.check(cx, NOTE, &code)?,
            None => None,
        };
        let Some(sent) = right else { return invalid("code", WRONG) };
        if self.is_taken(cx, &sent.to).await? {
            setup::forget(cx, NOTE);
            return invalid("phone_number", TAKEN);
        }
        self.keep(cx, user, &sent.to).await?;
        setup::forget(cx, NOTE);
        Ok(Outcome::Next)
    }
}
