//! Sets up Duo.

use async_trait::async_trait;
use serde_json::{Value, json};
use vestibule_devices::{DUO, create};
use vestibule_events::Event;
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry};
use vestibule_kernel::{Actor, ApiError, FieldErrors};
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation};
use vestibule_store::{DocumentType, Durability};

use crate::setup::{self, Owner, SetupBase};

mod client;
mod factor;
mod import;
#[cfg(test)]
mod tests;

pub(crate) use factor::DuoFactor;

/// Sets up Duo.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorDuoStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Duo's name for this server.
    pub client_id: String,
    /// The secret to it.
    #[field(write_only, sealed)]
    pub client_secret: String,
    /// The host of Duo's that answers.
    pub api_hostname: String,
    /// Duo's name for this server as an administrator; empty: it is none.
    #[field(blank, default = "")]
    pub admin_integration_key: String,
    /// The secret to that.
    #[field(blank, raw, write_only, sealed, default = "")]
    pub admin_secret_key: String,
}

impl DocumentType for AuthenticatorDuoStage {
    const KIND: &'static str = "authentik_stages_authenticator_duo.authenticatorduostage";
}

impl Resource for AuthenticatorDuoStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/duo", Self::KIND, "AuthenticatorDuoStage")
            .verbose("Duo Authenticator Setup Stage", "Duo Authenticator Setup Stages")
            .component("ak-stage-authenticator-duo-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "configure_flow", "client_id", "api_hostname"])
            .operation(import::status())
            .operation(import::manual())
            .operation(import::automatic())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let host = cx.text("api_hostname");
        if cx.given.contains_key("api_hostname") && url::Url::parse(&client::base(host)).is_err() {
            errors.add("api_hostname", "Enter a valid host name.");
        }
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorDuoStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorDuoStage::KIND,
    component: "ak-stage-authenticator-duo",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorDuoStage>().map(|stage| stage as &dyn Stage),
    description: "Sets up Duo.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-duo", "pending_user": "alice", "pending_user_avatar": "",
            "activation_barcode": "https://api.example.com/qr?value=x", "activation_code": "duo://activation",
            "stage_uuid": "00000000-0000-0000-0000-000000000000",
        })
    },
};

/// Where what Duo said at the enrolment is noted.
const NOTE: &str = "authenticator_duo_secret";
/// What such devices are called.
const NAME: &str = "Duo Authenticator";

/// An enrolment that has begun.
pub(crate) struct Enrollment {
    /// Duo's name for the user.
    pub user: String,
    /// What activates the app.
    pub code: String,
    barcode: String,
}

impl Enrollment {
    /// The one that a plan has noted.
    fn noted(cx: &StageCx<'_>) -> Option<Self> {
        let noted = setup::noted(cx, NOTE)?;
        Self::read(&noted)
    }

    fn read(noted: &Value) -> Option<Self> {
        let text = |field: &str| noted.get(field).and_then(Value::as_str).map(str::to_owned);
        Some(Self { user: text("user_id")?, code: text("activation_code")?, barcode: text("activation_barcode")? })
    }
}

/// Writes why Duo did not do as it was asked: never a secret.
async fn write_failure(cx: &StageCx<'_>, message: String) -> Result<(), ApiError> {
    tracing::warn!(message, "Duo failed");
    let event = Event::new("configuration_error", "authentik.stages.authenticator_duo.stage", Actor::System);
    let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
    let event = event.context(json!({"message": message})).request(&cx.visit.request);
    event.write(cx.state.ctx(), &mut transaction).await?;
    Ok(transaction.commit().await?)
}

#[async_trait]
impl Stage for AuthenticatorDuoStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let Some(user) = Owner::of(cx).user() else {
            // Duo would have to be told of somebody; of nobody it is not, and nobody is told so.
            return Ok(if cx.plan.pending.is_some() {
                Enter::Deny("Duo cannot be set up.".into())
            } else {
                Enter::Pass
            });
        };
        let enrollment = match Enrollment::noted(cx) {
            Some(enrollment) => enrollment,
            None => {
                let username = cx.state.users.by_pk(user).await?.map(|user| user.username).unwrap_or_default();
                let answer = client::enroll(&cx.state.api, self, &username).await;
                let read = answer.and_then(|answer| {
                    Enrollment::read(&answer).map(|read| (read, answer)).ok_or_else(|| "an answer that is none".into())
                });
                match read {
                    Ok((enrollment, answer)) => {
                        setup::note(cx, NOTE, &answer)?;
                        enrollment
                    }
                    Err(reason) => {
                        write_failure(cx, format!("Failed to enroll user: {reason}")).await?;
                        return Ok(Enter::Deny("Duo cannot be set up.".into()));
                    }
                }
            }
        };
        let mut challenge = setup::challenge(cx, ENTRY.component);
        challenge.insert("activation_barcode".into(), enrollment.barcode.into());
        challenge.insert("activation_code".into(), enrollment.code.into());
        challenge.insert("stage_uuid".into(), self.setup.stage.pk.to_string().into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if !answer.has("component") {
            return Ok(Outcome::Invalid(AnswerErrors::one("component", "This field is required.", "required")));
        }
        let (Some(user), Some(enrollment)) = (Owner::of(cx).user(), Enrollment::noted(cx)) else {
            return Ok(Outcome::Invalid(AnswerErrors::whole("Duo has not been asked yet.")));
        };
        match client::enrollment_status(&cx.state.api, self, &enrollment).await {
            Ok("success") => {}
            // The app was not told yet; the person may try again. What has ended begins anew.
            Ok(status) => {
                if status == "invalid" {
                    setup::forget(cx, NOTE);
                }
                return Ok(Outcome::Invalid(AnswerErrors::whole(format!("Invalid enrollment status: {status}."))));
            }
            Err(reason) => {
                write_failure(cx, format!("Failed to enroll user: {reason}")).await?;
                return Ok(Outcome::Denied("Duo cannot be set up.".into()));
            }
        }
        let actor = setup::actor(cx, user).await?;
        let columns = vec![("stage", self.setup.stage.pk.into()), ("duo_user_id", enrollment.user.into())];
        let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
        let (ctx, request) = (cx.state.ctx(), &cx.visit.request);
        create(&mut transaction, ctx, &DUO, user, NAME, columns, actor, request).await?;
        transaction.commit().await?;
        setup::forget(cx, NOTE);
        Ok(Outcome::Next)
    }
}
