//! `ak_send_email`: a program has a mail sent. It is a task like every mail: made when it is sent, tried again while the
//! mail server cannot be reached, and an event once it has gone. What it says lies sealed in the task.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};
use vestibule_expression::{Arguments, Failure, Value};
use vestibule_mail::is_address;
use vestibule_store::{Durability, Store};
use vestibule_tasks::{NewTask, RelatedObject};

use crate::circumstances::Circumstances;
use crate::database_failed;
use crate::documents::EMAIL_STAGE;

/// The task. Its arguments: `stage`, the key of an e-mail stage or nothing, and `letter`, sealed.
pub const SEND_EMAIL: &str = "authentik.stages.email.tasks.send_mails";
/// Where the sealed part of it belongs.
pub const LETTER: &str = "tasks/expression_mail";
/// Most addresses of a mail, copies counted.
const MOST_ADDRESSES: usize = 100;
/// Most mails of one run.
const MOST_MAILS: usize = 20;
/// Most that a mail is made from, bytes of JSON.
const LARGEST: usize = 256 << 10;
/// Longest subject, bytes (RFC 5322, section 2.1.1, allows lines of 998).
const LONGEST_SUBJECT: usize = 900;

/// The addresses of an argument: a text, or a list of them.
fn addresses(arguments: &Arguments, position: usize, name: &str) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::kind(format!("'{name}' must be an address or a list of addresses"));
    match arguments.get(position, name) {
        None | Some(Value::None) => Ok(Vec::new()),
        Some(Value::Str(one)) => Ok(vec![one.trim().to_owned()]),
        Some(Value::List(several)) => {
            several.iter().map(|one| one.as_str().map(|one| one.trim().to_owned()).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// An argument that is a text, or is not there; an empty one is none.
fn optional<'a>(arguments: &'a Arguments, position: usize, name: &str) -> Result<Option<&'a str>, Failure> {
    match arguments.get(position, name) {
        None | Some(Value::None) => Ok(None),
        Some(given) => {
            let text = given.as_str().ok_or_else(|| Failure::kind(format!("'{name}' must be a text")))?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
    }
}

/// The stage whose settings send it: an object, or its name; `None`: the server's own do.
fn stage(store: &Store, given: Option<&Value>) -> Result<Option<String>, Failure> {
    let configuration = store.configuration();
    let mut stages = configuration.documents(EMAIL_STAGE.kind);
    let pk = match given {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Str(name)) => stages.find(|stage| stage.text("name") == name).map(|stage| stage.pk.to_string()),
        Some(Value::Object(object)) if object.class() == EMAIL_STAGE.class => {
            let attributes = object.attributes();
            let pk = attributes.iter().find(|(name, _)| name == "pk").and_then(|(_, pk)| pk.as_str());
            stages.find(|stage| Some(stage.pk.to_string().as_str()) == pk).map(|stage| stage.pk.to_string())
        }
        Some(_) => return Err(Failure::kind("'stage' must be an EmailStage or the name of one")),
    };
    pk.map(Some).ok_or_else(|| Failure::value("there is no such e-mail stage"))
}

/// What the mail is made from, checked.
struct Letter {
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    content: Json,
}

impl Letter {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let (to, subject) = (addresses(arguments, 0, "address")?, arguments.text(1, "subject")?);
        let (body, template) = (optional(arguments, 2, "body")?, optional(arguments, 4, "template")?);
        match (body, template) {
            (Some(_), Some(_)) => return Err(Failure::value("body and template exclude each other")),
            (None, None) => return Err(Failure::value("either body or template must be given")),
            _ => {}
        }
        let context = match arguments.get(5, "context") {
            None | Some(Value::None) => json!({}),
            Some(given @ Value::Dict(_)) => given.to_json(),
            Some(_) => return Err(Failure::kind("'context' must be a dictionary")),
        };
        let content = json!({"subject": subject, "body": body, "template": template, "context": context});
        if subject.len() > LONGEST_SUBJECT || content.to_string().len() > LARGEST {
            return Err(Failure::value(format!(
                "a mail has {LONGEST_SUBJECT} bytes of subject and {LARGEST} in all at most"
            )));
        }
        let (cc, bcc) = (addresses(arguments, 6, "cc")?, addresses(arguments, 7, "bcc")?);
        if to.len() + cc.len() + bcc.len() > MOST_ADDRESSES {
            return Err(Failure::value(format!("a mail goes to {MOST_ADDRESSES} addresses at most")));
        }
        Ok(Self { to, cc, bcc, content })
    }

    /// Whether it can go where it shall.
    fn is_deliverable(&self) -> bool {
        !self.to.is_empty() && self.to.iter().chain(&self.cc).chain(&self.bcc).all(|one| is_address(one))
    }
}

/// `ak_send_email(address, subject, body=None, stage=None, template=None, context=None, cc=None, bcc=None)`: whether the
/// mail is on its way. `sent` counts those of this run.
pub(crate) async fn send(
    store: &Store,
    circumstances: &Circumstances,
    sent: &AtomicUsize,
    arguments: &Arguments,
) -> Result<Value, Failure> {
    let letter = Letter::of(arguments)?;
    let stage = stage(store, arguments.get(3, "stage"))?;
    if !letter.is_deliverable() {
        tracing::warn!(program = circumstances.program, "an expression's mail names what is no address");
        return Ok(false.into());
    }
    if sent.fetch_add(1, Ordering::Relaxed) >= MOST_MAILS {
        return Err(Failure::runtime(format!("a program sends {MOST_MAILS} mails at most")));
    }
    if circumstances.trial {
        let subject = letter.content.get("subject").and_then(Json::as_str).unwrap_or_default();
        circumstances.withheld.add(format!("ak_send_email to {}: {subject}", letter.to.join(", ")));
        return Ok(true.into());
    }
    let Letter { to, cc, bcc, content } = letter;
    let written = json!({
        "to": to, "cc": cc, "bcc": bcc, "content": content, "brand": circumstances.request.brand.get("pk"),
    });
    let sealed = store.keys().seal(store.ctx(), LETTER, &written.to_string());
    let sealed = sealed.map_err(|error| database_failed(error.into()))?;
    let arguments = json!({
        "stage": stage, "letter": sealed, "program": circumstances.program,
        "requested_by": circumstances.actor.to_json(),
    });
    let task = NewTask::new(SEND_EMAIL, arguments);
    let task = match stage {
        Some(pk) => task.about(RelatedObject { model: EMAIL_STAGE.kind, pk }),
        None => task,
    };
    let enqueued = async {
        let mut transaction = store.database().begin(Durability::Process).await?;
        task.enqueue(store.ctx(), &mut transaction).await?;
        transaction.commit().await
    };
    enqueued.await.map_err(database_failed)?;
    Ok(true.into())
}
