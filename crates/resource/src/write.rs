//! Writing: a body becomes an object, checked field by field and as a whole, stored in one transaction with its event.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, Ctx, FieldErrors, Object};
use vestibule_store::{Change, Configuration};

use crate::access::Principal;
use crate::audit;
use crate::decode;
use crate::field::Shape;
use crate::kind::{Kind, Storage};
use crate::object_permission;
use crate::registry::Registry;
use crate::table;
use crate::used_by::{Referrer, referrers};
use crate::value::defaults;

/// What a write means by what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A new object: what is left out has its default.
    Create,
    /// PUT: required fields must be there; what else is left out stays.
    Update,
    /// PATCH: what is left out stays.
    PartialUpdate,
}

/// A write under way.
pub struct WriteCx<'a> {
    /// The transaction.
    pub change: &'a mut Change,
    /// Everything that is served.
    pub registry: &'a Registry,
    /// Time and randomness.
    pub ctx: &'a Ctx,
    /// Who writes.
    pub principal: &'a Principal,
    /// What kind of object.
    pub kind: &'a Kind,
    /// The object before; `None` when it is created.
    pub existing: Option<&'a Object>,
    /// The fields of this request, in their stored form.
    pub given: &'a Object,
}

/// What a validation looks at.
pub struct Validation<'a> {
    /// The fields of this request, in their stored form.
    pub given: &'a Object,
    /// The object as it would be stored.
    pub object: &'a Object,
    /// The object before; `None` when it is created.
    pub existing: Option<&'a Object>,
    /// The configuration as it is.
    pub configuration: &'a Configuration,
    /// Everything that is served.
    pub registry: &'a Registry,
    /// Who writes.
    pub principal: &'a Principal,
}

impl Validation<'_> {
    /// A text of the object; empty when it is absent.
    pub fn text(&self, field: &str) -> &str {
        self.object.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Writes an object and its event, as part of `change`.
#[expect(clippy::too_many_arguments, reason = "what a write consists of; a struct would only rename it")]
pub fn write_object<'a>(
    change: &'a mut Change,
    registry: &'a Registry,
    ctx: &'a Ctx,
    principal: &'a Principal,
    kind: &'a Arc<Kind>,
    existing: Option<&'a Object>,
    body: &'a Object,
    mode: Mode,
) -> BoxFuture<'a, Result<Object, ApiError>> {
    Box::pin(
        async move { write_found(change, registry, ctx, principal, kind, existing, body, &Object::new(), mode).await },
    )
}

/// The same, with what this server has found out itself: `found` reaches fields that no client writes.
#[expect(clippy::too_many_arguments, reason = "as above")]
pub(crate) async fn write_found(
    change: &mut Change,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
    kind: &Arc<Kind>,
    existing: Option<&Object>,
    body: &Object,
    found: &Object,
    mode: Mode,
) -> Result<Object, ApiError> {
    if kind.is_document() {
        change.lock().await?;
    }
    // What was read before the lock may be of yesterday: a change in between must not be undone.
    let present = match existing {
        // (A creation may bring a blank object with the key that it is to have.)
        Some(object) if kind.is_document() && mode != Mode::Create => {
            let document = change.configuration().document(kind.model(), key(kind, object)?).cloned();
            Some(document.ok_or_else(|| kind.no_match())?)
        }
        _ => None,
    };
    let existing = present.as_ref().map(|document| &document.value).or(existing);
    let mut errors = FieldErrors::new();
    let mut given = decode::decode(&kind.fields, body, mode == Mode::PartialUpdate, &mut errors);
    for field in &kind.fields {
        if let (Some((model, _, false)), Some(key)) = (field.reference(), given.get_mut(field.name))
            && let Some(known) = registry.canonical_key(&change.configuration(), model, key)
        {
            *key = known;
        }
    }
    check_references(change, registry, kind, &given, &mut errors).await?;
    check_unique(change, registry, kind, &given, existing, &mut errors).await?;
    errors.sort_by(&kind.fields.iter().map(|field| field.name).collect::<Vec<_>>());
    errors.into_result()?;

    let mut object = existing.cloned().unwrap_or_else(|| new_object(ctx, kind));
    object.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    let own = kind.fields.iter().filter(|field| field.is_stored() && !field.is_writable());
    object.extend(own.filter_map(|field| Some((field.name.to_owned(), found.get(field.name)?.clone()))));
    let configuration = change.configuration();
    let validation =
        Validation { given: &given, object: &object, existing, configuration: &configuration, registry, principal };
    check_whole(&validation, kind)?;
    drop(configuration);
    store_with_event(change, registry, ctx, principal, kind, existing, &given, object).await
}

