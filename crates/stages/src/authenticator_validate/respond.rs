//! What is asked of somebody with these devices, and what an answer does.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_devices::{Attempts, DeviceKind, DeviceRow, Tried, of_user};
use vestibule_events::Event;
use vestibule_flow::{Answer, AnswerErrors, Designation, Enter, Outcome, Stage, StageCx, Supposed, Supposing, Take};
use vestibule_kernel::error::NON_FIELD;
use vestibule_kernel::{Actor, ApiError, Object, duration};
use vestibule_store::{Durability, Transaction};

use super::factor::usable;
use super::{AuthenticatorValidateStage, DeviceClass, Factor, NotConfiguredAction, Takes, mark, passkey};
use crate::setup;

/// To whom no device belongs.
const NO_DEVICE: &str = "No (allowed) MFA authenticator configured.";
/// To whom should set one up, where no stage can do that.
const NOTHING_TO_SET_UP: &str = "A second factor has to be set up, but there is nothing here to do it with.";
/// To whom nobody knows: a device belongs to somebody.
const NO_USER: &str = "No pending user.";
/// To whom has a wrong code.
const WRONG: &str = "Invalid Token. Please ensure the time on your device is accurate and try again.";
/// A key that no user has: looking for their devices costs what looking for a user's costs.
const NOBODY: i64 = -1;
/// Where the plan keeps which devices were used.
const ARGUMENTS: &str = "auth_method_args";

/// Why an answer is not enough.
#[derive(Debug)]
pub(crate) struct Refused {
    field: &'static str,
    message: String,
}

impl Refused {
    /// Because of a field of it.
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }

    /// The same, as an outcome.
    pub(crate) fn outcome(self) -> Outcome {
        Outcome::Invalid(AnswerErrors::one(self.field, self.message, "invalid"))
    }
}

/// Who is asked.
enum Asked {
    /// This user, or somebody pretended, who has no devices.
    Somebody(i64),
    /// Whoever has a passkey for this host.
    Whoever,
    /// Nobody: nothing can be asked.
    Nobody,
}

impl AuthenticatorValidateStage {
    fn asked(&self, cx: &StageCx<'_>) -> Asked {
        match (cx.user(), cx.plan.pending.is_some()) {
            (Some(user), _) => Asked::Somebody(user),
            (None, true) => Asked::Somebody(NOBODY),
            (None, false)
                if cx.flow.designation == Designation::Authentication
                    && self.device_classes.contains(&DeviceClass::WebAuthn) =>
            {
                Asked::Whoever
            }
            (None, false) => Asked::Nobody,
        }
    }

    /// What somebody without a device meets.
    fn without_device(&self, cx: &mut StageCx<'_>) -> Enter {
        match self.not_configured_action {
            NotConfiguredAction::Skip => Enter::Pass,
            NotConfiguredAction::Deny => Enter::Deny(NO_DEVICE.into()),
            NotConfiguredAction::Configure => match self.choices(cx).as_slice() {
                [] => Enter::Deny(NOTHING_TO_SET_UP.into()),
                [(only, _)] => {
                    cx.insert_stage(*only);
                    Enter::Pass
                }
                several => {
                    Enter::Ask(question(cx, Vec::new(), several.iter().map(|(_, shown)| shown.clone()).collect()))
                }
            },
        }
    }

    /// The stages by which somebody sets up a device, as far as this server carries them out.
    fn choices(&self, cx: &StageCx<'_>) -> Vec<(Uuid, Value)> {
        let found = self.configuration_stages.iter().filter_map(|pk| {
            let document = cx.configuration.find(*pk)?;
            cx.state.stages.entry(document)?;
            let kind = cx.state.api.registry.kind(document.kind)?;
            let friendly = Some(document.text("friendly_name")).filter(|name| !name.is_empty());
            Some((
                *pk,
                json!({
                    "pk": pk,
                    "name": friendly.unwrap_or(document.text("name")),
                    "verbose_name": kind.spec.verbose_name().replace("Setup Stage", "").trim(),
                    "meta_model_name": document.kind,
                }),
            ))
        });
        found.collect()
    }

