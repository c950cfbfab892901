//! `/api/vestibule/v1/configuration/changes/`: what was changed in the configuration, and how to have it back.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_events::Event;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_resource::call::{Answer, Body, Permission, ok};
use vestibule_resource::http::Query;
use vestibule_resource::{
    Call, Fields, Kind, Operation, Restored, Shape, Wanted, choices, difference, page, parse_time, restore,
};
use vestibule_store::{Change, Revision, Store, Touched};

/// Whoever may see what happened may see this, which events tell as well.
const VIEW: &str = "authentik_events.view_event";
/// Whoever may apply any configuration, and each of the objects besides.
const APPLY: &str = "authentik_blueprints.add_blueprintinstance";

choices! {
    /// What was done to an object.
    pub enum EditAction: "ConfigurationEditActionEnum" {
        Created = "created" "It was made",
        Changed = "changed" "It was written otherwise",
        Deleted = "deleted" "It was deleted",
    }
}

/// One transaction.
#[derive(Fields)]
struct ChangeShown {
    /// Its key.
    change: Uuid,
    /// When.
    at: chrono::DateTime<chrono::Utc>,
    /// Who, as an event shows it.
    actor: Object,
    /// What it did, in order.
    #[field(shape = Shape::Object("ConfigurationEdit", EditShown::fields).list())]
    objects: Vec<Value>,
}

/// What was done to one object.
#[derive(Fields)]
struct EditShown {
    /// What was done to it.
    action: EditAction,
    /// Its model.
    model: String,
    /// Its key in the configuration.
    object: Uuid,
    /// What it is called.
    name: String,
    /// Its fields that differ. Secrets are left out.
    #[field(shape = Shape::Object("ConfigurationEditField", FieldShown::fields).list())]
    fields: Vec<Value>,
}

#[derive(Fields)]
struct FieldShown {
    /// The field.
    field: String,
    /// Its value before.
    #[field(nullable)]
    before: Value,
    /// Its value after.
    #[field(nullable)]
    after: Value,
}

#[derive(Fields)]
struct RestoreBody {
    /// Only say what would be done.
    #[field(default = false)]
    dry_run: bool,
}

#[derive(Fields)]
struct RestorationShown {
    /// Whether nothing was done.
    dry_run: bool,
    /// What is done to which object.
    #[field(shape = Shape::Object("ConfigurationEdit", EditShown::fields).list())]
    objects: Vec<Value>,
}

fn change_shape() -> Option<Shape> {
    Some(Shape::Object("ConfigurationChange", ChangeShown::fields))
}

fn restoration(path: &'static str, id: &'static str) -> (Method, &'static str, &'static str, Option<Shape>) {
    (Method::POST, path, id, Some(Shape::Object("ConfigurationRestoration", RestorationShown::fields)))
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    const BASE: &str = "/api/vestibule/v1/configuration/changes/";
    const ONE: &str = "/api/vestibule/v1/configuration/changes/{change}/";
    let (method, path, id, shape) = restoration(
        "/api/vestibule/v1/configuration/changes/{change}/undo/",
        "vestibule_configuration_changes_undo_create",
    );
    let undo = Operation::new(method, path, id, shape, undo);
    let (method, path, id, shape) = restoration(
        "/api/vestibule/v1/configuration/changes/{change}/return/",
        "vestibule_configuration_changes_return_create",
    );
    let back = Operation::new(method, path, id, shape, go_back);
    let restores = |operation: Operation| {
        operation
            .permission(Permission::Named(APPLY))
            .parameter("change", Shape::Uuid)
            .body(Body::Json("ConfigurationRestorationRequest", RestoreBody::fields))
            .refuses(StatusCode::CONFLICT, None)
    };
    vec![
        Operation::new(Method::GET, BASE, "vestibule_configuration_changes_list", change_shape(), list)
            .permission(Permission::Named(VIEW))
            .paginated()
            .parameter("object", Shape::Uuid)
            .parameter("model", Shape::TEXT)
            .parameter("username", Shape::TEXT)
            .parameter("at__gt", Shape::Time)
            .parameter("at__lt", Shape::Time)
            .doc("Lists what was changed in the configuration, the newest first."),
        Operation::new(Method::GET, ONE, "vestibule_configuration_changes_retrieve", change_shape(), retrieve)
            .permission(Permission::Named(VIEW))
            .parameter("change", Shape::Uuid)
            .doc("Shows one change of the configuration."),
        restores(undo).doc(
            "Undoes one change, if what it changed has not been changed since. Records, as people and their tokens, are not part \
             of the configuration: what a change did to them stays.",
        ),
        restores(back).doc(
            "Puts the whole configuration back to what it was just after a change. Records, as people and their tokens, are not \
             part of it.",
        ),
    ]
}

