//! Applies the entries of a blueprint, each within the same change: all of them, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use vestibule_blueprints::tags::{conditions_hold, resolve_context};
use vestibule_blueprints::{Blueprint, BlueprintError, Entry, Key, Node, NodeValue, Scope, State, resolve};
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_resource::{
    Hooks, Kind, Mode, Principal, Registry, Verb, WriteCx, delete_object, load_one, write_object,
};
use vestibule_store::Change;

use crate::edit::Edit;
use crate::error::{Applied, ApplyError, SECRET};
use crate::library::{Library, Origin};
use crate::lookup::{Asked, World, field_name, find_document, meets};
use crate::names::blank;
use crate::{meta, permissions};

/// Most questions that the tags of one entry may ask of tables.
const MOST_QUESTIONS: usize = 1000;

/// Applies blueprints to one change, as one principal: what they may not write, the blueprint may not.
pub struct Applier<'a> {
    pub(crate) change: &'a mut Change,
    pub(crate) registry: &'a Registry,
    pub(crate) library: &'a Library,
    ctx: &'a Ctx,
    principal: &'a Principal,
    /// What was done to objects, in order.
    pub(crate) edits: Vec<Edit>,
    /// Blueprints that are applied already, or just being so.
    pub(crate) seen: BTreeSet<String>,
    known: Vec<(Asked, Option<Object>)>,
    missing_secrets: Vec<String>,
}

/// A text that is being applied.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    /// What messages call it.
    pub file: &'s str,
    pub origin: &'s Origin,
}

/// What tags know of the file around them.
struct Around<'a> {
    model: &'a str,
    context: &'a Map<String, Value>,
    keys: &'a BTreeMap<String, Key>,
}

impl Around<'_> {
    fn scope<'s>(&'s self, world: &'s World<'s>) -> Scope<'s> {
        Scope { model: self.model, context: self.context, keys: self.keys, lookup: world }
    }
}

impl<'a> Applier<'a> {
    /// Applies to this change.
    pub fn new(
        change: &'a mut Change,
        registry: &'a Registry,
        ctx: &'a Ctx,
        principal: &'a Principal,
        library: &'a Library,
    ) -> Self {
        Self {
            change,
            registry,
            library,
            ctx,
            principal,
            edits: Vec::new(),
            seen: BTreeSet::new(),
            known: Vec::new(),
            missing_secrets: Vec::new(),
        }
    }

    /// Applies a text, which messages call `file`. After an error the change is to be dropped.
    ///
    /// # Errors
    /// The entry that failed, with file and line; or every secret that is missing.
    pub async fn apply(
        &mut self,
        file: &str,
        text: &str,
        context: &Object,
        origin: &Origin,
    ) -> Result<Applied, ApplyError> {
        self.seen.insert(file.to_owned());
        let applied = self.entries(Source { file, origin }, text, context).await?;
        if self.missing_secrets.is_empty() {
            return Ok(applied);
        }
        Err(ApplyError::Secrets(std::mem::take(&mut self.missing_secrets)))
    }

    pub(crate) async fn entries(
        &mut self,
        source: Source<'_>,
        text: &str,
        context: &Object,
    ) -> Result<Applied, ApplyError> {
        let mut applied = Applied::default();
        let blueprint = Blueprint::parse(text).map_err(ApplyError::format(source.file))?;
        self.change.lock().await?;
        let context = self.resolving(source, 1, |world| resolve_context(&blueprint, context, world)).await?;
        let mut keys = BTreeMap::new();
        for entry in &blueprint.entries {
            let key = match self.entry(source, entry, &context, &keys, &mut applied).await {
                // Nothing will come of it anyway: what else is missing is looked for.
                Err(ApplyError::Entry { .. }) if !self.missing_secrets.is_empty() => continue,
                key => key?,
            };
            if let (Some(key), Some(id)) = (key, &entry.id) {
                keys.insert(id.clone(), key);
            }
        }
        Ok(applied)
    }

