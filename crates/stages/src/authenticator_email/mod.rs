//! Sets up codes by e-mail.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;
use vestibule_devices::{EMAIL, create};
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry, Take};
use vestibule_kernel::{ApiError, FieldErrors, duration};
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec, Validation};
use vestibule_store::{DocumentType, Durability};

use crate::email::outgoing::{self, Outgoing};
use crate::sent::{Sent, new_code};
use crate::setup::{self, Owner, SetupBase};

pub(crate) mod deliver;
mod factor;
#[cfg(test)]
mod tests;

pub(crate) use factor::EmailFactor;

/// Sets up codes by e-mail.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorEmailStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// Where its mails go out.
    #[field(flatten)]
    pub outgoing: Outgoing,
    /// The subject.
    #[field(default = "authentik Sign-in code")]
    pub subject: String,
    /// How long a code is good.
    #[field(format = Duration, default = "minutes=30")]
    pub token_expiry: String,
    /// The mail's template; `stages/email/templates/` lists them.
    #[field(default = "email/email_otp.html")]
    pub template: String,
}

impl DocumentType for AuthenticatorEmailStage {
    const KIND: &'static str = "authentik_stages_authenticator_email.authenticatoremailstage";
}

impl Resource for AuthenticatorEmailStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/email", Self::KIND, "AuthenticatorEmailStage")
            .verbose("Email Authenticator Setup Stage", "Email Authenticator Setup Stages")
            .component("ak-stage-authenticator-email-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&[
                "name",
                "stage_uuid=pk",
                "configure_flow",
                "friendly_name",
                "use_global_settings",
                "host",
                "port",
            ])
            .filter(&[
                "username",
                "use_tls",
                "use_ssl",
                "timeout",
                "from_address",
                "subject",
                "token_expiry",
                "template",
            ])
            // Nobody finds out a password by asking for it.
            .filter_with("password", "pk", Lookup::Ignored, Shape::TEXT)
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        outgoing::validate(cx, errors);
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorEmailStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorEmailStage::KIND,
    component: "ak-stage-authenticator-email",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorEmailStage>().map(|stage| stage as &dyn Stage),
    description: "Sets up codes by e-mail.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-email", "pending_user": "alice", "pending_user_avatar": "",
            "email": "a****@e******.com", "email_required": false,
        })
    },
};

/// Where the code is noted.
const NOTE: &str = "authenticator_email_secret";
/// What such devices are called.
const NAME: &str = "Email Device";
const WRONG: &str = "Code does not match";
const THERE: &str = "The user already has an email address registered for MFA.";
const NO_ADDRESS: &str = "There is no e-mail address that a code could be sent to.";
const TAKEN: &str = "Invalid email";