/// Stores what was found to be right, with its hooks and its event.
#[expect(clippy::too_many_arguments, reason = "as above")]
async fn store_with_event(
    change: &mut Change,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
    kind: &Arc<Kind>,
    existing: Option<&Object>,
    given: &Object,
    mut object: Object,
) -> Result<Object, ApiError> {
    let mut cx = WriteCx { change, registry, ctx, principal, kind, existing, given };
    if let Some(hooks) = kind.spec.hooks {
        hooks.before_save(&mut cx, &mut object).await?;
    }
    save(cx.change, kind, existing, &mut object).await?;
    if let Some(hooks) = kind.spec.hooks {
        hooks.after_save(&mut cx, &object).await?;
    }
    let action = if existing.is_some() { "model_updated" } else { "model_created" };
    let difference = audit::difference(kind, existing, &object);
    audit::write_event(change, ctx, principal, kind, action, &object, Some(difference)).await?;
    Ok(object)
}

/// Writes a document as it was once, with its event: checked like any other, but for what is checked of a body alone.
pub(crate) async fn put_back(
    change: &mut Change,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
    kind: &Arc<Kind>,
    existing: Option<&Object>,
    was: &Object,
) -> Result<Object, ApiError> {
    // A field that was not there then has its default.
    let mut object = new_object(ctx, kind);
    object.extend(was.iter().map(|(name, value)| (name.clone(), value.clone())));
    let given = object.clone();
    let mut errors = FieldErrors::new();
    check_references(change, registry, kind, &given, &mut errors).await?;
    check_unique(change, registry, kind, &given, existing, &mut errors).await?;
    errors.into_result()?;
    let configuration = change.configuration();
    let validation =
        Validation { given: &given, object: &object, existing, configuration: &configuration, registry, principal };
    check_whole(&validation, kind)?;
    drop(configuration);
    store_with_event(change, registry, ctx, principal, kind, existing, &given, object).await
}

fn new_object(ctx: &Ctx, kind: &Kind) -> Object {
    let mut object = defaults(&kind.fields);
    for field in kind.fields.iter().filter(|field| field.is_stored() && matches!(field.shape, Shape::Uuid)) {
        if !field.nullable && field.default.is_none() && !field.is_writable() {
            object.insert(field.name.into(), ctx.uuid().to_string().into());
        }
    }
    object
}

async fn save(
    change: &mut Change,
    kind: &Kind,
    existing: Option<&Object>,
    object: &mut Object,
) -> Result<(), ApiError> {
    match (kind.spec.storage, existing) {
        (Storage::Documents, _) => {
            let pk = key(kind, object)?;
            if let (Some(sequence), false) = (kind.spec.numbered, object.get("pk").is_some_and(Value::is_i64)) {
                object.insert("pk".into(), change.next_number(sequence).await?.into());
            }
            change.put(kind.model(), pk, object.clone()).await?;
        }
        (Storage::Table { .. }, None) => table::insert(change.transaction(), kind, object).await?,
        (Storage::Table { .. }, Some(before)) => table::update(change.transaction(), kind, before, object).await?,
    }
    Ok(())
}

