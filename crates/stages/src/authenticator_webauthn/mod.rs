//! Sets up a passkey or security key.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_devices::{WEBAUTHN, WebAuthnDeviceType, create, of_user};
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry};
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Computed, Field, Fields, Kind, Resource, Shape, Spec, choices};
use vestibule_store::{DocumentType, Durability};

use crate::authenticator_validate::{UserVerification, WebAuthnHint};
use crate::ceremony::{self, Made, Wanted};
use crate::setup::{self, Owner, SetupBase};

mod factor;
#[cfg(test)]
mod tests;

pub(crate) use factor::WebAuthnFactor;

choices! {
    /// Of what sort a device is (WebAuthn Level 3, section 5.4.5).
    pub enum Attachment: "AuthenticatorAttachmentEnum" {
        Platform = "platform" "Built in",
        CrossPlatform = "cross-platform" "To be plugged in",
    }
}

/// Sets up a passkey or security key.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorWebAuthnStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Whether the device makes sure who holds it.
    #[field(default = "preferred")]
    pub user_verification: UserVerification,
    /// Of what sort the device is; null: any.
    pub authenticator_attachment: Option<Attachment>,
    /// Whether the device keeps the key, so that nobody has to say who they are.
    #[field(default = "preferred")]
    pub resident_key_requirement: UserVerification,
    /// Which devices a browser offers first.
    #[field(default = [])]
    pub hints: Vec<WebAuthnHint>,
    /// Models that are let through; none: all.
    #[field(references = "authentik_stages_authenticator_webauthn.webauthndevicetype", default = [])]
    pub device_type_restrictions: Vec<Uuid>,
    /// The same models with what is known of them.
    #[field(shape = Shape::Object("WebAuthnDeviceType", type_fields).list(), computed = restrictions)]
    pub device_type_restrictions_obj: Computed,
    /// How many tries somebody has; zero: any number.
    #[field(min = 0, default = 0)]
    pub max_attempts: i64,
}

fn type_fields() -> Vec<Field> {
    vec![Field::of::<Uuid>("aaguid", ""), Field::of::<String>("description", "")]
}

fn restrictions(represent: &vestibule_resource::Represent<'_>, object: &Object) -> Value {
    ceremony::described(represent.configuration, object.get("device_type_restrictions").unwrap_or(&Value::Null))
}

impl DocumentType for AuthenticatorWebAuthnStage {
    const KIND: &'static str = "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage";
}

impl Resource for AuthenticatorWebAuthnStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/webauthn", Self::KIND, "AuthenticatorWebAuthnStage")
            .verbose("WebAuthn Authenticator Setup Stage", "WebAuthn Authenticator Setup Stages")
            .component("ak-stage-authenticator-webauthn-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "configure_flow", "user_verification", "authenticator_attachment"])
            .filter(&["resident_key_requirement", "device_type_restrictions", "max_attempts"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorWebAuthnStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorWebAuthnStage::KIND,
    component: "ak-stage-authenticator-webauthn",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorWebAuthnStage>().map(|stage| stage as &dyn Stage),
    description: "Sets up a passkey or security key.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-webauthn", "pending_user": "alice", "pending_user_avatar": "",
            "registration": {"challenge": "c2FtcGxl", "rp": {"name": "Vestibule", "id": "id.example"}},
        })
    },
};

/// Where what the answer will be compared with is noted, with the options that were shown.
const NOTE: &str = "authenticator_webauthn_secret";
/// Where tries are counted.
const ATTEMPTS: &str = "authenticator_webauthn_attempts";
/// What such devices are called, where their model says nothing.
const NAME: &str = "WebAuthn Device";

