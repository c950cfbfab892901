//! A token's key: seen and set by those who may, each time with an event.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::{Call, Fields, Operation, Shape};

use super::super::fields::pk_uuid;
use super::protect;
use crate::superuser::guard_user;

#[derive(Fields)]
struct TokenView {
    /// The key.
    #[field(read_only)]
    key: String,
}

#[derive(Fields)]
struct TokenSetKey {
    /// The new key.
    key: String,
}

/// Operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    let answer = Some(Shape::Object("TokenView", TokenView::fields));
    vec![
        Operation::new(Method::GET, "{}/view_key/", "core_tokens_view_key_retrieve", answer, view)
            .permission(Permission::Named("authentik_core.view_token_key"))
            .doc("Shows a token's key; an event says so."),
        Operation::new(Method::POST, "{}/set_key/", "core_tokens_set_key_create", None, set)
            .permission(Permission::Named("authentik_core.set_token_key"))
            .body(Body::Json("TokenSetKeyRequest", TokenSetKey::fields))
            .doc("Sets a token's key; an event says so."),
    ]
}

/// Where a key is sealed for.
pub(super) fn place(pk: Uuid) -> String {
    format!("authentik_core.token/{pk}/key")
}

/// 404 for a token that has ended.
fn require_living(call: &Call) -> Result<(), ApiError> {
    let expiring = call.object.get("expiring") == Some(&Value::Bool(true));
    let expires =
        call.object.get("expires").and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    match expires {
        Some(expires) if expiring && expires <= call.api.ctx.now() => {
            Err(call.kind.as_ref().map_or_else(ApiError::not_found, |kind| kind.no_match()))
        }
        _ => Ok(()),
    }
}

/// Whom the token stands for: with its key one acts as they.
fn owner(call: &Call) -> i64 {
    call.object.get("user").and_then(Value::as_i64).unwrap_or_default()
}

fn event(call: &Call, action: &'static str) -> Event {
    let model = json!({
        "pk": call.object.get("pk"), "app": "authentik_core", "model_name": "token", "name": call.object.get("identifier"),
    });
    let event = Event::new(action, "authentik.core.api.tokens", call.principal.actor.clone());
    event.context(json!({"secret": model})).client_ip(call.principal.client_ip)
}

async fn view(call: Call) -> Answer {
    require_living(&call)?;
    let sealed = call.object.get("key_sealed").and_then(Value::as_str).unwrap_or_default();
    let key = call.api.store.keys().open(&place(pk_uuid(&call.object)), sealed).map_err(ApiError::internal)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    guard_user(change.transaction(), &call.principal, owner(&call)).await?;
    event(&call, "secret_view").write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;
    ok(&json!({"key": key}))
}

async fn set(call: Call) -> Answer {
    require_living(&call)?;
    let pk = pk_uuid(&call.object);
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    guard_user(change.transaction(), &call.principal, owner(&call)).await?;
    let (hash, sealed) = protect(&change, &call.api.ctx, pk, call.text("key"))?;
    let sql = "UPDATE tokens SET key_hash = $1, key_sealed = $2 WHERE pk = $3";
    match change.transaction().execute(sql, vec![hash.into(), sealed.into(), pk.into()]).await {
        Err(error) if error.is_unique_violation() => {
            return Err(FieldErrors::one("key", "This key cannot be used.").into());
        }
        other => other?,
    };
    event(&call, "secret_rotate").write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;
    no_content()
}