/// An address with all hidden but what its owner knows it by.
pub(crate) fn masked(address: &str) -> String {
    let hide = |part: &str| {
        let length = part.chars().count();
        let first = part.chars().take(usize::from(length > 2));
        first.chain(std::iter::repeat_n('*', length - usize::from(length > 2))).collect::<String>()
    };
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let (host, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
    let host: Vec<String> = host.split('.').map(hide).collect();
    format!("{}@{}.{top}", hide(local), host.join("."))
}

impl AuthenticatorEmailStage {
    /// How long a code is good.
    pub(crate) fn lasts(&self) -> TimeDelta {
        duration::parse(&self.token_expiry).unwrap_or_default()
    }

    /// The address of a user: their own, or one that this flow has asked for before. Never one of the present request.
    async fn recipient(cx: &StageCx<'_>, user: i64) -> Result<Option<String>, ApiError> {
        let own = cx.state.users.by_pk(user).await?.map(|user| user.email);
        let asked = || cx.plan.context.get("prompt_data")?.get("email")?.as_str().map(str::to_owned);
        Ok(own.filter(|email| !email.is_empty()).or_else(asked).filter(|email| email.contains('@')))
    }

    /// Why an address will not do for a user; `None`: it will.
    async fn refusal(&self, cx: &StageCx<'_>, user: i64, email: &str) -> Result<Option<&'static str>, ApiError> {
        let sql = "SELECT user_id FROM email_devices WHERE stage = $1 AND (user_id = $2 OR email = $3)";
        let params = vec![self.setup.stage.pk.into(), user.into(), email.into()];
        let rows = cx.state.store().database().query(sql, params).await?;
        let owners: Vec<i64> = rows.iter().map(|row| row.int("user_id")).collect::<Result<_, _>>()?;
        Ok(match owners.as_slice() {
            [] => None,
            owners if owners.contains(&user) => Some(THERE),
            _ => Some(TAKEN),
        })
    }

    /// Sends a new code, and notes it.
    async fn send(&self, cx: &mut StageCx<'_>, email: &str) -> Result<(), ApiError> {
        let code = new_code(cx.state.ctx());
        let user = cx.user();
        let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
        deliver::enqueue(cx, &mut transaction, self, user, email, &code).await?;
        transaction.commit().await?;
        Sent::note(cx, NOTE, email, &code, self.lasts())
    }

    async fn keep(&self, cx: &StageCx<'_>, user: i64, email: &str) -> Result<(), ApiError> {
        let actor = setup::actor(cx, user).await?;
        let columns = vec![("email", email.into()), ("stage", self.setup.stage.pk.into())];
        let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
        let (ctx, request) = (cx.state.ctx(), &cx.visit.request);
        create(&mut transaction, ctx, &EMAIL, user, NAME, columns, actor, request).await?;
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl Stage for AuthenticatorEmailStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        let email = match Owner::of(cx) {
            Owner::Nobody => return Ok(Enter::Pass),
            Owner::Pretended => cx.shown().unwrap_or_default(),
            Owner::User(user) => {
                let Some(email) = Self::recipient(cx, user).await? else { return Ok(Enter::Deny(NO_ADDRESS.into())) };
                if let Some(refusal) = self.refusal(cx, user, &email).await? {
                    return Ok(Enter::Deny(refusal.into()));
                }
                if Sent::noted(cx, NOTE).is_none_or(|sent| sent.to != email) {
                    self.send(cx, &email).await?;
                }
                email
            }
        };
        let mut challenge = setup::challenge(cx, ENTRY.component);
        challenge.insert("email".into(), masked(&email).into());
        challenge.insert("email_required".into(), false.into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let code = answer.text("code", Take { max: 20, ..Take::OPTIONAL }, &mut errors).filter(|code| !code.is_empty());
        if !errors.is_empty() {
            return Ok(Outcome::Invalid(errors));
        }
        let Some(user) = Owner::of(cx).user() else {
            return Ok(Outcome::Invalid(AnswerErrors::one("code", WRONG, "invalid")));
        };
        let sent = Sent::noted(cx, NOTE);
        let Some(code) = code else {
            // Whoever names an address asks for another code: it goes where the first one went.
            let repeated = sent.filter(|_| answer.has("email"));
            return Ok(match repeated {
                Some(sent) if sent.may_repeat(cx.state.ctx().now()) => {
                    self.send(cx, &sent.to).await?;
                    Outcome::Invalid(AnswerErrors::default())
                }
                Some(_) => Outcome::Invalid(AnswerErrors::default()),
                None => Outcome::Invalid(AnswerErrors::one("code", "This field is required.", "required")),
            });
        };
        let right = match sent {
            Some(sent) => sent.check(cx, NOTE, &code)?,
            None => None,
        };
        let Some(sent) = right else { return Ok(Outcome::Invalid(AnswerErrors::one("code", WRONG, "invalid"))) };
        if let Some(refusal) = self.refusal(cx, user, &sent.to).await? {
            return Ok(Outcome::Denied(refusal.into()));
        }
        self.keep(cx, user, &sent.to).await?;
        setup::forget(cx, NOTE);
        Ok(Outcome::Next)
    }
}
