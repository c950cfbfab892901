//! Applies an instance: as whoever asks for it, or as the server when its file has changed.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_blueprints::Blueprint;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Api, Call, Operation, Principal, Represent, Shape, Verb};

use super::{MODEL, Status, note_applied, text_of};
use crate::library::{Library, hash};
use crate::{Applier, ApplyError};

/// `POST {}/apply/`.
pub(super) fn operation() -> Operation {
    let answer = Some(Shape::Schema("BlueprintInstance"));
    Operation::new(Method::POST, "{}/apply/", "managed_blueprints_apply_create", answer, apply)
        // Whoever may only look must not change anything by it.
        .permission(Permission::Verb(Verb::Change))
        .doc(
            "Applies the blueprint, as whoever asks: what they may not write, it may not. Its status says how it went.",
        )
}

async fn apply(call: Call) -> Answer {
    let Some(kind) = call.kind.clone() else { return Err(ApiError::internal("an operation without its kind")) };
    let pk = call.object.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok()).unwrap_or_default();
    let library = call.api.extension::<Library>()?;
    apply_instance(&call.api, &library, &call.principal, pk, Again::Yes).await?;
    let configuration = call.api.store.configuration();
    // A blueprint may delete its own instance.
    let document = configuration.document(MODEL, pk).ok_or_else(|| kind.no_match())?;
    let represent = Represent {
        configuration: &configuration,
        registry: &call.api.registry,
        kind: &kind,
        principal: Some(&call.principal),
        origin: "",
        written: &[],
    };
    ok(&represent.object(&document.value))
}

/// Whether a text is applied although it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is.
    Yes,
    /// Not when it is the same.
    No,
}

/// Applies an instance that is enabled, and notes in it how that went.
///
/// # Errors
/// The database's: what is wrong with the blueprint its status and an event say.
pub async fn apply_instance(
    api: &Api,
    library: &Library,
    principal: &Principal,
    pk: Uuid,
    again: Again,
) -> Result<(), ApiError> {
    let mut change = api.store.change(principal.actor.clone()).await?;
    // Two nodes see a changed file at once: the second waits here, then finds it applied.
    let instance = change.lock().await?.document(MODEL, pk).map(|document| document.value.clone());
    let Some(instance) = instance.filter(|one| one.get("enabled") == Some(&Value::Bool(true))) else { return Ok(()) };
    let context = instance.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    let (name, text, origin) = match text_of(library, &instance) {
        Ok(found) => found,
        Err(message) => {
            drop(change);
            return fail(api, principal, pk, &message).await;
        }
    };
    if again == Again::No && instance.get("last_applied_hash") == Some(&hash(&text).into()) {
        return Ok(());
    }
    let mut applier = Applier::new(&mut change, &api.registry, &api.ctx, principal, library);
    match applier.apply(&name, &text, &context, &origin).await {
        Ok(_) => {}
        Err(ApplyError::Store(error)) => return Err(error.into()),
        Err(error) => {
            drop(change);
            return fail(api, principal, pk, &error.to_string()).await;
        }
    }
    let after = change.configuration().document(MODEL, pk).map(|document| document.value.clone());
    if let Some(mut after) = after {
        let metadata = Blueprint::parse(&text).ok().and_then(|blueprint| blueprint.metadata);
        note_applied(&api.ctx, &mut after, &text, metadata.as_ref());
        change.put(MODEL, pk, after).await?;
    }
    Ok(change.commit().await?)
}

/// Notes what went wrong; of the blueprint nothing was applied.
async fn fail(api: &Api, principal: &Principal, pk: Uuid, message: &str) -> Result<(), ApiError> {
    tracing::warn!(%pk, error = message, "a blueprint was not applied");
    let mut change = api.store.change(principal.actor.clone()).await?;
    let document = change.lock().await?.document(MODEL, pk).cloned();
    let Some(document) = document else { return Ok(()) };
    let mut value: Object = document.value.clone();
    let model = json!({
        "pk": pk, "app": "authentik_blueprints", "model_name": "blueprintinstance", "name": document.text("name"),
    });
    value.insert("status".into(), Status::Error.as_str().into());
    change.put(MODEL, pk, value).await?;
    let event = Event::new("configuration_error", "authentik.blueprints", principal.actor.clone());
    let event = event.context(json!({"message": message, "model": model})).request(&principal.request);
    event.write(&api.ctx, change.transaction()).await?;
    Ok(change.commit().await?)
}
