//! The task that mails a code. The code and the address lie sealed in it: whoever may look at tasks learns neither.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_flow::StageCx;
use vestibule_kernel::ApiError;
use vestibule_mail::Message;
use vestibule_store::{DocumentType as _, StoreError, Transaction};
use vestibule_tasks::{Actor, LogLevel, NewTask, Perform, RelatedObject, Run, TaskError};
use vestibule_web::Locale;

use super::AuthenticatorEmailStage;
use crate::email::deliver::{note, one_line};
use crate::email::{Postbox, folder};
use crate::setup;

/// The task.
const SEND: &str = "authentik.stages.authenticator_email.tasks.send_code";
/// Where the sealed part belongs.
const PLACE: &str = "tasks/email_code";

/// Who does it.
pub(crate) fn actor(postbox: &Postbox) -> Actor {
    Actor::new(SEND, "Mails a code.", Send { postbox: postbox.clone() })
}

/// Has a code mailed, as part of what the code opens.
pub(crate) async fn enqueue(
    cx: &StageCx<'_>,
    transaction: &mut Transaction,
    stage: &AuthenticatorEmailStage,
    user: Option<i64>,
    email: &str,
    code: &str,
) -> Result<(), ApiError> {
    let user = match user {
        Some(user) => cx.state.users.by_pk(user).await?,
        None => None,
    };
    let expires = cx.state.ctx().now() + stage.lasts();
    let (name, username) = user.map(|user| (user.name, user.username)).unwrap_or_default();
    let letter = json!({
        "to": email, "token": code, "name": name, "username": username, "brand": setup::issuer(cx),
        "expires": expires.format("%Y-%m-%d %H:%M UTC").to_string(),
    });
    let keys = cx.state.store().keys();
    let sealed = keys.seal(cx.state.ctx(), PLACE, &letter.to_string()).map_err(StoreError::from)?;
    let pk = stage.setup.stage.pk;
    let arguments = json!({"stage": pk, "letter": sealed, "locale": cx.visit.locale.code()});
    let about = RelatedObject { model: AuthenticatorEmailStage::KIND, pk: pk.to_string() };
    NewTask::new(SEND, arguments).about(about).enqueue(cx.state.ctx(), transaction).await?;
    Ok(())
}

struct Send {
    postbox: Postbox,
}

#[async_trait]
impl Perform for Send {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let pk: Uuid = run.uuid("stage")?;
        let Some(stage) = run.store.configuration().get::<AuthenticatorEmailStage>(pk).cloned() else {
            run.log(LogLevel::Warning, "The stage is gone; so is the mail.");
            return Ok(());
        };
        let hopeless = |reason: String| TaskError::Hopeless(reason);
        let letter = run.store.keys().open(PLACE, run.text("letter")).map_err(|error| hopeless(error.to_string()))?;
        let letter: Value = serde_json::from_str(&letter).map_err(|error| hopeless(error.to_string()))?;
        let mailer = self.postbox.mailer(Some(&stage.outgoing))?;
        let message = self.message(run, &stage, &letter)?;
        mailer.send(&message).await.map_err(|error| {
            let reason = error.to_string();
            if error.is_final() { TaskError::Hopeless(reason) } else { TaskError::Retry(reason) }
        })?;
        run.log(LogLevel::Info, "The mail server has taken the mail.");
        note(run, &mailer, &message).await
    }
}

impl Send {
    fn message(&self, run: &Run, stage: &AuthenticatorEmailStage, letter: &Value) -> Result<Message, TaskError> {
        let text = |name: &str| letter.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = Some(one_line(&text("name"))).filter(|name| !name.is_empty());
        let username = one_line(&text("username"));
        let name = name.unwrap_or_else(|| username.clone());
        let content = json!({
            "brand": text("brand"), "subject": stage.subject, "name": name, "username": username,
            "user": {"name": name, "username": username, "email": text("to")}, "token": text("token"), "expires": text("expires"),
        });
        let locale = Locale::from_tag(run.text("locale")).unwrap_or_default();
        let rendered = folder::render(&self.postbox.letters, &stage.template, locale, &content);
        let (plain, html) = rendered.map_err(TaskError::Hopeless)?;
        let to = vec![(text("name"), text("to"))];
        Ok(Message { to, subject: stage.subject.clone(), text: plain, html: Some(html), ..Message::default() })
    }
}
