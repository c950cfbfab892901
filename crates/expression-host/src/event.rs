//! `ak_create_event`: a program writes down what happened.

use serde_json::{Value as Json, json};
use vestibule_events::{Event, cleanse};
use vestibule_expression::{Arguments, Failure, Value};
use vestibule_kernel::Object as JsonObject;
use vestibule_resource::EventAction;
use vestibule_store::{Durability, Store};

use crate::circumstances::Circumstances;
use crate::database_failed;

/// Longest name of an action, bytes.
const LONGEST_ACTION: usize = 200;
/// Most that an event holds, bytes of JSON.
const LARGEST: usize = 64 << 10;
/// What goes before the names of actions that the server does not know.
const CUSTOM: &str = "custom_";

/// Writes the event that a program asks for: its action, what it gives by name, and the circumstances. No secrets.
pub(crate) async fn create(
    store: &Store,
    circumstances: &Circumstances,
    arguments: Arguments,
) -> Result<Value, Failure> {
    let given = arguments.text(0, "action")?;
    if given.is_empty() || given.len() > LONGEST_ACTION {
        return Err(Failure::value(format!("the action of an event has 1 to {LONGEST_ACTION} letters")));
    }
    let known = EventAction::CHOICES.values.iter().any(|(action, _)| *action == given && *action != CUSTOM);
    let action = if known || given.starts_with(CUSTOM) { given.to_owned() } else { format!("{CUSTOM}{given}") };
    let named = arguments.named.iter().filter(|(name, _)| name != "action");
    let context: JsonObject = named.map(|(name, value)| (name.clone(), described(value))).collect();
    let context = cleanse("context", &Json::Object(context));
    let text = context.to_string();
    if text.len() > LARGEST {
        return Err(Failure::value(format!("an event holds {LARGEST} bytes at most")));
    }
    if action.contains('\0') || text.contains("\\u0000") {
        return Err(Failure::value("an event holds no null characters"));
    }
    if circumstances.trial {
        circumstances.withheld.add(format!("ak_create_event {action}"));
        return Ok(Value::None);
    }
    let event = Event::new(action, circumstances.program.clone(), circumstances.actor.clone());
    let event = event.context(context).request(&circumstances.request);
    let event = if circumstances.told { event } else { event.untold() };
    let mut transaction = store.database().begin(Durability::Process).await.map_err(database_failed)?;
    event.write(store.ctx(), &mut transaction).await.map_err(database_failed)?;
    transaction.commit().await.map_err(database_failed)?;
    Ok(Value::None)
}

/// A value as events tell of it: objects by key, model and name.
fn described(value: &Value) -> Json {
    match value {
        Value::Object(object) => {
            let pk = object.attributes().into_iter().find(|(name, _)| name == "pk").map(|(_, pk)| pk.to_json());
            json!({"pk": pk, "model_name": object.class().to_lowercase(), "name": object.to_json()})
        }
        Value::List(values) => values.iter().map(described).collect(),
        Value::Dict(pairs) => {
            Json::Object(pairs.iter().map(|(name, value)| (name.clone(), described(value))).collect())
        }
        other => other.to_json(),
    }
}