    async fn entry(
        &mut self,
        source: Source<'_>,
        entry: &Entry,
        context: &Map<String, Value>,
        keys: &BTreeMap<String, Key>,
        applied: &mut Applied,
    ) -> Result<Option<Key>, ApplyError> {
        let (file, line) = (source.file, entry.line);
        let model = entry.model.to_ascii_lowercase();
        let (attrs, secrets) = without_secrets(&entry.attrs);
        let around = Around { model: &model, context, keys };
        if !self.resolving(source, line, |world| conditions_hold(entry, &around.scope(world))).await? {
            applied.passed += 1;
            return Ok(None);
        }
        let identifiers =
            self.resolving(source, line, |world| resolve(&entry.identifiers, &around.scope(world))).await?;
        let attrs = self.resolving(source, line, |world| resolve(&attrs, &around.scope(world))).await?;
        let (Value::Object(identifiers), Value::Object(mut body)) = (identifiers, attrs) else {
            return Err(ApplyError::at(file, line, "`identifiers` and `attrs` must become mappings"));
        };
        if model.starts_with("authentik_blueprints.meta") {
            meta::apply(self, source, line, &model, &body, applied).await?;
            return Ok(None);
        }
        let Some(kind) = self.registry.kind(&model).cloned() else {
            return Err(ApplyError::at(file, line, format!("there is no model {}", entry.model)));
        };
        let mut permissions = Vec::new();
        for permission in &entry.permissions {
            let resolve = |world: &World<'_>| permissions::resolve(permission, &around.scope(world));
            permissions.push(self.resolving(source, line, resolve).await?);
        }
        let existing = self.existing(&kind, &identifiers).await.map_err(ApplyError::entry(file, line))?;
        if existing.is_none() && entry.state != State::Absent {
            let name = Value::Object(identifiers.clone());
            self.missing_secrets
                .extend(secrets.iter().map(|field| format!("  {file}:{line}: {field} of {model} {name}")));
        }
        body.extend(identifiers);
        note_unknown(&kind, &body, line, applied);
        let Some(object) = self.write(file, &kind, entry, existing, &body, applied).await? else { return Ok(None) };
        for given in &permissions {
            let granted = permissions::grant(self.change, &kind, &object, given);
            granted.map_err(|message| ApplyError::at(file, line, message))?;
        }
        let policy_binding_model =
            ["policybindingmodel_ptr_id", "pbm_uuid"].iter().find_map(|name| object.get(*name)).cloned();
        Ok(Some(Key { pk: object.get("pk").cloned().unwrap_or_default(), policy_binding_model }))
    }

    async fn write(
        &mut self,
        file: &str,
        kind: &Arc<Kind>,
        entry: &Entry,
        existing: Option<Object>,
        body: &Object,
        applied: &mut Applied,
    ) -> Result<Option<Object>, ApplyError> {
        let line = entry.line;
        Ok(Some(match (entry.state, existing) {
            (State::Created, Some(object)) => {
                applied.passed += 1;
                self.edits.push(Edit::new(kind, line, Some(&object), Some(&object)));
                object
            }
            (State::MustCreated, Some(_)) => {
                return Err(ApplyError::at(file, line, "the object is already there"));
            }
            (State::Absent, None) => {
                applied.passed += 1;
                return Ok(None);
            }
            (State::Absent, Some(object)) => {
                self.require(file, line, kind, Verb::Delete)?;
                let Self { change, registry, ctx, principal, .. } = self;
                let deleted = delete_object(change, registry, ctx, principal, kind, &object).await;
                deleted.map_err(ApplyError::entry(file, line))?;
                applied.deleted += 1;
                self.known.clear();
                self.edits.push(Edit::new(kind, line, Some(&object), None));
                return Ok(None);
            }
            (_, existing) => {
                let (verb, mode) = match &existing {
                    Some(_) => (Verb::Change, Mode::PartialUpdate),
                    None => (Verb::Add, Mode::Create),
                };
                self.require(file, line, kind, verb)?;
                let Self { change, registry, ctx, principal, .. } = self;
                // A key that the file gives is kept: other entries may name the object by it.
                let given = body.get("pk").filter(|pk| kind.is_document() && pk.as_str().is_some_and(is_uuid));
                let base = existing.clone().or_else(|| given.map(|pk| blank(kind, pk, || ctx.uuid())));
                let written = write_object(change, registry, ctx, principal, kind, base.as_ref(), body, mode).await;
                let object = written.map_err(ApplyError::entry(file, line))?;
                self.beyond(kind, existing.as_ref(), &object, body).await.map_err(ApplyError::entry(file, line))?;
                *(if existing.is_some() { &mut applied.updated } else { &mut applied.created }) += 1;
                self.known.clear();
                self.edits.push(Edit::new(kind, line, existing.as_ref(), Some(&object)));
                object
            }
        }))
    }

