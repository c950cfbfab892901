//! A device asks whether somebody has allowed it yet (RFC 8628, sections 3.4 and 3.5).

use vestibule_kernel::Object;

use super::Asking;
use super::issue::Issue;
use crate::device::{Polled, poll};
use crate::error::{TokenError, token_error};
use crate::grants::Granted;
use crate::provider::GrantType;

pub(super) async fn grant(asking: &Asking<'_>) -> Result<Object, TokenError> {
    asking.allowed(GrantType::DeviceCode)?;
    // A device keeps no secret; one that brings a wrong one is somebody else.
    if !asking.credentials.secret.is_empty() {
        asking.authenticate()?;
    }
    let (state, client) = (asking.state, asking.client);
    let found = match poll(state, client.pk(), asking.form.text("device_code")).await? {
        Polled::Allowed(found) => *found,
        Polled::Unknown => return Err(token_error("invalid_grant")),
        Polled::Pending => return Err(token_error("authorization_pending")),
        Polled::TooSoon => return Err(token_error("slow_down")),
        Polled::Expired => return Err(token_error("expired_token")),
    };
    let user = asking.user(found.user).await?;
    // Whoever typed the code in was asked then; policies may have changed since (CVE-2024-38371).
    asking.permitted(&user, &found.scope, Object::new()).await?;
    let issue = Issue {
        user: &user,
        scope: &found.scope,
        refresh_scope: &found.scope,
        granted: Granted { confirmation: asking.proof.clone(), ..found.granted },
        family: state.ctx().uuid_in_order(),
        refreshable: client.may_use(GrantType::RefreshToken),
        spent: None,
        event: None,
    };
    issue.answer(asking).await
}
