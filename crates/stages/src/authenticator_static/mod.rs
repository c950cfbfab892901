//! Gives somebody recovery codes.

use async_trait::async_trait;
use serde_json::{Value, json};
use vestibule_devices::{RECOVERY_CODES, add_tokens, create};
use vestibule_flow::{Answer, AnswerErrors, Enter, Outcome, STAGES, Stage, StageCx, StageEntry};
use vestibule_kernel::ApiError;
use vestibule_resource::{Fields, Kind, Resource, Spec};
use vestibule_store::{DocumentType, Durability};

use crate::setup::{self, Owner, SetupBase};

mod factor;
#[cfg(test)]
mod tests;

pub(crate) use factor::StaticFactor;

/// Gives somebody recovery codes, shown once.
#[derive(Clone, Debug, Fields)]
pub struct AuthenticatorStaticStage {
    /// What every such stage has.
    #[field(flatten)]
    pub setup: SetupBase,
    /// How many codes.
    #[field(min = 0, default = 6)]
    pub token_count: i64,
    /// How many characters each has.
    #[field(min = 0, max = 100, default = 12)]
    pub token_length: i64,
}

impl DocumentType for AuthenticatorStaticStage {
    const KIND: &'static str = "authentik_stages_authenticator_static.authenticatorstaticstage";
}

impl Resource for AuthenticatorStaticStage {
    fn spec() -> Spec {
        Spec::new("stages/authenticator/static", Self::KIND, "AuthenticatorStaticStage")
            .verbose("Static Authenticator Setup Stage", "Static Authenticator Setup Stages")
            .component("ak-stage-authenticator-static-form")
            .family(&STAGES)
            .lookup("pk", "stage_uuid")
            .filter(&["name", "stage_uuid=pk", "configure_flow", "friendly_name", "token_count", "token_length"])
    }
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<AuthenticatorStaticStage>()
}

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: AuthenticatorStaticStage::KIND,
    component: "ak-stage-authenticator-static",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<AuthenticatorStaticStage>().map(|stage| stage as &dyn Stage),
    description: "Gives somebody recovery codes.",
    sample: || {
        json!({
            "component": "ak-stage-authenticator-static", "pending_user": "alice", "pending_user_avatar": "",
            "codes": ["kQ3vN8sTz1Lp", "aB7dE2fG9hJ4", "mR5tY6uI0oP1"],
        })
    },
};

/// Where the codes are noted until they are taken.
const NOTE: &str = "authenticator_static_tokens";
/// What such devices are called.
const NAME: &str = "Static Token";

impl AuthenticatorStaticStage {
    fn codes(&self, cx: &mut StageCx<'_>) -> Result<Vec<String>, ApiError> {
        if let Some(Value::Array(codes)) = setup::noted(cx, NOTE) {
            return Ok(codes.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        let length = usize::try_from(self.token_length).unwrap_or_default();
        let codes: Vec<String> = (0..self.token_count).map(|_| cx.state.ctx().token(length)).collect();
        setup::note(cx, NOTE, &json!(codes))?;
        Ok(codes)
    }
}

#[async_trait]
impl Stage for AuthenticatorStaticStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if matches!(Owner::of(cx), Owner::Nobody) {
            return Ok(Enter::Pass);
        }
        let codes = self.codes(cx)?;
        let mut challenge = setup::challenge(cx, ENTRY.component);
        challenge.insert("codes".into(), json!(codes));
        Ok(Enter::Ask(challenge))
    }

    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if !answer.has("component") {
            return Ok(Outcome::Invalid(AnswerErrors::one("component", "This field is required.", "required")));
        }
        let owner = Owner::of(cx);
        // Nobody may take codes that they were not shown.
        let Some(Value::Array(codes)) = setup::noted(cx, NOTE) else {
            return Ok(match owner {
                Owner::Nobody => Outcome::Next,
                _ => Outcome::Invalid(AnswerErrors::whole("The codes were not shown yet.")),
            });
        };
        if let Some(user) = owner.user() {
            let codes: Vec<String> = codes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let actor = setup::actor(cx, user).await?;
            let (store, ctx, request) = (cx.state.store(), cx.state.ctx(), &cx.visit.request);
            let mut transaction = store.database().begin(Durability::Full).await?;
            let device = create(&mut transaction, ctx, &RECOVERY_CODES, user, NAME, Vec::new(), actor, request).await?;
            add_tokens(&mut transaction, store.keys(), ctx, device, &codes).await?;
            transaction.commit().await?;
        }
        setup::forget(cx, NOTE);
        Ok(Outcome::Next)
    }
}
