//! Applies the entries of a blueprint, each within the same change: all of them, or nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use vestibule_blueprints::tags::{conditions_hold, resolve_context};
use vestibule_blueprints::{Blueprint, BlueprintError, Entry, Key, Node, NodeValue, Scope, State, defaults, resolve};
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_resource::{Kind, Mode, Principal, Registry, delete_object, load_one, write_object};
use vestibule_store::{Change, StoreError};

use super::lookup::{Asked, World, field_name, find_document, meets, same};
use super::names::blank;

/// Most questions that the tags of one entry may ask of tables.
const MOST_QUESTIONS: usize = 1000;
/// The tag that stands for a secret in an export.
pub(super) const SECRET: &str = "!Secret";

/// Where a blueprint comes from, which decides what its tags may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The machine of the server: its environment and files are the author's own.
    Server,
    /// A client of the API.
    Upload,
}

/// What stopped a blueprint.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An entry that cannot be applied.
    #[error("{file}:{line}: {message}")]
    Entry {
        /// The file's name.
        file: String,
        /// Its line.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// New objects whose secrets the file does not tell.
    #[error("these secrets are neither in the file nor here, write them in place of {SECRET}:\n{}", .0.join("\n"))]
    Secrets(Vec<String>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects made.
    pub created: usize,
    /// Objects written again.
    pub updated: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Entries that asked for nothing.
    pub passed: usize,
    /// What the author may want to know, with its line.
    pub notes: Vec<(usize, String)>,
}

impl Applied {
    /// Adds what became of another document, which begins `before` lines later.
    pub(crate) fn add(&mut self, other: Self, before: usize) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.passed += other.passed;
        self.notes.extend(other.notes.into_iter().map(|(line, note)| (line + before, note)));
    }
}

/// Applies blueprints to one change.
pub struct Applier<'a> {
    change: &'a mut Change,
    registry: &'a Registry,
    ctx: &'a Ctx,
    principal: &'a Principal,
    origin: Origin,
    known: Vec<(Asked, Option<Object>)>,
    missing_secrets: Vec<String>,
}

