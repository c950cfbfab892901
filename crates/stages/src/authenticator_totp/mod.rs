//! Sets up an app that shows codes.

use async_trait::async_trait;
use serde_json::json;
use vestibule_devices::{TOTP, Totp, add_secret, create};
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry, Take};
use vestibule_kernel::ApiError;
use vestibule_resource::{Fields, Kind, Resource, Spec, choices};
use vestibule_store::{DocumentType, Durability};

use crate::setup::{self, Owner, SetupBase};

mod factor;
#[cfg(test)]
mod tests;

pub(crate) use factor::TotpFactor;

choices! {
    /// How many digits a code has.
    pub enum Digits: "DigitsEnum" {
        Six = "6" "6 digits, widely compatible",
        Eight = "8" "8 digits, not compatible with apps like Google Authenticator",
    }
}

/// Sets up an app that shows codes.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorTotpStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// How many digits a code has.
    pub digits: Digits,
}

impl DocumentType for AuthenticatorTotpStage {
    const KIND: &'static str = "authentik_stages_authenticator_totp.authenticatortotpstage";
}

impl Resource for AuthenticatorTotpStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/totp", Self::KIND, "AuthenticatorTOTPStage")
            .verbose("TOTP Authenticator Setup Stage", "TOTP Authenticator Setup Stages")
            .component("ak-stage-authenticator-totp-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk", "configure_flow", "friendly_name", "digits"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorTotpStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorTotpStage::KIND,
    component: "ak-stage-authenticator-totp",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorTotpStage>().map(|stage| stage as &dyn Stage),
    description: "Sets up an app that shows codes.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-totp", "pending_user": "alice", "pending_user_avatar": "",
            "config_url": "otpauth://totp/Vestibule:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30&issuer=Vestibule",
        })
    },
};

/// Where the secret is noted until it is proved.
const NOTE: &str = "authenticator_totp_secret";
/// Bytes of a secret (RFC 4226, section 4, requirement 6).
const LENGTH: usize = 20;
/// What such devices are called.
const NAME: &str = "TOTP Authenticator";
/// What a wrong code is answered with.
const WRONG: &str = "Code does not match";

impl AuthenticatorTotpStage {
    fn totp(&self, secret: Vec<u8>) -> Totp {
        Totp { secret, digits: if self.digits == Digits::Eight { 8 } else { 6 } }
    }
}

/// The secret that was noted.
fn noted(cx: &StageCx<'_>) -> Option<Vec<u8>> {
    let bytes = setup::noted(cx, NOTE)?;
    let bytes = bytes.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
    bytes.collect()
}

/// What apps are told by (`otpauth`, the format that they have agreed on).
fn config_url(issuer: &str, account: &str, totp: &Totp) -> String {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (issuer, account, secret) = (encode(issuer), encode(account), base32(&totp.secret));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&algorithm=SHA1&digits={}&period=30&issuer={issuer}",
        totp.digits
    )
}

/// Base32 without padding (RFC 4648, section 6).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = bytes.len() * 8;
    let bit = |place: usize| bytes.get(place / 8).is_some_and(|byte| byte >> (7 - place % 8) & 1 == 1);
    let letters = (0..bits.div_ceil(5)).map(|letter| {
        let value = (0..5).fold(0_usize, |value, place| value << 1 | usize::from(bit(letter * 5 + place)));
        char::from(ALPHABET.get(value).copied().unwrap_or(b'A'))
    });
    letters.collect()
}

#[async_trait]
impl Stage for AuthenticatorTotpStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if matches!(Owner::of(cx), Owner::Nobody) {
            return Ok(Enter::Pass);
        }
        let secret = match noted(cx) {
            Some(secret) => secret,
            None => {
                let secret = cx.state.ctx().bytes::<LENGTH>().to_vec();
                setup::note(cx, NOTE, &json!(secret))?;
                secret
            }
        };
        let mut challenge = setup::challenge(cx, ENTRY.component);
        let url = config_url(&setup::issuer(cx), &cx.shown().unwrap_or_default(), &self.totp(secret));
        challenge.insert("config_url".into(), url.into());
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        let mut errors = AnswerErrors::default();
        let Some(code) = answer.text("code", Take { required: true, ..Take::OPTIONAL }, &mut errors) else {
            return Ok(Outcome::Invalid(errors));
        };
        let owner = Owner::of(cx);
        let Some(secret) = noted(cx) else { return Ok(Outcome::Invalid(AnswerErrors::one("code", WRONG, "invalid"))) };
        let totp = self.totp(secret);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let Some(step) = totp.matching(&code, cx.state.ctx().now(), 0) else {
            return Ok(Outcome::Invalid(AnswerErrors::one("code", WRONG, "invalid")));
        };
        if let Some(user) = owner.user() {
            let actor = setup::actor(cx, user).await?;
            let (store, ctx, request) = (cx.state.store(), cx.state.ctx(), &cx.visit.request);
            let columns = vec![("key_sealed", "".into()), ("digits", 6.into()), ("last_step", 0.into())];
            let mut transaction = store.database().begin(Durability::Full).await?;
            let device = create(&mut transaction, ctx, &TOTP, user, NAME, columns, actor, request).await?;
            // The code that proves the app signs nobody in afterwards.
            add_secret(&mut transaction, store.keys(), ctx, device, &totp, step).await?;
            transaction.commit().await?;
        }
        setup::forget(cx, NOTE);
        Ok(Outcome::Next)
    }
}
