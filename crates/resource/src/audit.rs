//! The event of a write: what was written, and how it was before, without secrets.

use serde_json::{Value, json};
use vestibule_events::{Event, cleanse};
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_store::Change;

use crate::access::Principal;
use crate::decode::parse_uuid;
use crate::field::{Access, Field, Shape};
use crate::kind::Kind;

/// Longest text that a difference repeats, characters: pictures live in fields too.
const LONGEST: usize = 1024;

/// The fields that differ, with their values before and after.
pub(crate) fn difference(kind: &Kind, before: Option<&Object>, after: &Object) -> Object {
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
    json!({ "pk": pk, "app": kind.app(), "name": kind.describe(object), "model_name": kind.model_name() })
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
    if !kind.spec.audited {
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
