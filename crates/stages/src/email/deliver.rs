//! The task that sends a mail: what it says is made when it is sent, from what is true then.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;
use vestibule_directory::Brand;
use vestibule_directory::user::{UserRow, Users};
use vestibule_events::Event;
use vestibule_flow::MadeToken;
use vestibule_kernel::{Actor as Who, Object};
use vestibule_mail::{Mailer, Message};
use vestibule_store::{Configuration, Durability};
use vestibule_tasks::{Actor, LogLevel, Perform, Run, TaskError};
use vestibule_web::{Letters, Locale};

use super::{EmailStage, Outgoing, folder};

/// The task.
pub(super) const SEND: &str = "authentik.stages.email.tasks.send_mail";
/// Most letters of a name in a mail: whoever chooses a name must not write the mail.
const LONGEST_NAME: usize = 60;

/// What sending needs.
#[derive(Clone)]
pub struct Postbox {
    /// Sends mails of stages without settings of their own; `None`: the server has none either.
    pub mailer: Option<Arc<Mailer>>,
    /// What mails are made from.
    pub letters: Arc<Letters>,
}

impl Postbox {
    /// What sends the mails of a stage with these settings; without any: the server's own.
    ///
    /// # Errors
    /// The server has none.
    pub(crate) fn mailer(&self, outgoing: Option<&Outgoing>) -> Result<Mailer, TaskError> {
        match (outgoing.and_then(Outgoing::mail_settings), &self.mailer) {
            (Some(own), _) => Ok(Mailer::new(own)),
            (None, Some(mailer)) => Ok(Mailer::clone(mailer)),
            (None, None) => {
                Err(TaskError::Hopeless("This server cannot send mails: it has no settings for that.".into()))
            }
        }
    }
}

/// Who does the tasks of stages that mail.
pub fn actors(postbox: &Postbox) -> Vec<Actor> {
    vec![
        Actor::new(SEND, "Sends a mail.", Send { postbox: postbox.clone() }),
        super::program::actor(postbox),
        crate::invitation::mail::actor(postbox),
        crate::authenticator_email::deliver::actor(postbox),
    ]
}

struct Send {
    postbox: Postbox,
}

#[async_trait]
impl Perform for Send {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        let (stage, token) = (run.uuid("stage")?, run.uuid("token")?);
        let Some(stage) = configuration.get::<EmailStage>(stage) else {
            run.log(LogLevel::Warning, "The stage is gone; so is the mail.");
            return Ok(());
        };
        let Some(token) = MadeToken::find(&run.store, run.ctx.now(), token).await? else {
            run.log(LogLevel::Warning, "The link is no longer good: it has expired, or there is a newer one.");
            return Ok(());
        };
        let user = Users::new(run.store.clone(), run.ctx.clone()).by_pk(token.user).await?;
        let Some(user) = user.filter(|user| user.is_active || stage.activate_user_on_success) else {
            run.log(LogLevel::Warning, "The user is gone, or not active.");
            return Ok(());
        };
        // What the link shows is that whoever has it reads what is sent to this address.
        if run.arguments.get("to").and_then(|to| to.as_str()).is_some_and(|to| to != user.email) {
            run.log(LogLevel::Warning, "The user has another address by now.");
            return Ok(());
        }
        if user.email.is_empty() {
            return Err(TaskError::Hopeless("The user has no e-mail address any more.".into()));
        }
        let mailer = self.postbox.mailer(Some(&stage.outgoing))?;
        let message = self.message(run, &configuration, stage, &token, &user)?;
        mailer.send(&message).await.map_err(|error| {
            let reason = error.to_string();
            if error.is_final() { TaskError::Hopeless(reason) } else { TaskError::Retry(reason) }
        })?;
        run.log(LogLevel::Info, "The mail server has taken the mail.");
        note(run, &mailer, &message).await
    }
}

impl Send {
    fn message(
        &self,
        run: &Run,
        configuration: &Configuration,
        stage: &EmailStage,
        token: &MadeToken,
        user: &UserRow,
    ) -> Result<Message, TaskError> {
        let link = token.link(configuration, run.text("base"));
        let link = link.ok_or_else(|| TaskError::Hopeless("The flow that the link leads to is gone.".into()))?;
        let brand = run.text("brand").parse::<Uuid>().ok().and_then(|brand| configuration.get::<Brand>(brand));
        let content = json!({
            "brand": brand.map_or("Vestibule", |brand| brand.branding_title.as_str()),
            "subject": stage.subject,
            "name": name(user),
            "username": one_line(&user.username),
            "user": {"name": name(user), "username": one_line(&user.username), "email": user.email},
            "url": link,
            "expires": token.expires.format("%Y-%m-%d %H:%M UTC").to_string(),
        });
        let letter = folder::render(&self.postbox.letters, &stage.template, locale(user, brand), &content);
        let (text, html) = letter.map_err(TaskError::Hopeless)?;
        let to = vec![(user.name.clone(), user.email.clone())];
        Ok(Message { to, subject: stage.subject.clone(), text, html: Some(html), ..Message::default() })
    }
}

/// What the mail calls its reader.
fn name(user: &UserRow) -> String {
    [&user.name, &user.username]
        .into_iter()
        .map(|name| one_line(name))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// A name as one short line.
pub(crate) fn one_line(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST_NAME).collect()
}

/// The language of the user's settings, or of the brand's.
fn locale(user: &UserRow, brand: Option<&Brand>) -> Locale {
    locale_of(&user.attributes).unwrap_or_else(|| brand_locale(brand))
}

fn locale_of(attributes: &Object) -> Option<Locale> {
    Locale::from_tag(attributes.get("settings")?.get("locale")?.as_str()?)
}

/// The language of a brand's settings.
pub(crate) fn brand_locale(brand: Option<&Brand>) -> Locale {
    brand.and_then(|brand| locale_of(&brand.attributes)).unwrap_or_default()
}

/// The event: to whom, and who wanted it. Never what the mail says, which holds a secret.
pub(crate) async fn note(run: &Run, mailer: &Mailer, message: &Message) -> Result<(), TaskError> {
    let to: Vec<&str> = message.to.iter().map(|(_, address)| address.as_str()).collect();
    let context = json!({
        "message": format!("Email to {} sent", to.join(", ")),
        "subject": message.subject,
        "from_email": mailer.sender(),
        "to_email": to,
        "requested_by": run.arguments.get("requested_by"),
    });
    let mut transaction = run.store.database().begin(Durability::Process).await?;
    Event::new("email_sent", SEND, Who::System).context(context).write(&run.ctx, &mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}
