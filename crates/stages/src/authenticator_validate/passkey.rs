//! Passkeys and security keys: as a second factor, and by themselves, when they tell who is there.

use serde_json::{Value, json};
use vestibule_devices::{DeviceRow, WEBAUTHN, by_credential, count_signature};
use vestibule_flow::{Pending, StageCx};
use vestibule_kernel::{ApiError, Object};
use vestibule_store::Durability;

use super::AuthenticatorValidateStage;
use super::respond::{Refused, fail};
use crate::{ceremony, setup};

/// Where what the answer will be compared with is noted, with the options that were shown.
const NOTE: &str = "authenticator_validate_secret";

/// The method of who signs in by a passkey alone.
pub(super) const ALONE: &str = "auth_webauthn_pwl";

/// The options that were shown, or new ones: for these devices, or for whatever the browser has where there are none. An
/// answer is compared with what was shown last, however often the page was loaded since.
pub(crate) fn offer(
    stage: &AuthenticatorValidateStage,
    cx: &mut StageCx<'_>,
    devices: &[DeviceRow],
) -> Result<Value, ApiError> {
    let own = stage.stage.pk.to_string();
    if let Some(noted) = setup::noted(cx, NOTE)
        && noted.get("stage").and_then(Value::as_str) == Some(&own)
        && noted.get("devices").and_then(Value::as_u64) == u64::try_from(devices.len()).ok()
    {
        return Ok(noted.get("options").cloned().unwrap_or_default());
    }
    let (verification, hints) = (stage.webauthn_user_verification, &stage.webauthn_hints);
    let (options, state) = ceremony::begin_authentication(cx, devices, verification, hints)?;
    setup::note(cx, NOTE, &json!({"options": options, "state": state, "stage": own, "devices": devices.len()}))?;
    Ok(options)
}

/// Checks what a browser had an authenticator sign, against a device of `user`, or of whoever has it.
pub(super) async fn check(
    stage: &AuthenticatorValidateStage,
    cx: &mut StageCx<'_>,
    user: Option<i64>,
    response: Object,
) -> Result<Result<DeviceRow, Refused>, ApiError> {
    let noted = setup::noted(cx, NOTE);
    // Right or wrong, it is answered once.
    setup::forget(cx, NOTE);
    let refused = || Ok(Err(Refused::field("webauthn", "Invalid device")));
    let Some(credential) = ceremony::credential_of(&response) else { return refused() };
    let found = by_credential(cx.state.store().database(), &credential).await?;
    // Cure53: whose device it is counts, not that it is one.
    let Some(device) = found.filter(|device| user.is_none_or(|user| device.user == user)) else { return refused() };
    let model = device.row.text("aaguid")?.parse().unwrap_or_default();
    if !ceremony::is_allowed(cx.configuration, &stage.webauthn_allowed_device_types, model) {
        let brand = setup::issuer(cx);
        let message = format!("Invalid device type. Contact your {brand} administrator for help.");
        return Ok(Err(Refused::field("webauthn", message)));
    }
    let own = stage.stage.pk.to_string();
    let state = noted.filter(|noted| noted.get("stage").and_then(Value::as_str) == Some(&own));
    let state = state.and_then(|noted| noted.get("state").cloned()).unwrap_or_default();
    let used = match ceremony::finish_authentication(cx, state, &device, response) {
        Ok(used) => used,
        Err(reason) => {
            tracing::info!(reason, "a passkey was refused");
            fail(stage, cx, device.user, WEBAUTHN.class).await?;
            return Ok(Err(Refused::field("webauthn", "Assertion failed")));
        }
    };
    let mut transaction = cx.state.store().database().begin(Durability::Process).await?;
    let now = cx.state.ctx().now();
    if !count_signature(&mut transaction, &device, used.count, &used.credential, now).await? {
        drop(transaction);
        fail(stage, cx, device.user, WEBAUTHN.class).await?;
        return Ok(Err(Refused::field("webauthn", "Assertion failed")));
    }
    transaction.commit().await?;
    Ok(Ok(device))
}

/// Signs in by a passkey alone: who is there is whoever it belongs to.
pub(crate) async fn sign_in(
    stage: &AuthenticatorValidateStage,
    cx: &mut StageCx<'_>,
    response: Object,
) -> Result<Result<DeviceRow, Refused>, ApiError> {
    let device = match check(stage, cx, None, response).await? {
        Ok(device) => device,
        Err(refused) => return Ok(Err(refused)),
    };
    let user = cx.state.users.by_pk(device.user).await?.filter(|user| user.is_active);
    let Some(user) = user else { return Ok(Err(Refused::field("webauthn", "Invalid device"))) };
    if !cx.set_pending(Pending::known(&user, &user.username, cx.configuration)) {
        return Ok(Err(Refused::field("webauthn", "Invalid device")));
    }
    cx.plan.authenticated = Some(ALONE.into());
    // Where policies look for it.
    cx.plan.context.insert("auth_method".into(), ALONE.into());
    Ok(Ok(device))
}