/// A failed entry, before the file's name is put to it.
enum Failure {
    Entry(usize, String),
    Store(StoreError),
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

impl From<BlueprintError> for Failure {
    fn from(error: BlueprintError) -> Self {
        Self::Entry(error.line, error.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn at(line: usize) -> impl Fn(ApiError) -> Failure {
    move |error| match error {
        ApiError::Internal(cause) => {
            tracing::error!(error = %cause, "a blueprint entry failed");
            Failure::Entry(line, "the server failed to apply this entry; its log says why".to_owned())
        }
        error => Failure::Entry(line, error.to_string()),
    }
}

impl<'a> Applier<'a> {
    /// Applies to this change, as this principal: what they may not write, the blueprint may not.
    pub fn new(
        change: &'a mut Change,
        registry: &'a Registry,
        ctx: &'a Ctx,
        principal: &'a Principal,
        origin: Origin,
    ) -> Self {
        Self { change, registry, ctx, principal, origin, known: Vec::new(), missing_secrets: Vec::new() }
    }

    /// Applies a file. After an error the change is to be dropped.
    ///
    /// # Errors
    /// The entry that failed, with file and line; or every secret that is missing.
    pub async fn apply(&mut self, file: &str, text: &str, context: &Object) -> Result<Applied, ApplyError> {
        let mut applied = Applied::default();
        let entries = self.entries(file, text, context, &mut applied).await;
        entries.map_err(|failure| match failure {
            Failure::Entry(line, message) => ApplyError::Entry { file: file.to_owned(), line, message },
            Failure::Store(error) => ApplyError::Store(error),
        })?;
        if self.missing_secrets.is_empty() {
            return Ok(applied);
        }
        Err(ApplyError::Secrets(std::mem::take(&mut self.missing_secrets)))
    }

    async fn entries(
        &mut self,
        file: &str,
        text: &str,
        context: &Object,
        applied: &mut Applied,
    ) -> Result<(), Failure> {
        let blueprint = Blueprint::parse(text)?;
        self.change.lock().await?;
        let context = self.resolving(1, |world| resolve_context(&blueprint, context, world)).await?;
        let mut keys = BTreeMap::new();
        for entry in &blueprint.entries {
            if let Some(key) = self.entry(file, entry, &context, &keys, applied).await?
                && let Some(id) = &entry.id
            {
                keys.insert(id.clone(), key);
            }
        }
        Ok(())
    }

    async fn entry(
        &mut self,
        file: &str,
        entry: &Entry,
        context: &Map<String, Value>,
        keys: &BTreeMap<String, Key>,
        applied: &mut Applied,
    ) -> Result<Option<Key>, Failure> {
        let model = entry.model.to_ascii_lowercase();
        let (attrs, secrets) = without_secrets(&entry.attrs);
        let around = Around { model: &model, context, keys };
        let line = entry.line;
        if !self.resolving(line, |world| conditions_hold(entry, &around.scope(world))).await? {
            applied.passed += 1;
            return Ok(None);
        }
        let identifiers = self.resolving(line, |world| resolve(&entry.identifiers, &around.scope(world))).await?;
        let attrs = self.resolving(line, |world| resolve(&attrs, &around.scope(world))).await?;
        let (Value::Object(identifiers), Value::Object(mut body)) = (identifiers, attrs) else {
            return Err(Failure::Entry(line, "`identifiers` and `attrs` must become mappings".into()));
        };
        if model.starts_with("authentik_blueprints.meta") {
            apply_other(line, &body)?;
            applied.passed += 1;
            return Ok(None);
        }
        let Some(kind) = self.registry.kind(&model).cloned() else {
            return Err(Failure::Entry(line, format!("there is no model {}", entry.model)));
        };
        if !entry.permissions.is_empty() {
            return Err(Failure::Entry(line, "permissions on single objects cannot be given yet".into()));
        }
        let existing = self.existing(&kind, &identifiers).await.map_err(at(line))?;
        if existing.is_none() && entry.state != State::Absent {
            let name = Value::Object(identifiers.clone());
            self.missing_secrets
                .extend(secrets.iter().map(|field| format!("  {file}:{line}: {field} of {model} {name}")));
        }
        body.extend(identifiers);
        note_unknown(&kind, &body, line, applied);
        self.write(&kind, entry, existing, &body, applied).await
    }

    async fn write(
        &mut self,
        kind: &Arc<Kind>,
        entry: &Entry,
        existing: Option<Object>,
        body: &Object,
        applied: &mut Applied,
    ) -> Result<Option<Key>, Failure> {
        let Self { change, registry, ctx, principal, .. } = self;
        let object = match (entry.state, existing) {
            (State::Created, Some(object)) => {
                applied.passed += 1;
                object
            }
            (State::MustCreated, Some(_)) => {
                return Err(Failure::Entry(entry.line, "the object is already there".into()));
            }
            (State::Absent, None) => {
                applied.passed += 1;
                return Ok(None);
            }
            (State::Absent, Some(object)) => {
                let deleted = delete_object(change, registry, ctx, principal, kind, &object).await;
                deleted.map_err(at(entry.line))?;
                applied.deleted += 1;
                self.known.clear();
                return Ok(None);
            }
            (_, existing) => {
                let mode = if existing.is_some() { Mode::PartialUpdate } else { Mode::Create };
                // A key that the file gives is kept: other entries may name the object by it.
                let given = body.get("pk").filter(|pk| kind.is_document() && pk.as_str().is_some_and(is_uuid));
                let base = existing.clone().or_else(|| given.map(|pk| blank(kind, pk, || ctx.uuid())));
                let written = write_object(change, registry, ctx, principal, kind, base.as_ref(), body, mode).await;
                let object = written.map_err(at(entry.line))?;
                *(if existing.is_some() { &mut applied.updated } else { &mut applied.created }) += 1;
                self.known.clear();
                object
            }
        };
        let policy_binding_model =
            ["policybindingmodel_ptr_id", "pbm_uuid"].iter().find_map(|name| object.get(*name)).cloned();
        Ok(Some(Key { pk: object.get("pk").cloned().unwrap_or_default(), policy_binding_model }))
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
        line: usize,
        work: impl Fn(&World<'_>) -> Result<T, BlueprintError>,
    ) -> Result<T, Failure> {
        for _ in 0..MOST_QUESTIONS {
            let wanted = {
                let configuration = self.change.configuration();
                let world = World {
                    registry: self.registry,
                    configuration: &configuration,
                    known: &self.known,
                    wanted: Mutex::default(),
                    origin: self.origin,
                };
                let result = work(&world);
                match world.wanted.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    None => return Ok(result?),
                    Some(wanted) => wanted,
                }
            };
            let Some(kind) = self.registry.kind(&wanted.0).cloned() else { break };
            let row = self.row(&kind, &wanted.1).await.map_err(at(line))?;
            self.known.push((wanted, row));
        }
        Err(Failure::Entry(line, format!("the tags of this entry ask more than {MOST_QUESTIONS} questions")))
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

/// An entry that applies another blueprint: those that come with the server are applied at its first start.
fn apply_other(line: usize, attrs: &Object) -> Result<(), Failure> {
    let name = attrs.get("identifiers").and_then(|identifiers| identifiers.get("name")).unwrap_or(&Value::Null);
    let known = defaults().iter().any(|(_, text)| {
        let blueprint = Blueprint::parse(text).ok();
        blueprint.and_then(|blueprint| blueprint.metadata).is_some_and(|metadata| same(&metadata.name.into(), name))
    });
    if known || attrs.get("required") == Some(&Value::Bool(false)) {
        return Ok(());
    }
    Err(Failure::Entry(line, format!("there is no blueprint {name}")))
}

fn note_unknown(kind: &Kind, body: &Object, line: usize, applied: &mut Applied) {
    for name in body.keys().filter(|name| field_name(kind, name) != "pk" && kind.field(name).is_none()) {
        applied.notes.push((line, format!("{} has no field `{name}`, it is passed over", kind.model())));
    }
}
