//! The task of mails that administrators' programs ask for (`ak_send_email`): with the settings of a stage, or the
//! server's own; from a text or from a template.

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::Brand;
use vestibule_expression_host::send_email::{LETTER, SEND_EMAIL};
use vestibule_kernel::Object;
use vestibule_mail::Message;
use vestibule_store::Configuration;
use vestibule_tasks::{Actor, LogLevel, Perform, Run, TaskError};

use super::deliver::{brand_locale, note};
use super::{EmailStage, Postbox, folder};

/// Who does it.
pub(super) fn actor(postbox: &Postbox) -> Actor {
    Actor::new(SEND_EMAIL, "Sends a mail that an expression asks for.", Send { postbox: postbox.clone() })
}

struct Send {
    postbox: Postbox,
}

#[async_trait]
impl Perform for Send {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let configuration = run.store.configuration();
        let stage = match run.arguments.get("stage").filter(|stage| !stage.is_null()) {
            None => None,
            Some(_) => match configuration.get::<EmailStage>(run.uuid("stage")?) {
                Some(stage) => Some(stage),
                None => {
                    run.log(LogLevel::Warning, "The stage is gone; so is the mail.");
                    return Ok(());
                }
            },
        };
        let hopeless = |reason: String| TaskError::Hopeless(reason);
        let letter = run.store.keys().open(LETTER, run.text("letter")).map_err(|error| hopeless(error.to_string()))?;
        let letter: Value = serde_json::from_str(&letter).map_err(|error| hopeless(error.to_string()))?;
        let mailer = self.postbox.mailer(stage.map(|stage| &stage.outgoing))?;
        let message = self.message(&configuration, &letter)?;
        mailer.send(&message).await.map_err(|error| {
            let reason = error.to_string();
            if error.is_final() { TaskError::Hopeless(reason) } else { TaskError::Retry(reason) }
        })?;
        run.log(LogLevel::Info, "The mail server has taken the mail.");
        note(run, &mailer, &message).await
    }
}

impl Send {
    fn message(&self, configuration: &Configuration, letter: &Value) -> Result<Message, TaskError> {
        let addresses = |name: &str| -> Vec<(String, String)> {
            let all = letter.get(name).and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|one| Some((String::new(), one.as_str()?.to_owned()))).collect()
        };
        let content = letter.get("content").and_then(Value::as_object).cloned().unwrap_or_default();
        let text = |name: &str| content.get(name).and_then(Value::as_str);
        let subject = text("subject").unwrap_or_default().to_owned();
        let (text, html) = match text("template") {
            Some(template) => {
                let brand = letter.get("brand").and_then(Value::as_str).and_then(|pk| pk.parse::<Uuid>().ok());
                let brand = brand.and_then(|pk| configuration.get::<Brand>(pk));
                let context = content.get("context").and_then(Value::as_object);
                let filled = filled(&subject, brand, context);
                let made = folder::render(&self.postbox.letters, template, brand_locale(brand), &filled);
                let (text, html) = made.map_err(TaskError::Hopeless)?;
                (text, Some(html))
            }
            None => (text("body").unwrap_or_default().to_owned(), None),
        };
        let (to, cc, bcc) = (addresses("to"), addresses("cc"), addresses("bcc"));
        Ok(Message { to, cc, bcc, subject, text, html })
    }
}

/// What a template shows: what the program gives it, and what every mail has.
fn filled(subject: &str, brand: Option<&Brand>, context: Option<&Object>) -> Value {
    let mut filled = json!({
        "brand": brand.map_or("Vestibule", |brand| brand.branding_title.as_str()), "subject": subject,
    });
    if let Some(filled) = filled.as_object_mut() {
        filled.extend(context.cloned().unwrap_or_default());
    }
    filled
}