fn key(kind: &Kind, object: &Object) -> Result<Uuid, ApiError> {
    let text = object.get(kind.document_key()).and_then(Value::as_str);
    text.and_then(decode::parse_uuid).ok_or_else(|| ApiError::internal("a document without a key"))
}

/// What must hold between the fields of an object.
fn check_whole(validation: &Validation<'_>, kind: &Kind) -> Result<(), ApiError> {
    let mut errors = FieldErrors::new();
    check_unique_together(validation, kind, &mut errors);
    if errors.is_empty() {
        check_programs(validation, kind, &mut errors);
        (kind.validate)(validation, &mut errors);
    }
    errors.into_result()
}

/// Programs that will not run are not saved.
fn check_programs(cx: &Validation<'_>, kind: &Kind, errors: &mut FieldErrors) {
    let name = cx.existing.and_then(|object| object.get("name")).and_then(Value::as_str);
    for field in &kind.fields {
        if let (Some(language), Some(Value::String(text))) = (field.language, cx.given.get(field.name))
            && let Some(refusal) = language.refusal(text, name)
        {
            errors.add(field.name, refusal);
        }
    }
}

async fn check_references(
    change: &mut Change,
    registry: &Registry,
    kind: &Kind,
    given: &Object,
    errors: &mut FieldErrors,
) -> Result<(), ApiError> {
    for field in &kind.fields {
        let (Some((model, _, many)), Some(value)) = (field.reference(), given.get(field.name)) else { continue };
        let keys =
            if many { value.as_array().map(Vec::as_slice).unwrap_or_default() } else { std::slice::from_ref(value) };
        for key in keys.iter().filter(|key| !key.is_null()) {
            if !exists(change, registry, model, key).await? {
                errors.add(field.name, format!("Invalid pk \"{}\" - object does not exist.", decode::python(key)));
                break;
            }
        }
    }
    Ok(())
}

