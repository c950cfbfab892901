//! An administrator has a user sent a link by which they set a new password: makes the link and leaves the sending to a
//! task, so that nobody waits for a mail server.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_directory::client::ClientInfo;
use vestibule_directory::resources::user::SendRecoveryMail;
use vestibule_directory::{Brand, SystemSettings, current_brand};
use vestibule_flow::FlowToken;
use vestibule_kernel::ApiError;
use vestibule_resource::Call;
use vestibule_resource::object_permission::{ObjectKey, may_on};
use vestibule_store::{Configuration, DocumentType as _};
use vestibule_tasks::{NewTask, RelatedObject};

use super::EmailStage;
use super::deliver::SEND;

/// Sends recovery mails with the settings of e-mail stages.
pub struct StageMails {
    /// Where people reach this server, as far as its settings tell: links in mails lead there.
    pub base_url: String,
}

impl StageMails {
    /// Where the link in a mail leads. A request says itself which host it was sent to, so a host counts only where it
    /// is exactly a brand's own.
    pub(crate) fn base_of(&self, configuration: &Configuration, client: &ClientInfo) -> String {
        let host = client.host_name();
        let known = &SystemSettings::of(configuration).base_url;
        let base = if known.is_empty() { &self.base_url } else { known };
        let base = base.trim_end_matches('/');
        let own = current_brand(configuration, &host).and_then(|document| document.get::<Brand>());
        let is_base = url::Url::parse(base).is_ok_and(|url| url.host_str() == Some(host.as_str()));
        match own {
            Some(brand) if !is_base && brand.domain.eq_ignore_ascii_case(&host) => {
                format!("{}://{host}", client.scheme())
            }
            _ => base.to_owned(),
        }
    }
}

#[async_trait]
impl SendRecoveryMail for StageMails {
    async fn knows(&self, call: &Call, stage: Uuid) -> Result<bool, ApiError> {
        let view = "authentik_stages_email.view_emailstage";
        Ok(call.configuration.get::<EmailStage>(stage).is_some()
            && may_on(call.api.store.database(), &call.principal, view, Some(ObjectKey::Uuid(stage))).await?)
    }

    async fn send(&self, call: &Call, stage: Uuid, flow: Uuid, duration: TimeDelta) -> Result<(), ApiError> {
        let uid = call.object.get("uid").and_then(Value::as_str).unwrap_or_default();
        let identifier = format!("{uid}-password-reset");
        // Mail programs visit links by themselves: this one is good until it ends.
        let token = FlowToken { user: call.object_id(), flow, identifier: &identifier, duration, once: false };
        let mut change = call.api.store.change(call.principal.actor.clone()).await?;
        let made = token.make(&call.api.ctx, &call.api.store, change.transaction()).await?;
        let brand = current_brand(&call.configuration, &ClientInfo::of(&call.parts).host_name());
        // The link is a secret: the task knows its token by the token's own key alone.
        let arguments = json!({
            "stage": stage,
            "token": made.pk,
            "base": self.base_of(&call.configuration, &ClientInfo::of(&call.parts)),
            "brand": brand.map(|brand| brand.pk),
            "requested_by": call.principal.actor.to_json(),
        });
        let about = RelatedObject { model: EmailStage::KIND, pk: stage.to_string() };
        let task = NewTask::new(SEND, arguments).uid(made.pk.to_string()).about(about);
        task.enqueue(&call.api.ctx, change.transaction()).await?;
        change.commit().await?;
        Ok(())
    }
}