impl AuthenticatorWebAuthnStage {
    fn attachment(&self) -> &'static str {
        let all = |some: &[WebAuthnHint]| !self.hints.is_empty() && self.hints.iter().all(|hint| some.contains(hint));
        match &self.authenticator_attachment {
            Some(attachment) => attachment.as_str(),
            // Browsers that know no hints learn as much by this.
            None if all(&[WebAuthnHint::SecurityKey, WebAuthnHint::Hybrid]) => "cross-platform",
            None if all(&[WebAuthnHint::ClientDevice]) => "platform",
            None => "",
        }
    }

    /// The options that were shown, or new ones.
    async fn options(&self, cx: &mut StageCx<'_>) -> Result<Value, ApiError> {
        if let Some(options) = setup::noted(cx, NOTE).and_then(|noted| noted.get("options").cloned()) {
            return Ok(options);
        }
        let user = match cx.user() {
            Some(pk) => cx.state.users.by_pk(pk).await?,
            None => None,
        };
        let known = match &user {
            Some(user) => of_user(cx.state.store().database(), &[&WEBAUTHN], user.pk).await?,
            None => Vec::new(),
        };
        let shown = cx.shown().unwrap_or_default();
        let handle = user.as_ref().map_or_else(|| cx.state.ctx().uuid().to_string(), |user| user.uid.clone());
        let (name, display) = user.as_ref().map_or((shown.as_str(), ""), |user| (&user.username, &user.name));
        let (options, state) = ceremony::begin_registration(
            cx,
            &Wanted {
                user: (&handle, name, display),
                known: &known,
                verification: self.user_verification,
                resident: self.resident_key_requirement,
                attachment: self.attachment(),
                hints: &self.hints,
            },
        )?;
        setup::note(cx, NOTE, &json!({"options": options, "state": state}))?;
        Ok(options)
    }

    /// One try less; whether there is another.
    fn failed(&self, cx: &mut StageCx<'_>, message: String) -> Outcome {
        setup::forget(cx, NOTE);
        let attempts = cx.plan.context.get(ATTEMPTS).and_then(Value::as_i64).unwrap_or_default() + 1;
        cx.plan.context.insert(ATTEMPTS.into(), attempts.into());
        if self.max_attempts > 0 && attempts >= self.max_attempts {
            let brand = setup::issuer(cx);
            return Outcome::Denied(format!("Exceeded maximum attempts. Contact your {brand} administrator for help."));
        }
        Outcome::Invalid(AnswerErrors::one("response", message, "invalid"))
    }

    async fn keep(&self, cx: &StageCx<'_>, user: i64, made: Made) -> Result<bool, ApiError> {
        let model = cx.configuration.get::<WebAuthnDeviceType>(made.aaguid).filter(|model| !model.aaguid.is_nil());
        let name = model.map_or(NAME, |model| &model.description);
        let columns = vec![
            ("credential_id", made.id.into()),
            ("credential", made.credential.to_string().into()),
            ("sign_count", made.count.into()),
            ("rp_id", ceremony::rp_id(cx).into()),
            ("aaguid", made.aaguid.to_string().into()),
            ("attestation_certificate", made.certificate.into()),
        ];
        let actor = setup::actor(cx, user).await?;
        let (store, ctx, request) = (cx.state.store(), cx.state.ctx(), &cx.visit.request);
        let mut transaction = store.database().begin(Durability::Full).await?;
        match create(&mut transaction, ctx, &WEBAUTHN, user, name, columns, actor, request).await {
            Ok(_) => transaction.commit().await?,
            Err(error) if error.unique_violation().is_some() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

#[async_trait]
impl Stage for AuthenticatorWebAuthnStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if matches!(Owner::of(cx), Owner::Nobody) {
            return Ok(Enter::Pass);
        }
        let options = self.options(cx).await?;
        let mut challenge = setup::challenge(cx, ENTRY.component);
        challenge.insert("registration".into(), options);
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let Some(response) = answer.object("response") else {
            return Ok(Outcome::Invalid(AnswerErrors::one("response", "This field is required.", "required")));
        };
        let state = setup::noted(cx, NOTE).and_then(|noted| noted.get("state").cloned());
        let made = ceremony::finish_registration(cx, state.unwrap_or_default(), response);
        let made = match made {
            Ok(made) => made,
            Err(reason) => {
                tracing::info!(reason, "a passkey was not set up");
                return Ok(self.failed(cx, "Registration failed.".into()));
            }
        };
        if !ceremony::is_allowed(cx.configuration, &self.device_type_restrictions, made.aaguid) {
            let brand = setup::issuer(cx);
            return Ok(self.failed(cx, format!("Invalid device type. Contact your {brand} administrator for help.")));
        }
        if let Some(user) = Owner::of(cx).user()
            && !self.keep(cx, user, made).await?
        {
            return Ok(self.failed(cx, "Credential ID already exists.".into()));
        }
        setup::forget(cx, NOTE);
        cx.plan.context.shift_remove(ATTEMPTS);
        Ok(Outcome::Next)
    }
}
