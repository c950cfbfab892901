//! A token's key: seen and set by those who may, each time with an event.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, no_content, ok};
use vestibule_resource::{Call, Fields, Operation, Principal, Shape, WriteCx};
use vestibule_store::Change;

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

fn event(principal: &Principal, token: &Object, action: &'static str) -> Event {
    let model = json!({
        "pk": token.get("pk"), "app": "authentik_core", "model_name": "token", "name": token.get("identifier"),
    });
    let event = Event::new(action, "authentik.core.api.tokens", principal.actor.clone());
    event.context(json!({"secret": model})).request(&principal.request)
}

async fn view(call: Call) -> Answer {
    require_living(&call)?;
    let sealed = call.object.get("key_sealed").and_then(Value::as_str).unwrap_or_default();
    let key = call.api.store.keys().open(&place(pk_uuid(&call.object)), sealed).map_err(ApiError::internal)?;
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    guard_user(change.transaction(), &call.principal, owner(&call)).await?;
    event(&call.principal, &call.object, "secret_view").write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;
    ok(&json!({"key": key}))
}

async fn set(call: Call) -> Answer {
    require_living(&call)?;
    let pk = pk_uuid(&call.object);
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    guard_user(change.transaction(), &call.principal, owner(&call)).await?;
    store(&mut change, &call.api.ctx, pk, call.text("key")).await?;
    event(&call.principal, &call.object, "secret_rotate").write(&call.api.ctx, change.transaction()).await?;
    change.commit().await?;
    no_content()
}

async fn store(change: &mut Change, ctx: &Ctx, pk: Uuid, key: &str) -> Result<(), ApiError> {
    let (hash, sealed) = protect(change, ctx, pk, key)?;
    let sql = "UPDATE tokens SET key_hash = $1, key_sealed = $2 WHERE pk = $3";
    match change.transaction().execute(sql, vec![hash.into(), sealed.into(), pk.into()]).await {
        Err(error) if error.is_unique_violation() => Err(FieldErrors::one("key", "This key cannot be used.").into()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Sets the key that a blueprint gives, unless it is the token's already.
pub(super) async fn set_given(cx: &mut WriteCx<'_>, token: &Object) -> Result<(), ApiError> {
    let Some(key) = cx.given.get("key").and_then(Value::as_str).filter(|key| !key.is_empty()) else { return Ok(()) };
    let present = token.get("key_hash").and_then(Value::as_str);
    if present == Some(cx.change.store().keys().lookup_hash(key).as_str()) {
        return Ok(());
    }
    cx.principal.require("authentik_core.set_token_key")?;
    store(cx.change, cx.ctx, pk_uuid(token), key).await?;
    event(cx.principal, token, "secret_rotate").write(cx.ctx, cx.change.transaction()).await?;
    Ok(())
}
