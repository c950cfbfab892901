//! The event of a write: what was written, and how it was before, without secrets.

use serde_json::{Value, json};
use vestibule_events::{Event, Request, cleanse};
use vestibule_kernel::{Actor, ApiError, Ctx, Object};
use vestibule_store::{Change, Durability};

use crate::access::Principal;
use crate::call::Api;
use crate::decode::parse_uuid;
use crate::field::{Access, Field, Shape};
use crate::kind::{Kind, Verb};

/// Longest text that a difference repeats, characters: pictures live in fields too.
const LONGEST: usize = 1024;

/// The fields that differ, with their values before and after.
pub fn difference(kind: &Kind, before: Option<&Object>, after: &Object) -> Object {
    let told = |field: &&Field| {
        let shown = matches!(field.access, Access::ReadWrite);
        shown && field.is_stored() && !field.sealed && !matches!(field.shape, Shape::Binary)
    };
    let mut difference = Object::new();
    for field in kind.fields.iter().filter(told) {
        let old = before.and_then(|object| object.get(field.name)).unwrap_or(&Value::Null);
        let new = after.get(field.name).unwrap_or(&Value::Null);
        if old != new {
            let value = |value: &Value| cut(cleanse(field.name, value));
            difference.insert(field.name.to_owned(), json!({"previous_value": value(old), "new_value": value(new)}));
        }
    }
    difference
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > LONGEST => {
            text.chars().take(LONGEST).chain(['…']).collect::<String>().into()
        }
        other => other,
    }
}

/// An object as events name it: UUIDs are written without dashes there.
pub fn name_object(kind: &Kind, object: &Object) -> Value {
    let pk = match object.get("pk") {
        Some(Value::String(text)) => parse_uuid(text).map_or_else(|| text.clone(), |pk| pk.simple().to_string()).into(),
        other => other.cloned().unwrap_or(Value::Null),
    };
    let name = object.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.map_or_else(|| kind.describe(object), str::to_owned);
    json!({ "pk": pk, "app": kind.app(), "name": name, "model_name": kind.model_name() })
}

/// Writes an event of who was shown which secrets, if any were: one for all objects of an answer.
pub(crate) async fn write_shown(
    api: &Api,
    principal: &Principal,
    kind: &Kind,
    objects: &[Object],
) -> Result<(), ApiError> {
    let guarded = kind.fields.iter().filter(|field| field.guarded && field.is_readable());
    for field in guarded.filter(|_| principal.may(&kind.permission(Verb::Change))) {
        let is_there =
            |object: &&Object| object.get(field.name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let mut shown: Vec<Value> = objects.iter().filter(is_there).map(|object| name_object(kind, object)).collect();
        let context = match shown.len() {
            0 => continue,
            1 => json!({"secret": shown.pop(), "type": field.name}),
            _ => json!({"secrets": shown, "type": field.name}),
        };
        let event = Event::new("secret_view", "authentik.events.middleware", principal.actor.clone());
        let mut change = api.store.change(principal.actor.clone()).await?;
        event.context(context).request(&principal.request).write(&api.ctx, change.transaction()).await?;
        change.commit().await?;
    }
    Ok(())
}

/// Writes an event of a request that failed by a fault of the server's. Why, its log says: a cause may hold what not every
/// reader of events may see.
pub async fn write_failure(api: &Api, actor: Actor, request: &Request) {
    let message = "The server failed at a request. Its log says why, beside the request's identifier.";
    let event = Event::new("system_exception", "authentik.events.middleware", actor);
    let event = event.context(json!({"message": message})).request(request);
    let written = async {
        let mut transaction = api.store.database().gather(Durability::Process);
        event.write(&api.ctx, &mut transaction).await?;
        transaction.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, "the event of a failure could not be written");
    }
}

/// Writes the event, as part of the change.
pub(crate) async fn write_event(
    change: &mut Change,
    ctx: &Ctx,
    principal: &Principal,
    kind: &Kind,
    action: &'static str,
    object: &Object,
    difference: Option<Object>,
) -> Result<(), ApiError> {
    if !kind.spec.audited || principal.request.quiet {
        return Ok(());
    }
    let mut context = json!({ "model": name_object(kind, object) });
    if let (Some(context), Some(difference)) = (context.as_object_mut(), difference) {
        context.insert("diff".into(), Value::Object(difference));
    }
    let event = Event::new(action, "authentik.events.middleware", principal.actor.clone());
    event.context(context).request(&principal.request).write(ctx, change.transaction()).await?;
    Ok(())
}
