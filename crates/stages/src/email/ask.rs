//! The stage in a flow: mails a link, and waits until somebody comes by it.
//!
//! The link brings back the plan as it stands, in whatever browser, for the user whom the mail went to and nobody else.
//! Without it nothing leads past the stage: whatever is answered asks for another mail. Nobody can tell by the page
//! whether there is somebody to mail to.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule_directory::claimed;
use vestibule_flow::{Answer, AnswerErrors, Enter, FlowToken, Outcome, Stage, StageCx, StageEntry};
use vestibule_kernel::{Actor, ApiError, Object, duration};
use vestibule_resource::{Mode, Principal, load_one, write_object};
use vestibule_store::{DocumentType, Durability};
use vestibule_tasks::{NewTask, RelatedObject};

use super::deliver::SEND;
use super::{EmailStage, StageMails};

/// As the executor knows it.
pub(crate) const ENTRY: StageEntry = StageEntry {
    model: EmailStage::KIND,
    component: "ak-stage-email",
    page: Some(include_str!("page.html")),
    stage: |document| document.get::<EmailStage>().map(|stage| stage as &dyn Stage),
    description: "Mails a link by which somebody shows that the address is theirs.",
    sample: || json!({"component": "ak-stage-email"}),
};

/// Where the plan counts the mails that were asked for.
const SENT: &str = "email_sent";
/// Where the plan that a link brings back keeps the address that its mail went to.
const SENT_TO: &str = "email_sent_to";
/// What is said when another was asked for.
const AGAIN: &str = "email-sent";
/// What is said to whoever asks too often.
const TOO_OFTEN: &str = "Too many account verification attempts. Please try again later.";
/// To whom nobody is known.
const NOBODY: &str = "No pending user.";

impl EmailStage {
    /// How many mails the plan has seen asked for.
    fn asked_for(&self, cx: &StageCx<'_>) -> i64 {
        let sent = cx.plan.context.get(SENT).and_then(|sent| sent.get(self.stage.pk.to_string()));
        sent.and_then(Value::as_i64).unwrap_or_default()
    }

    fn count(&self, cx: &mut StageCx<'_>) {
        let count = self.asked_for(cx) + 1;
        let sent = cx.plan.context.entry(SENT.to_owned()).or_insert_with(|| json!({}));
        match sent.as_object_mut() {
            Some(sent) => drop(sent.insert(self.stage.pk.to_string(), count.into())),
            None => *sent = json!({ self.stage.pk.to_string(): count }),
        }
    }

    fn span(text: &str) -> TimeDelta {
        duration::parse(text).unwrap_or_default()
    }

    /// What the tokens of this stage's mails to a user are called, but for a last word.
    fn named(&self, user: i64) -> String {
        format!("email-{}-{user}-", self.stage.pk.simple())
    }

