//! `user.save()`: what a program has changed about a user is written as the API writes it.

use serde_json::{Value as Json, json};
use vestibule_directory::UserRow;
use vestibule_expression::{Failure, Value};
use vestibule_kernel::{ApiError, Object as JsonObject};
use vestibule_resource::{Mode, Registry, load_one, write_object};
use vestibule_store::Store;

use crate::circumstances::Circumstances;

/// What a program may change; all else goes through the API.
const WRITABLE: [&str; 7] = ["username", "name", "email", "is_active", "path", "type", "attributes"];
/// What a program may not set, whatever else it saves.
const REFUSED: [&str; 3] = ["is_superuser", "groups", "password"];

/// Writes what differs between what the program was given (`before`) and what it has made of it, with an event
/// `model_updated`. What others changed meanwhile stays, unless it is the same field.
pub(crate) async fn save(
    store: &Store,
    circumstances: &Circumstances,
    row: &UserRow,
    before: Vec<(String, Value)>,
    after: Vec<(String, Value)>,
) -> Result<Value, Failure> {
    let given = |name: &str| before.iter().find(|(field, _)| field == name).map(|(_, value)| value);
    let mut body = JsonObject::new();
    for (name, value) in after {
        if REFUSED.contains(&name.as_str()) {
            return Err(Failure {
                kind: "PermissionError",
                message: format!("a program may not set {name} of a user"),
            });
        }
        if given(&name) == Some(&value) {
            continue;
        }
        match WRITABLE.contains(&name.as_str()) {
            true => drop(body.insert(name, value.to_json())),
            false if given(&name).is_some() => {
                return Err(Failure::value(format!("{name} of a user cannot be changed")));
            }
            // An attribute of the Python object that is no field.
            false => {}
        }
    }
    if body.is_empty() {
        return Ok(Value::None);
    }
    write(store, circumstances, row.pk, &body).await.map_err(refused)?;
    Ok(Value::None)
}

async fn write(store: &Store, circumstances: &Circumstances, pk: i64, body: &JsonObject) -> Result<(), ApiError> {
    let registry = Registry::part(vestibule_directory::kinds(), vec![], vec![]).map_err(ApiError::internal)?;
    let kind = registry.kind("authentik_core.user").ok_or_else(|| ApiError::internal("no kind of users"))?;
    let principal = circumstances.principal();
    let mut change = store.change(principal.actor.clone()).await?;
    let existing = load_one(change.transaction(), kind, "pk", &json!(pk)).await?.ok_or_else(|| kind.no_match())?;
    let (existing, mode) = (Some(&existing), Mode::PartialUpdate);
    write_object(&mut change, &registry, store.ctx(), &principal, kind, existing, body, mode).await?;
    if circumstances.trial {
        let fields: Vec<&str> = body.keys().map(String::as_str).collect();
        circumstances.withheld.add(format!("save user {pk}: {}", fields.join(", ")));
        return Ok(());
    }
    change.commit().await?;
    Ok(())
}

/// What the program is told.
fn refused(error: ApiError) -> Failure {
    match &error {
        ApiError::Invalid(errors) => {
            let said = |(field, messages): (&String, &Json)| {
                let messages: Vec<&str> = messages.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
                format!("{field}: {}", messages.join(" "))
            };
            let lines: Vec<String> = errors.to_json().as_object().into_iter().flatten().map(said).collect();
            Failure::value(lines.join("; "))
        }
        ApiError::Forbidden => {
            let message = "this user may do more than the one for whom the program runs";
            Failure { kind: "PermissionError", message: message.into() }
        }
        ApiError::NotFound(message) => Failure::value(message.clone()),
        _ => {
            tracing::warn!(error = %error, "an expression could not save a user");
            Failure::runtime("the user could not be saved")
        }
    }
}