async fn list(call: Call) -> Answer {
    let touched = touched(&call.query)?;
    let count = call.api.store.count_changes(&touched).await?;
    let (range, pagination) = page(&call.configuration, &call.query, count)?;
    let changes = call.api.store.changes(&touched, range).await?;
    let results: Vec<Value> =
        changes.iter().map(|change| shown_change(&call, change)).collect::<Result<_, ApiError>>()?;
    ok(&json!({"pagination": pagination, "results": results, "autocomplete": {}}))
}

/// Which changes are asked for.
fn touched(query: &Query) -> Result<Touched, ApiError> {
    let given = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let mut errors = FieldErrors::new();
    let mut time = |name: &str| {
        let text = given(name)?;
        let time = parse_time(text);
        if time.is_none() {
            errors.add(name, "Enter a valid date/time.");
        }
        time
    };
    let (after, before) = (time("at__gt"), time("at__lt"));
    let pk = given("object").and_then(|text| {
        let pk = text.parse().ok();
        if pk.is_none() {
            errors.add("object", "Enter a valid UUID.");
        }
        pk
    });
    errors.into_result()?;
    Ok(Touched { pk, kind: given("model").map(Into::into), username: given("username").map(Into::into), after, before })
}

async fn retrieve(call: Call) -> Answer {
    ok(&shown_change(&call, &asked(&call).await?)?)
}

/// What the change did that the path names.
async fn asked(call: &Call) -> Result<Vec<Revision>, ApiError> {
    let missing = || ApiError::NotFound("No ConfigurationChange matches the given query.".into());
    let change = call.path.get("change").and_then(|text| text.parse::<Uuid>().ok()).ok_or_else(missing)?;
    let revisions = call.api.store.change_of(change).await?;
    if revisions.is_empty() { Err(missing()) } else { Ok(revisions) }
}

fn shown_change(call: &Call, revisions: &[Revision]) -> Result<Value, ApiError> {
    let Some(first) = revisions.first() else { return Ok(Value::Null) };
    let mut objects = Vec::new();
    for revision in revisions {
        // A kind that this program does not know has nothing that it could show.
        let Some(kind) = call.api.registry.kind(&revision.kind) else { continue };
        let (before, after) = (plain(&revision.before), plain(&revision.after));
        objects.push(shown_edit(kind, revision.pk, before, after));
    }
    Ok(json!({"change": first.change, "at": first.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "actor": first.actor, "objects": objects}))
}

/// A document as it is kept: its secrets, which nothing here shows, are sealed.
fn plain(document: &Value) -> Option<&Object> {
    document.as_object()
}

fn shown_edit(kind: &Kind, pk: Uuid, before: Option<&Object>, after: Option<&Object>) -> Value {
    let action = match (before, after) {
        (None, _) => EditAction::Created,
        (_, Some(_)) => EditAction::Changed,
        (_, None) => EditAction::Deleted,
    };
    let object = after.or(before);
    let name = object.and_then(|object| object.get("name")).and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.map_or_else(|| object.map(|object| kind.describe(object)).unwrap_or_default(), str::to_owned);
    let fields: Vec<Value> = difference(kind, before, after.unwrap_or(&Object::new()))
        .into_iter()
        .map(
            |(field, values)| json!({"field": field, "before": values.get("previous_value"), "after": values.get("new_value")}),
        )
        .collect();
    json!({"action": action.as_str(), "model": kind.model(), "object": pk, "name": name, "fields": fields})
}