    async fn with_devices(
        &self,
        cx: &mut StageCx<'_>,
        usable: &[(&'static dyn Factor, Vec<DeviceRow>)],
    ) -> Result<Enter, ApiError> {
        let mut challenges = Vec::new();
        for (factor, devices) in usable {
            let Some(first) = devices.first() else { continue };
            let challenge = factor.challenge(self, cx, devices).await?;
            let last_used = devices.iter().filter_map(|device| device.last_used).max();
            challenges.push(json!({
                "device_class": factor.kind().class, "device_uid": first.pk.to_string(), "challenge": challenge,
                "last_used": last_used.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
            }));
        }
        Ok(Enter::Ask(question(cx, challenges, Vec::new())))
    }

    /// Tries a code with whatever devices of the user take codes.
    async fn try_code(&self, cx: &mut StageCx<'_>, user: i64, code: &str) -> Result<Option<DeviceRow>, ApiError> {
        let takes_codes = |factor: &&'static dyn Factor| {
            let class = factor.kind().class;
            factor.takes() == Takes::Code && self.device_classes.iter().any(|allowed| allowed.as_str() == class)
        };
        let kinds = crate::factors().into_iter().filter(takes_codes);
        let kinds = kinds.map(|factor| (factor.kind(), factor.throttling(self))).collect();
        let known = cx.state.users.by_pk(user).await?;
        let name = known.as_ref().map_or_else(|| cx.shown().unwrap_or_default(), |user| user.username.clone());
        let locked = cx.state.policies.is_locked(cx.configuration, &name).await?;
        let attempts = Attempts { keys: cx.state.store().keys(), now: cx.state.ctx().now(), kinds };
        let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
        // A lock says what a wrong code does, and uses no code up.
        let tried = if locked { Tried::Wrong } else { attempts.make(&mut transaction, user, code).await? };
        let right = match tried {
            Tried::Right(device) => Some(*device),
            Tried::Wrong => {
                self.write_failure(
                    cx,
                    &mut transaction,
                    known.map(|user| (user.pk, user.username, user.email)),
                    "totp",
                )
                .await?;
                None
            }
        };
        transaction.commit().await?;
        Ok(right)
    }

    async fn write_failure(
        &self,
        cx: &StageCx<'_>,
        transaction: &mut Transaction,
        user: Option<(i64, String, String)>,
        class: &str,
    ) -> Result<(), ApiError> {
        let name = user.as_ref().map_or_else(|| cx.shown().unwrap_or_default(), |(_, name, _)| name.clone());
        let actor = user.map_or(Actor::Anonymous, |(pk, username, email)| Actor::User { pk, username, email });
        let context = json!({
            "username": name,
            "auth_method_args": {"device_class": class},
            "stage": {
                "pk": self.stage.pk.simple().to_string(), "app": "authentik_stages_authenticator_validate",
                "name": self.stage.name, "model_name": "authenticatorvalidatestage",
            },
        });
        let event = Event::new("login_failed", "authentik.events.signals", actor);
        event.context(context).request(&cx.visit.request).write(cx.state.ctx(), transaction).await?;
        cx.state.policies.count_failure(transaction, &name, &cx.visit.request).await?;
        Ok(())
    }

    /// A device was used: the plan knows, and so does the browser.
    pub(crate) fn note_used(&self, cx: &mut StageCx<'_>, device: &DeviceRow) {
        let (app, model) = device.kind.model.split_once('.').unwrap_or_default();
        let used = json!({
            "pk": device.pk, "app": app, "model_name": model, "name": device.name, "device_class": device.kind.class,
        });
        if cx.plan.authenticated.is_none() {
            cx.plan.context.entry("auth_method").or_insert_with(|| "auth_mfa".into());
        }
        let arguments = cx.plan.context.entry(ARGUMENTS).or_insert_with(|| json!({}));
        if let Some(arguments) = arguments.as_object_mut() {
            match arguments.entry("mfa_devices").or_insert_with(|| json!([])) {
                Value::Array(devices) => devices.push(used),
                other => *other = json!([used]),
            }
        }
        mark::set(self, cx, device);
    }

    async fn selected(&self, cx: &mut StageCx<'_>, user: i64, selected: &Object) -> Result<Outcome, ApiError> {
        let text = |name: &str| match selected.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let (class, uid) = (text("device_class"), text("device_uid"));
        for (factor, devices) in usable(self, cx, user).await? {
            let device = devices.iter().find(|device| device.kind.class == class && device.pk.to_string() == uid);
            if let Some(device) = device {
                return Ok(match factor.select(cx, device).await? {
                    // The same question again; nothing was wrong.
                    Ok(()) => Outcome::Invalid(AnswerErrors::default()),
                    Err(message) => Outcome::Invalid(AnswerErrors::one("selected_challenge", message, "invalid")),
                });
            }
        }
        Ok(Outcome::Invalid(AnswerErrors::one("selected_challenge", "invalid challenge selected", "invalid")))
    }

    async fn pushed(&self, cx: &mut StageCx<'_>, user: i64, uid: &str) -> Result<Outcome, ApiError> {
        for (factor, devices) in usable(self, cx, user).await? {
            let found = devices.into_iter().find(|device| device.pk.to_string() == uid);
            let (Takes::Push, Some(device)) = (factor.takes(), found) else { continue };
            return Ok(match factor.push(cx, &device).await? {
                Ok(()) => {
                    self.note_used(cx, &device);
                    Outcome::Next
                }
                Err(message) => {
                    fail(self, cx, user, factor.kind().class).await?;
                    Outcome::Invalid(AnswerErrors::one("duo", message, "denied"))
                }
            });
        }
        Ok(Outcome::Invalid(AnswerErrors::one("duo", "Invalid device", "invalid")))
    }
}

fn question(cx: &StageCx<'_>, challenges: Vec<Value>, stages: Vec<Value>) -> Object {
    let mut question = setup::challenge(cx, super::ENTRY.component);
    question.insert("device_challenges".into(), challenges.into());
    question.insert("configuration_stages".into(), stages.into());
    question
}

/// Whether this very plan has seen a device used that would do here: a passkey that said who is there.
fn was_used(cx: &StageCx<'_>, usable: &[(&'static dyn Factor, Vec<DeviceRow>)]) -> bool {
    if cx.plan.authenticated.as_deref() != Some(passkey::ALONE) {
        return false;
    }
    let used = cx.plan.context.get(ARGUMENTS).and_then(|arguments| arguments.get("mfa_devices")?.as_array());
    let has =
        |class: &str, pk: i64| used.into_iter().flatten().any(|one| one["pk"] == pk && one["device_class"] == class);
    usable.iter().any(|(factor, devices)| devices.iter().any(|device| has(factor.kind().class, device.pk)))
}

