//! Sends the link of an invitation to people: `stages/invitation/invitations/{}/send_email/`. Each mail is a task of its
//! own, and says what is true when it is sent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::{Brand, current_brand};
use vestibule_flow::Flow;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_mail::{Message, is_address};
use vestibule_resource::call::{Answer, Body, Permission, no_content};
use vestibule_resource::{Call, Fields, Operation, Verb};
use vestibule_store::Configuration;
use vestibule_tasks::{Actor, LogLevel, NewTask, Perform, RelatedObject, Run, TaskError};
use vestibule_web::Letters;

use super::PARAMETER;
use super::record::MODEL;
use crate::email::deliver::{brand_locale, note};
use crate::email::{Postbox, StageMails};

/// The task.
const SEND: &str = "authentik.stages.invitation.tasks.send_mail";
/// Most addresses in one request.
const MOST: usize = 100;
/// What the template is called that is used unless another is named.
const USUAL: &str = "email/invitation.html";

#[derive(Fields)]
struct InvitationSendEmail {
    /// To whom it goes, a mail each.
    #[field(required)]
    email_addresses: Vec<Value>,
    /// Who gets a copy of each.
    #[field(optional)]
    cc_addresses: Vec<Value>,
    /// Who gets a copy of each that the others do not see.
    #[field(optional)]
    bcc_addresses: Vec<Value>,
    /// What it is made from; `stages/email/templates/` lists what there is.
    #[field(default = "invitation")]
    template: String,
}

/// The operation.
pub(super) fn operation() -> Operation {
    Operation::new(Method::POST, "{}/send_email/", "stages_invitation_invitations_send_email_create", None, send)
        .permission(Permission::Verb(Verb::Change))
        .body(Body::Json("InvitationSendEmailRequest", InvitationSendEmail::fields))
        .doc("Mails the link of an invitation to one or more people.")
}

/// The addresses of a field.
fn addresses(body: &Object, field: &str, errors: &mut FieldErrors) -> Vec<String> {
    let given = body.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if given.len() > MOST {
        errors.add(field, format!("Ensure this field has no more than {MOST} elements."));
    }
    let mut found = Vec::new();
    for address in given {
        match address.as_str().map(str::trim).filter(|address| is_address(address)) {
            Some(address) => found.push(address.to_owned()),
            None => errors.add(field, "Enter a valid email address."),
        }
    }
    found
}

/// The template's name among letters; `None`: there is none of that name.
fn template(name: &str) -> Option<&'static str> {
    let name = if name == "invitation" { USUAL } else { name };
    Letters::NAMES.iter().map(|(known, _)| *known).find(|known| *known == name)
}

async fn send(call: Call) -> Answer {
    let mut errors = FieldErrors::new();
    let to = addresses(&call.body, "email_addresses", &mut errors);
    let cc = addresses(&call.body, "cc_addresses", &mut errors);
    let bcc = addresses(&call.body, "bcc_addresses", &mut errors);
    if to.is_empty() && errors.is_empty() {
        errors.add("email_addresses", "No email addresses provided");
    }
    let template = template(call.text("template"));
    if template.is_none() {
        errors.add("template", format!("Invalid template '{}' specified.", call.text("template")));
    }
    let text = |field: &str| call.object.get(field).and_then(Value::as_str);
    if text("flow").is_none() {
        errors.add("flow", "Invitation has no associated flow");
    }
    let expires = text("expires").and_then(|time| time.parse::<DateTime<Utc>>().ok());
    if expires.is_some_and(|expires| expires <= call.api.ctx.now()) {
        errors.add("expires", "The invitation has expired.");
    }
    errors.into_result()?;
    let client = ClientInfo::of(&call.parts);
    let base = call.api.extension::<StageMails>()?.base_of(&call.configuration, &client);
    let brand = current_brand(&call.configuration, &client.host_name()).map(|brand| brand.pk);
    let invitation = text("pk").unwrap_or_default();
    let mut transaction = call.api.store.database().begin(vestibule_store::Durability::Full).await?;
    for address in to {
        let arguments = json!({
            "invitation": invitation, "to": address, "cc": cc, "bcc": bcc, "template": template, "base": base,
            "brand": brand, "requested_by": call.principal.actor.to_json(),
        });
        let about = RelatedObject { model: MODEL, pk: invitation.to_owned() };
        let task = NewTask::new(SEND, arguments).uid(call.api.ctx.uuid().to_string()).about(about);
        task.enqueue(&call.api.ctx, &mut transaction).await?;
    }
    transaction.commit().await?;
    no_content()
}

/// Who does the task.
pub(crate) fn actor(postbox: &Postbox) -> Actor {
    Actor::new(SEND, "Sends the link of an invitation.", Send { postbox: postbox.clone() })
}

struct Send {
    postbox: Postbox,
}

#[async_trait]
impl Perform for Send {
    async fn perform(&self, run: &Run) -> Result<(), TaskError> {
        run.store.refresh().await?;
        let key = run.uuid("invitation")?;
        let sql = "SELECT flow, expires FROM invitations WHERE pk = $1 AND (expires IS NULL OR expires > $2)";
        let row = run.store.database().query_one(sql, vec![key.into(), run.ctx.now().into()]).await?;
        let Some(row) = row else {
            run.log(LogLevel::Warning, "The invitation is gone, or has expired; so is the mail.");
            return Ok(());
        };
        let configuration = run.store.configuration();
        let flow = row.optional_uuid("flow")?.and_then(|flow| configuration.get::<Flow>(flow));
        let flow = flow.ok_or_else(|| TaskError::Hopeless("The invitation is for no flow any more.".into()))?;
        let mailer =
            self.postbox.mailer.as_deref().ok_or_else(|| {
                TaskError::Hopeless("This server cannot send mails: it has no settings for that.".into())
            })?;
        let link = format!("{}/if/flow/{}/?{PARAMETER}={key}", run.text("base"), flow.slug);
        let message = self.message(run, &configuration, &link, row.optional_time("expires")?)?;
        mailer.send(&message).await.map_err(|error| {
            let reason = error.to_string();
            if error.is_final() { TaskError::Hopeless(reason) } else { TaskError::Retry(reason) }
        })?;
        run.log(LogLevel::Info, "The mail server has taken the mail.");
        note(run, mailer, &message).await
    }
}

impl Send {
    fn message(
        &self,
        run: &Run,
        configuration: &Configuration,
        link: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<Message, TaskError> {
        let brand = run.text("brand").parse::<Uuid>().ok().and_then(|brand| configuration.get::<Brand>(brand));
        let host = url::Url::parse(run.text("base")).ok().and_then(|base| base.host_str().map(str::to_owned));
        let subject = format!("You have been invited to {}", host.unwrap_or_default());
        // Nobody knows yet what they are called.
        let content = json!({
            "brand": brand.map_or("Vestibule", |brand| brand.branding_title.as_str()),
            "subject": subject,
            "name": run.text("to"),
            "url": link,
            "expires": expires.map(|expires| expires.format("%Y-%m-%d %H:%M UTC").to_string()),
        });
        let letter = self.postbox.letters.render(run.text("template"), brand_locale(brand), &content);
        let (text, html) = letter.map_err(|error| TaskError::Hopeless(error.to_string()))?;
        let copies = |name: &str| {
            let listed = run.arguments.get(name).and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(Value::as_str).map(|address| (String::new(), address.to_owned())).collect()
        };
        let to = vec![(String::new(), run.text("to").to_owned())];
        Ok(Message { to, cc: copies("cc"), bcc: copies("bcc"), subject, text, html: Some(html) })
    }
}
