//! As a second factor.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_devices::{DUO, DeviceKind, DeviceRow, used};
use vestibule_flow::StageCx;
use vestibule_flow::begin::APPLICATION_NAME;
use vestibule_kernel::ApiError;
use vestibule_store::Durability;

use super::{AuthenticatorDuoStage, client, write_failure};
use crate::AuthenticatorValidateStage;
use crate::authenticator_validate::{Factor, Takes};
use crate::setup;

/// The factor.
pub(crate) struct DuoFactor;

/// What somebody is told whom Duo did not let in.
const DENIED: &str = "Duo denied access";

fn stage_of<'a>(cx: &'a StageCx<'_>, device: &DeviceRow) -> Option<&'a AuthenticatorDuoStage> {
    cx.configuration.get::<AuthenticatorDuoStage>(device.row.optional_uuid("stage").ok()??)
}

#[async_trait]
impl Factor for DuoFactor {
    fn kind(&self) -> &'static DeviceKind {
        &DUO
    }

    fn takes(&self) -> Takes {
        Takes::Push
    }

    fn counts(&self, _: &AuthenticatorValidateStage, cx: &StageCx<'_>, device: &DeviceRow) -> bool {
        stage_of(cx, device).is_some()
    }

    async fn push(&self, cx: &mut StageCx<'_>, device: &DeviceRow) -> Result<Result<(), String>, ApiError> {
        let Some(stage) = stage_of(cx, device).cloned() else { return Ok(Err(DENIED.into())) };
        let (user, from) = (device.row.text("duo_user_id")?, cx.visit.client.ip.to_string());
        let host = cx.visit.client.host.clone();
        // Every push rings somebody's phone.
        cx.state.limits.account(&cx.shown().unwrap_or_default())?;
        let application = cx.plan.context.get(APPLICATION_NAME).and_then(Value::as_str).unwrap_or_default();
        let about = [("Domain", host.as_str()), ("Application", application)];
        let about = if application.is_empty() { &about[..1] } else { &about[..] };
        let (name, what) = (cx.shown().unwrap_or_default(), setup::issuer(cx));
        let push = client::Push { user: &user, from: &from, name: &name, what: &what, about };
        match client::approve(&cx.state.api, &stage, &push).await {
            Ok(true) => {
                let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
                used(&mut transaction, device, cx.state.ctx().now()).await?;
                transaction.commit().await?;
                Ok(Ok(()))
            }
            Ok(false) => Ok(Err(DENIED.into())),
            Err(reason) => {
                write_failure(cx, format!("Failed to DUO authenticate user: {reason}")).await?;
                Ok(Err(DENIED.into()))
            }
        }
    }
}
