//! Links by which users set a new password. The flows that such a link leads into make it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, duration};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::{Call, Field, Fields, Operation, Shape};
use vestibule_store::Durability;

use super::super::fields::never_null;
use crate::client::ClientInfo;
use crate::resources::brand::{self, Brand};
use crate::resources::settings::SystemSettings;
use crate::superuser::guard_user;

/// Makes links into recovery flows: implemented where flows are.
#[async_trait]
pub trait MakeRecoveryLink: Send + Sync {
    /// A link, good for `duration`, by which the user of the call enters `flow` as the one whom it is about. `once`: it
    /// is good for one visit.
    async fn link(&self, call: &Call, flow: Uuid, duration: TimeDelta, once: bool) -> Result<String, ApiError>;
}

/// What makes links, as an extension of the API.
pub struct RecoveryLinks(pub Arc<dyn MakeRecoveryLink>);

#[derive(Fields)]
struct RecoveryLink {
    /// How long the link is good.
    #[field(format = Duration)]
    token_duration: Option<String>,
}

#[derive(Fields)]
struct RecoveryEmail {
    /// How long the link is good.
    #[field(format = Duration)]
    token_duration: Option<String>,
    /// The stage whose settings the mail is sent with.
    email_stage: Uuid,
}

#[derive(Fields)]
struct Link {
    /// The address.
    link: String,
}

fn link_fields() -> Vec<Field> {
    never_null(RecoveryLink::fields(), &["token_duration"])
}

fn email_fields() -> Vec<Field> {
    never_null(RecoveryEmail::fields(), &["token_duration"])
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let permission = Permission::Named("authentik_core.reset_user_password");
    let answer = Some(Shape::Object("Link", Link::fields));
    let refusal = (StatusCode::BAD_REQUEST, Some(Shape::Map));
    vec![
        Operation::new(Method::POST, "{}/recovery/", "core_users_recovery_create", answer, recovery)
            .permission(permission)
            .body(Body::Json("UserRecoveryLinkRequest", link_fields))
            .refuses(refusal.0, refusal.1.clone())
            .doc("Makes a link by which the user sets a new password."),
        Operation::new(Method::POST, "{}/recovery_email/", "core_users_recovery_email_create", None, recovery_email)
            .permission(permission)
            .body(Body::Json("UserRecoveryEmailRequest", email_fields))
            .refuses(refusal.0, refusal.1)
            .doc("Mails the user a link by which they set a new password."),
    ]
}

/// An error that concerns the whole request; on the wire it is no list here.
fn refused(message: &str) -> ApiError {
    let mut errors = FieldErrors::new();
    errors.insert("non_field_errors", message.into());
    errors.into()
}

async fn recovery(call: Call) -> Answer {
    let (flow, duration) = wanted(&call).await?;
    let Ok(links) = call.api.extension::<RecoveryLinks>() else {
        return Err(refused("Recovery flow not applicable to user"));
    };
    ok(&json!({"link": links.0.link(&call, flow, duration, true).await?}))
}

/// Where a link for the user of a call leads, and how long it is good: unless asked otherwise, as long as tokens are.
async fn wanted(call: &Call) -> Result<(Uuid, TimeDelta), ApiError> {
    let host = ClientInfo::of(&call.parts).host_name();
    let brand = brand::current_brand(&call.configuration, &host);
    let flow = brand.and_then(|document| document.get::<Brand>().and_then(|brand| brand.flow_recovery));
    let Some(flow) = flow else { return Err(refused("No recovery flow set.")) };
    let asked = call.body.get("token_duration").and_then(Value::as_str).and_then(|text| duration::parse(text).ok());
    let duration = asked.unwrap_or_else(|| SystemSettings::of(&call.configuration).token_duration());
    let mut transaction = call.api.store.database().begin(Durability::Process).await?;
    guard_user(&mut transaction, &call.principal, call.object_id()).await?;
    Ok((flow, duration))
}

/// The stage whose settings a mail is sent with: implemented where stages are.
#[async_trait]
pub trait SendRecoveryMail: Send + Sync {
    /// Whether the stage of this key exists and whoever asks may see it.
    async fn knows(&self, call: &Call, stage: Uuid) -> Result<bool, ApiError>;
    /// Mails the user of the call a link, good for `duration`, by which they enter `flow` as themselves.
    async fn send(&self, call: &Call, stage: Uuid, flow: Uuid, duration: TimeDelta) -> Result<(), ApiError>;
}

/// What sends the mails, as an extension of the API.
pub struct RecoveryMails(pub Arc<dyn SendRecoveryMail>);

async fn recovery_email(call: Call) -> Answer {
    let email = call.object.get("email").and_then(Value::as_str).unwrap_or_default();
    if email.is_empty() {
        return Err(refused("User does not have an email address set."));
    }
    let missing = || refused("Email stage not found.");
    let stage: Uuid = call.text("email_stage").parse().map_err(|_| missing())?;
    // Where no stage sends mail, none can be named.
    let mails = call.api.extension::<RecoveryMails>().map_err(|_| missing())?;
    if !mails.0.knows(&call, stage).await? {
        return Err(missing());
    }
    let (flow, duration) = wanted(&call).await?;
    mails.0.send(&call, stage, flow, duration).await?;
    no_content()
}