/// Whether the object that a key names exists, as this change sees it.
async fn exists(change: &mut Change, registry: &Registry, model: &str, key: &Value) -> Result<bool, ApiError> {
    for kind in registry.members(model) {
        let found = match kind.spec.storage {
            Storage::Documents => registry.document(&change.configuration(), model, key).is_some(),
            Storage::Table { name, key: column, serial } => match table::key_param(key, serial) {
                Some(param) => {
                    let sql = format!("SELECT {column} FROM {name} WHERE {column} = $1");
                    change.transaction().query_one(sql, vec![param]).await?.is_some()
                }
                None => false,
            },
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn check_unique(
    change: &mut Change,
    registry: &Registry,
    kind: &Kind,
    given: &Object,
    existing: Option<&Object>,
    errors: &mut FieldErrors,
) -> Result<(), ApiError> {
    for field in &kind.fields {
        let (Some(message), Some(value)) = (field.unique, given.get(field.name)) else { continue };
        if value.is_null()
            || errors.contains(field.name)
            || existing.and_then(|object| object.get(field.name)) == Some(value)
        {
            continue;
        }
        let own = existing.and_then(|object| object.get("pk"));
        let taken = match kind.spec.storage {
            Storage::Documents => {
                let configuration = change.configuration();
                let relatives = registry.members(kind.spec.family.map_or(kind.model(), |family| family.model));
                relatives.into_iter().any(|kind| {
                    configuration
                        .documents(kind.model())
                        .any(|other| other.value.get(field.name) == Some(value) && other.value.get("pk") != own)
                })
            }
            Storage::Table { .. } => {
                let other = table::load_one(change.transaction(), kind, field.name, value).await?;
                other.is_some_and(|other| other.get("pk") != own)
            }
        };
        if taken {
            errors.add(field.name, message);
        }
    }
    Ok(())
}

fn check_unique_together(validation: &Validation<'_>, kind: &Kind, errors: &mut FieldErrors) {
    let names = kind.spec.unique_together;
    if names.is_empty() || !kind.is_document() {
        return;
    }
    // What has no value there is like nothing else.
    if names.iter().any(|name| validation.object.get(*name).is_none_or(Value::is_null)) {
        return;
    }
    let own = validation.object.get("pk");
    let taken = validation.configuration.documents(kind.model()).any(|other| {
        other.value.get("pk") != own && names.iter().all(|name| other.value.get(*name) == validation.object.get(*name))
    });
    if taken {
        let message = format!("The fields {} must make a unique set.", names.join(", "));
        errors.add(vestibule_kernel::error::NON_FIELD, message);
    }
}

/// Deletes an object, and does with its referrers what their fields declare.
pub async fn delete_object(
    change: &mut Change,
    registry: &Registry,
    ctx: &Ctx,
    principal: &Principal,
    kind: &Arc<Kind>,
    object: &Object,
) -> Result<(), ApiError> {
    let mut pending = vec![(Arc::clone(kind), object.clone())];
    while let Some((kind, object)) = pending.pop() {
        if kind.is_document() {
            table::release(change.transaction(), registry, &kind, &object).await?;
        }
        // A row that nothing in the configuration refers to does not touch the configuration.
        if kind.is_document() || !referrers(&change.configuration(), registry, &kind, &object).is_empty() {
            change.lock().await?;
        }
        // Documents refer to rows, too.
        let found = referrers(&change.configuration(), registry, &kind, &object);
        if !found.is_empty() {
            change.lock().await?;
            for referrer in referrers(&change.configuration(), registry, &kind, &object) {
                release((&mut *change, registry, ctx, principal), (&kind, &object), referrer, &mut pending).await?;
            }
        }
        if let Some(hooks) = kind.spec.hooks {
            hooks.before_delete(change, &object).await?;
        }
        match kind.spec.storage {
            Storage::Documents => change.delete(kind.model(), key(&kind, &object)?).await?,
            Storage::Table { .. } => table::delete(change.transaction(), &kind, &object).await?,
        }
        object_permission::forget(change.transaction(), &kind, &object).await?;
        audit::write_event(change, ctx, principal, &kind, "model_deleted", &object, None).await?;
    }
    Ok(())
}

async fn release(
    (change, registry, ctx, principal): (&mut Change, &Registry, &Ctx, &Principal),
    (gone, object): (&Kind, &Object),
    referrer: Referrer,
    pending: &mut Vec<(Arc<Kind>, Object)>,
) -> Result<(), ApiError> {
    use crate::field::OnDelete;
    let Some(kind) = registry.kind(referrer.model) else { return Ok(()) };
    // An earlier turn may have changed it.
    let Some(document) = change.configuration().document(kind.model(), referrer.pk).cloned() else { return Ok(()) };
    let mut value = document.value.clone();
    match (referrer.many, referrer.on_delete) {
        (false, OnDelete::Protect) => {
            return Err(ApiError::Conflict(format!("{} still refers to it.", kind.describe(&value))));
        }
        (false, OnDelete::Cascade) => {
            pending.push((Arc::clone(kind), value));
            return Ok(());
        }
        (false, OnDelete::SetNull | OnDelete::SetDefault) => {
            value.insert(referrer.field.into(), Value::Null);
        }
        (true, _) => {
            let model = kind.field(referrer.field).and_then(crate::field::Field::reference).map(|(model, ..)| model);
            let key = model.and_then(|model| gone.key_field(model)).and_then(|name| object.get(name));
            if let (Some(Value::Array(keys)), Some(own)) = (value.get_mut(referrer.field), key) {
                keys.retain(|key| key != own);
            }
        }
    }
    let difference = audit::difference(kind, Some(&document.value), &value);
    change.put(kind.model(), referrer.pk, value.clone()).await?;
    audit::write_event(change, ctx, principal, kind, "model_updated", &value, Some(difference)).await
}