    /// Sets what the API has operations of their own for: a user's password, a token's key.
    async fn beyond(
        &mut self,
        kind: &Kind,
        existing: Option<&Object>,
        object: &Object,
        body: &Object,
    ) -> Result<(), ApiError> {
        let Some(hooks) = kind.hooks() else { return Ok(()) };
        let given = body.iter().filter(|(name, _)| hooks.beyond().contains(&name.as_str()));
        let given: Object = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        if given.is_empty() {
            return Ok(());
        }
        let Self { change, registry, ctx, principal, .. } = self;
        let mut cx = WriteCx { change, registry, ctx, principal, kind, existing, given: &given };
        hooks.set_beyond(&mut cx, object).await
    }

    /// The API would ask for the same permission.
    fn require(&self, file: &str, line: usize, kind: &Kind, verb: Verb) -> Result<(), ApplyError> {
        let permission = kind.permission(verb);
        if self.principal.may(&permission) {
            return Ok(());
        }
        let message = format!("you may not {} {} ({permission})", verb.as_str(), kind.model());
        Err(ApplyError::at(file, line, message))
    }

    /// The object that identifiers find: by its key, or by all else they say.
    async fn existing(&mut self, kind: &Kind, identifiers: &Object) -> Result<Option<Object>, ApiError> {
        let (keys, others): (Vec<_>, Vec<_>) = identifiers
            .iter()
            .map(|(name, value)| (field_name(kind, name).to_owned(), value.clone()))
            .partition(|(name, _)| name == "pk");
        for criteria in [keys, others].into_iter().filter(|criteria| !criteria.is_empty()) {
            let found = if kind.is_document() {
                find_document(self.registry, &self.change.configuration(), kind, &criteria)
            } else {
                self.row(kind, &criteria).await?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The row that meets every criterion, found by one of them that it is stored under.
    async fn row(&mut self, kind: &Kind, criteria: &[(String, Value)]) -> Result<Option<Object>, ApiError> {
        let configuration = self.change.configuration();
        for (name, value) in criteria {
            let Some(object) = load_one(self.change.transaction(), kind, field_name(kind, name), value).await? else {
                continue;
            };
            if criteria.iter().all(|(name, value)| meets(self.registry, &configuration, kind, &object, name, value)) {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    /// Does what asks through tags, again and again until every question to a table has its answer.
    async fn resolving<T>(
        &mut self,
        source: Source<'_>,
        line: usize,
        work: impl Fn(&World<'_>) -> Result<T, BlueprintError>,
    ) -> Result<T, ApplyError> {
        for _ in 0..MOST_QUESTIONS {
            let wanted = {
                let configuration = self.change.configuration();
                let world = World {
                    registry: self.registry,
                    configuration: &configuration,
                    known: &self.known,
                    wanted: Mutex::default(),
                    principal: self.principal,
                    library: self.library,
                    origin: source.origin,
                };
                let result = work(&world);
                match world.wanted.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    None => return result.map_err(ApplyError::format(source.file)),
                    Some(wanted) => wanted,
                }
            };
            let Some(kind) = self.registry.kind(&wanted.0).cloned() else { break };
            let row = self.row(&kind, &wanted.1).await.map_err(ApplyError::entry(source.file, line))?;
            self.known.push((wanted, row));
        }
        let message = format!("the tags of this entry ask more than {MOST_QUESTIONS} questions");
        Err(ApplyError::at(source.file, line, message))
    }
}

fn is_uuid(text: &str) -> bool {
    text.parse::<uuid::Uuid>().is_ok()
}

/// A mapping without what an export left out, and the names of that.
fn without_secrets(attrs: &Node) -> (Node, Vec<String>) {
    let NodeValue::Mapping(pairs) = &attrs.value else { return (attrs.clone(), Vec::new()) };
    let is_secret = |node: &Node| matches!(&node.value, NodeValue::Tagged(tag, _) if tag == SECRET);
    let (secret, plain): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(_, value)| is_secret(value));
    let names = secret.iter().filter_map(|(key, _)| key.to_text()).collect();
    (Node { value: NodeValue::Mapping(plain), ..attrs.clone() }, names)
}

fn note_unknown(kind: &Kind, body: &Object, line: usize, applied: &mut Applied) {
    let beyond = kind.hooks().map_or(&[][..], Hooks::beyond);
    let unknown = |name: &&String| {
        field_name(kind, name) != "pk" && kind.field(name).is_none() && !beyond.contains(&name.as_str())
    };
    for name in body.keys().filter(unknown) {
        applied.notes.push((line, format!("{} has no field `{name}`, it is passed over", kind.model())));
    }
}