/// Writes that somebody's device was refused, and counts it.
pub(super) async fn fail(
    stage: &AuthenticatorValidateStage,
    cx: &StageCx<'_>,
    user: i64,
    class: &str,
) -> Result<(), ApiError> {
    let known = cx.state.users.by_pk(user).await?.map(|user| (user.pk, user.username, user.email));
    let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
    stage.write_failure(cx, &mut transaction, known, class).await?;
    Ok(transaction.commit().await?)
}

#[async_trait]
impl Stage for AuthenticatorValidateStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let user = match self.asked(cx) {
            Asked::Somebody(user) => user,
            Asked::Nobody => return Ok(Enter::Deny(NO_USER.into())),
            Asked::Whoever => {
                let challenge = json!({
                    "device_class": "webauthn", "device_uid": "-1", "challenge": passkey::offer(self, cx, &[])?,
                    "last_used": null,
                });
                return Ok(Enter::Ask(question(cx, vec![challenge], Vec::new())));
            }
        };
        let usable = usable(self, cx, user).await?;
        if usable.is_empty() {
            return Ok(self.without_device(cx));
        }
        let mut devices = usable.iter().flat_map(|(_, devices)| devices);
        if was_used(cx, &usable) || mark::is_fresh(self, cx, user, &mut devices) {
            return Ok(Enter::Pass);
        }
        self.with_devices(cx, &usable).await
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let user = match self.asked(cx) {
            Asked::Somebody(user) => user,
            Asked::Nobody => return Ok(Outcome::Denied(NO_USER.into())),
            Asked::Whoever => {
                let Some(response) = answer.object("webauthn") else {
                    return Ok(Outcome::Invalid(AnswerErrors::one(NON_FIELD, "Empty response", "invalid")));
                };
                return Ok(match passkey::sign_in(self, cx, response).await? {
                    Ok(device) => {
                        self.note_used(cx, &device);
                        Outcome::Next
                    }
                    Err(refused) => refused.outcome(),
                });
            }
        };
        if usable(self, cx, user).await?.is_empty() {
            return Ok(self.choose(cx, answer));
        }
        let mut errors = AnswerErrors::default();
        let optional = |field: &str, errors: &mut AnswerErrors| {
            answer.text(field, Take { max: 200, ..Take::OPTIONAL }, errors).filter(|text| !text.is_empty())
        };
        let code = optional("code", &mut errors);
        let duo = optional("duo", &mut errors);
        let webauthn = answer.object("webauthn");
        if !errors.is_empty() {
            return Ok(Outcome::Invalid(errors));
        }
        if let Some(response) = webauthn {
            return Ok(match passkey::check(self, cx, Some(user), response).await? {
                Ok(device) => {
                    self.note_used(cx, &device);
                    Outcome::Next
                }
                Err(refused) => refused.outcome(),
            });
        }
        if let Some(code) = code {
            let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
            return Ok(match self.try_code(cx, user, &code).await? {
                Some(device) => {
                    self.note_used(cx, &device);
                    Outcome::Next
                }
                None => Outcome::Invalid(AnswerErrors::one("code", WRONG, "invalid")),
            });
        }
        if let Some(uid) = duo {
            return self.pushed(cx, user, &uid).await;
        }
        match answer.object("selected_challenge") {
            Some(selected) => self.selected(cx, user, &selected).await,
            None => Ok(Outcome::Invalid(AnswerErrors::one(NON_FIELD, "Empty response", "invalid"))),
        }
    }

    async fn suppose(&self, cx: &mut Supposing<'_>) -> Result<Option<Supposed>, ApiError> {
        let Some(user) = cx.user() else {
            let whoever = cx.flow.designation == Designation::Authentication
                && self.device_classes.contains(&DeviceClass::WebAuthn);
            let is_nobody = cx.plan.pending.is_none() && !whoever;
            return Ok(Some(if is_nobody { Supposed::Denies(NO_USER.into()) } else { Supposed::Depends }));
        };
        let counts = |kind: &DeviceKind| self.device_classes.iter().any(|class| class.as_str() == kind.class);
        let kinds = crate::factors().into_iter().map(Factor::kind);
        let kinds: Vec<&'static DeviceKind> = kinds.filter(|kind| counts(kind)).collect();
        let has_devices = !of_user(cx.store.database(), &kinds, user).await?.is_empty();
        // Whether a device was used a while ago its browser knows.
        let forgets = duration::parse(&self.last_auth_threshold).is_ok_and(|threshold| threshold.is_zero());
        Ok(Some(match (has_devices, self.not_configured_action) {
            (true, _) if forgets => Supposed::Asks,
            (true, _) | (false, NotConfiguredAction::Configure) => Supposed::Depends,
            (false, NotConfiguredAction::Skip) => Supposed::Skips,
            (false, NotConfiguredAction::Deny) => Supposed::Denies(NO_DEVICE.into()),
        }))
    }
}

impl AuthenticatorValidateStage {
    /// What an answer of somebody without a device does: they may choose what to set up.
    fn choose(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Outcome {
        match self.not_configured_action {
            NotConfiguredAction::Skip => Outcome::Next,
            NotConfiguredAction::Deny => Outcome::Denied(NO_DEVICE.into()),
            NotConfiguredAction::Configure => {
                let mut errors = AnswerErrors::default();
                let chosen = answer.text("selected_stage", Take { required: true, ..Take::OPTIONAL }, &mut errors);
                let choices = self.choices(cx);
                if choices.is_empty() {
                    return Outcome::Denied(NOTHING_TO_SET_UP.into());
                }
                let Some(chosen) = chosen else { return Outcome::Invalid(errors) };
                match choices.into_iter().find(|(pk, _)| pk.to_string() == chosen) {
                    Some((pk, _)) => {
                        cx.insert_stage(pk);
                        Outcome::Next
                    }
                    None => {
                        Outcome::Invalid(AnswerErrors::one("selected_stage", "Selected stage is invalid", "invalid"))
                    }
                }
            }
        }
    }
}