async fn undo(call: Call) -> Answer {
    let revisions = asked(&call).await?;
    let change = locked(&call).await?;
    let configuration = change.configuration();
    let mut changed = Vec::new();
    let wanted = wanted(&call, &revisions, |kind, revision| {
        let now = configuration.document(kind.model(), revision.pk).map(|one| one.value.clone());
        let (before, after) = opened(&call.api.store, revision)?;
        if now != after && now != before {
            let object = now.or(after).or(before.clone()).unwrap_or_default();
            changed.push(kind.describe(&object));
        }
        Ok(before)
    })?;
    if !changed.is_empty() {
        changed.sort();
        return Err(ApiError::Conflict(format!("Changed since: {}.", changed.join(", "))));
    }
    put_back(&call, change, wanted, "undone").await
}

async fn go_back(call: Call) -> Answer {
    let last = asked(&call).await?.last().map(|revision| revision.id).unwrap_or_default();
    let change = locked(&call).await?;
    let since = call.api.store.revisions_since(last).await?;
    // The first change of a document says how it was before all of them.
    let mut first: BTreeMap<Uuid, Revision> = BTreeMap::new();
    for revision in since {
        first.entry(revision.pk).or_insert(revision);
    }
    let revisions: Vec<Revision> = first.into_values().collect();
    let wanted = wanted(&call, &revisions, |_, revision| Ok(opened(&call.api.store, revision)?.0))?;
    put_back(&call, change, wanted, "returned to").await
}

/// A change during which nobody else changes the configuration: what is compared stays as it is.
async fn locked(call: &Call) -> Result<Change, ApiError> {
    let mut change = call.api.store.change(call.principal.actor.clone()).await?;
    change.lock().await?;
    Ok(change)
}

/// A document before and after, with its secrets.
fn opened(store: &Store, revision: &Revision) -> Result<(Option<Object>, Option<Object>), ApiError> {
    Ok((store.opened(revision, &revision.before)?, store.opened(revision, &revision.after)?))
}

fn wanted(
    call: &Call,
    revisions: &[Revision],
    mut object: impl FnMut(&Kind, &Revision) -> Result<Option<Object>, ApiError>,
) -> Result<Vec<Wanted>, ApiError> {
    let known = revisions.iter().filter_map(|revision| Some((call.api.registry.kind(&revision.kind)?, revision)));
    known
        .map(|(kind, revision)| Ok(Wanted { kind: Arc::clone(kind), pk: revision.pk, object: object(kind, revision)? }))
        .collect()
}

/// Puts documents back and says what that did; on a dry run it is as if it had never happened.
async fn put_back(call: &Call, mut change: Change, wanted: Vec<Wanted>, what: &str) -> Answer {
    let dry_run = call.body.get("dry_run") == Some(&Value::Bool(true));
    let (api, principal) = (&call.api, &call.principal);
    let restored = restore(&mut change, &api.registry, &api.ctx, principal, wanted).await?;
    let objects: Vec<Value> = restored.iter().map(shown_restored).collect();
    if !dry_run && !objects.is_empty() {
        let context = json!({
            "message": format!("A change of the configuration was {what}."),
            "change": call.path.get("change"),
            "objects": restored.iter().map(Restored::name).collect::<Vec<_>>(),
        });
        let event = Event::new("custom_", "vestibule.configuration", principal.actor.clone());
        event.context(context).request(&principal.request).write(&api.ctx, change.transaction()).await?;
        change.commit().await?;
    }
    ok(&json!({"dry_run": dry_run, "objects": objects}))
}

fn shown_restored(restored: &Restored) -> Value {
    shown_edit(&restored.kind, restored.pk, restored.before.as_ref(), restored.after.as_ref())
}