    /// Has a mail sent to whoever walks through the flow, if there is anybody, and they have not had too many. Nobody
    /// is told which it is: other browsers have asked for the others.
    async fn send(&self, cx: &mut StageCx<'_>) -> Result<(), ApiError> {
        self.count(cx);
        cx.took_its_time = true;
        let Some(user) = cx.user() else { return Ok(()) };
        let ctx = cx.state.ctx().clone();
        let (lasts, within) = (Self::span(&self.token_expiry), Self::span(&self.recovery_cache_timeout));
        // Nobody's answer waits for the disk, so this one must not either: what a power cut takes back is asked for again.
        let store = cx.state.store();
        let mut transaction = store.database().begin(Durability::Process).await?;
        // A token ends a fixed time after its mail: when it ends tells when that was asked for.
        let sql = "SELECT COUNT(*) AS amount FROM tokens WHERE user_id = $1 AND expires > $2 \
                   AND SUBSTR(identifier, 1, LENGTH($3)) = $3";
        let prefix = self.named(user);
        let params = vec![user.into(), (ctx.now() + lasts - within).into(), prefix.as_str().into()];
        let row = transaction.query_one(sql, params).await?;
        let recent = row.map(|row| row.int("amount")).transpose()?.unwrap_or_default();
        if recent >= self.recovery_max_attempts {
            return Ok(());
        }
        let identifier = format!("{prefix}{}", ctx.uuid().simple());
        let token = FlowToken { user, flow: cx.flow.pk, identifier: &identifier, duration: lasts, once: false };
        let made = token.make(&ctx, store, &mut transaction).await?;
        let to = cx.state.users.by_pk(user).await?.map(|user| user.email).unwrap_or_default();
        cx.plan.context.insert(SENT_TO.to_owned(), to.as_str().into());
        made.keep_plan(cx.plan, self.activate_user_on_success, &mut transaction).await?;
        let base = cx.state.api.extension::<StageMails>()?.base_of(cx.configuration, &cx.visit.client);
        // The link is a secret: the task knows its token by the token's own key alone.
        let arguments = json!({
            "stage": self.stage.pk, "token": made.pk, "to": to, "base": base, "brand": cx.brand().map(|brand| brand.pk),
            "requested_by": cx.session.user.as_ref().map_or(Actor::Anonymous, vestibule_directory::SessionUser::actor).to_json(),
        });
        let about = RelatedObject { model: Self::KIND, pk: self.stage.pk.to_string() };
        let task = NewTask::new(SEND, arguments).uid(made.pk.to_string()).about(about);
        task.enqueue(&ctx, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whoever came by the link has shown that the address is theirs.
    async fn verified(&self, cx: &StageCx<'_>, user: i64) -> Result<(), ApiError> {
        if let Some(address) = cx.plan.context.get(SENT_TO).and_then(Value::as_str) {
            let mut transaction = cx.state.store().database().begin(Durability::Full).await?;
            claimed::prove(&mut transaction, user, address).await?;
            transaction.commit().await?;
        }
        if !self.activate_user_on_success {
            return Ok(());
        }
        let (store, registry, ctx) = (cx.state.store(), &cx.state.api.registry, cx.state.ctx());
        let kind = registry.kind("authentik_core.user").ok_or_else(|| ApiError::internal("no kind of users"))?;
        let actor = Actor::User { pk: user, username: cx.shown().unwrap_or_default(), email: String::new() };
        let principal =
            Principal { actor, request: cx.visit.request.clone(), ..Principal::anonymous(cx.visit.client.ip) };
        let mut change = store.change(principal.actor.clone()).await?;
        let Some(present) = load_one(change.transaction(), kind, "pk", &json!(user)).await? else { return Ok(()) };
        if present.get("is_active") != Some(&Value::Bool(true)) {
            let body = Object::from_iter([("is_active".to_owned(), true.into())]);
            let mode = Mode::PartialUpdate;
            write_object(&mut change, registry, ctx, &principal, kind, Some(&present), &body, mode).await?;
            change.commit().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Stage for EmailStage {
    async fn challenge(&self, cx: &mut StageCx<'_>) -> Result<Enter, ApiError> {
        if let (true, Some(user)) = (cx.plan.token.is_some() && cx.plan.pinned, cx.plan.user()) {
            self.verified(cx, user).await?;
            return Ok(Enter::Pass);
        }
        if cx.plan.pending.is_none() && cx.session.user.is_none() {
            return Ok(Enter::Deny(NOBODY.into()));
        }
        if self.asked_for(cx) == 0 {
            self.send(cx).await?;
        }
        let mut challenge = Object::new();
        challenge.insert("component".into(), ENTRY.component.into());
        Ok(Enter::Ask(challenge))
    }

    /// Whatever is answered asks for another mail; nothing goes on without the link.
    async fn respond(&self, cx: &mut StageCx<'_>, answer: &Answer) -> Result<Outcome, ApiError> {
        if let Enter::Deny(message) = self.challenge(cx).await? {
            return Ok(Outcome::Denied(message));
        }
        if !answer.has("component") {
            return Ok(Outcome::Invalid(AnswerErrors::one("component", "This field is required.", "required")));
        }
        if self.asked_for(cx) >= self.recovery_max_attempts.max(1) {
            return Ok(Outcome::Invalid(AnswerErrors::whole(TOO_OFTEN)));
        }
        self.send(cx).await?;
        let field = vestibule_kernel::error::NON_FIELD;
        Ok(Outcome::Invalid(AnswerErrors::one(field, AGAIN, "email-sent")))
    }
}
