//! Applies the entries of a blueprint, each within the same change: all of them, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vestibule_blueprints::blueprint::is_instruction;
use vestibule_blueprints::tags::{conditions_hold, model_of};
use vestibule_blueprints::{Blueprint, Context, Entry, Key, State, resolve};
use vestibule_kernel::{ApiError, Ctx, Object};
use vestibule_resource::object_permission::{assign_initial, may_on};
use vestibule_resource::{
    Hooks, Kind, Mode, ObjectKey, Principal, Registry, Verb, WriteCx, delete_object, write_object,
};
use vestibule_store::Change;

use crate::edit::{Besides, Edit};
use crate::error::{Applied, ApplyError};
use crate::identify::{self, Moved};
use crate::library::{Library, Origin};
use crate::lookup::{Asked, field_name};
use crate::names::blank;
use crate::wanted::{Around, MAPPINGS, Part, Source, Wanted};
use crate::{beyond, links, meta, permissions};

/// Applies blueprints to one change, as one principal: what they may not write, the blueprint may not.
pub struct Applier<'a> {
    pub(crate) change: &'a mut Change,
    pub(crate) registry: &'a Registry,
    pub(crate) library: &'a Library,
    pub(crate) ctx: &'a Ctx,
    pub(crate) principal: &'a Principal,
    /// What was done to objects, in order.
    pub(crate) edits: Vec<Edit>,
    /// What was done besides.
    pub(crate) besides: Vec<Besides>,
    /// Lines before the text that is being applied, where it is part of a file.
    pub(crate) before: usize,
    /// Blueprints that are applied already, or just being so.
    pub(crate) seen: BTreeSet<String>,
    /// What tables have answered since something was written.
    pub(crate) known: Vec<(Asked, Option<Object>)>,
    missing_secrets: Vec<String>,
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
            besides: Vec::new(),
            before: 0,
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
        let context = Context::new(&self.own_context(), &blueprint.context, context);
        let mut part = Part { context, keys: BTreeMap::new(), moved: Moved::default() };
        for entry in &blueprint.entries {
            match self.entry(source, entry, &mut part, &mut applied).await {
                // Nothing will come of it anyway: what else is missing is looked for.
                Err(ApplyError::Entry { .. }) if !self.missing_secrets.is_empty() => {}
                result => result?,
            }
        }
        Ok(applied)
    }

    async fn entry(
        &mut self,
        source: Source<'_>,
        entry: &Entry,
        part: &mut Part,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        let (file, line) = (source.file, entry.line);
        let around = Around { model: "", part };
        if !self.resolving(source, line, |world| conditions_hold(entry, &around.scope(world))).await? {
            applied.passed += 1;
            return Ok(());
        }
        let model = self.resolving(source, line, |world| model_of(entry, &around.scope(world))).await?;
        let model = model.to_ascii_lowercase();
        let around = Around { model: &model, part };
        if is_instruction(&model) {
            let attrs = self.resolving(source, line, |world| resolve(&entry.attrs, &around.scope(world))).await?;
            let Value::Object(attrs) = attrs else { return Err(ApplyError::at(file, line, MAPPINGS)) };
            return meta::apply(self, source, line, &model, &attrs, applied).await;
        }
        let (wanted, secrets) = self.wanted(source, entry, around).await?;
        let (kind, identifiers) = (&wanted.kind, &wanted.identifiers);
        let may_look = identify::check(self.registry, self.principal, kind, identifiers);
        may_look.map_err(|message| wanted.error(message))?;
        let mut existing = self.existing(kind, identifiers).await.map_err(ApplyError::entry(file, line))?;
        if let Some(row) = existing.as_mut().filter(|_| !kind.is_document()) {
            let members = wanted.body.contains_key("users");
            let attached = links::attach(self.change.transaction(), kind, row, members).await;
            attached.map_err(ApplyError::entry(file, line))?;
        }
        if existing.is_none() && wanted.state != State::Absent {
            let name = Value::Object(identifiers.clone());
            let line = line + self.before;
            let missing = secrets.iter().map(|field| format!("  {file}:{line}: {field} of {model} {name}"));
            self.missing_secrets.extend(missing);
        }
        let Some(object) = self.write(&wanted, existing, applied).await? else { return Ok(()) };
        for given in &wanted.permissions {
            permissions::grant(self, kind, &object, given).await.map_err(ApplyError::entry(file, line))?;
        }
        part.moved.note(kind, &wanted.identifiers, &object);
        if let Some(id) = &entry.id {
            let policy_binding_model =
                ["policybindingmodel_ptr_id", "pbm_uuid"].iter().find_map(|name| object.get(*name)).cloned();
            part.keys
                .insert(id.clone(), Key { pk: object.get("pk").cloned().unwrap_or_default(), policy_binding_model });
        }
        Ok(())
    }

    async fn write(
        &mut self,
        wanted: &Wanted<'_>,
        existing: Option<Object>,
        applied: &mut Applied,
    ) -> Result<Option<Object>, ApplyError> {
        let Wanted { file, line, ref kind, state, .. } = *wanted;
        match (state, existing) {
            (State::Created, Some(object)) => {
                // That it is there is nobody's to know who could neither see nor make it.
                if !self.may(&wanted.kind.permission(Verb::View), Some(&object)).await? {
                    self.require(wanted, Verb::Add, None).await?;
                }
                applied.passed += 1;
                self.edits.push(Edit::new(kind, line, Some(&object), Some(&object)));
                Ok(Some(object))
            }
            (State::MustCreated, Some(_)) => {
                self.require(wanted, Verb::Add, None).await?;
                Err(wanted.error("the object is already there"))
            }
            (State::Absent, None) => {
                self.require(wanted, Verb::Delete, None).await?;
                applied.passed += 1;
                Ok(None)
            }
            (State::Absent, Some(object)) => {
                self.require(wanted, Verb::Delete, Some(&object)).await?;
                let Self { change, registry, ctx, principal, .. } = self;
                let deleted = delete_object(change, registry, ctx, principal, kind, &object).await;
                deleted.map_err(ApplyError::entry(file, line))?;
                applied.deleted += 1;
                self.known.clear();
                self.edits.push(Edit::new(kind, line, Some(&object), None));
                Ok(None)
            }
            (_, None) if !kind.spec.verbs_served().contains(&Verb::Add) => {
                let name = Value::Object(wanted.identifiers.clone());
                let note = format!("there is no {} {name}: the server makes these by itself", kind.model());
                applied.notes.push((line, note));
                applied.passed += 1;
                Ok(None)
            }
            (_, existing) => self.save(wanted, existing, applied).await.map(Some),
        }
    }

    async fn save(
        &mut self,
        wanted: &Wanted<'_>,
        existing: Option<Object>,
        applied: &mut Applied,
    ) -> Result<Object, ApplyError> {
        let Wanted { file, line, ref kind, ref body, .. } = *wanted;
        let (verb, mode) = match &existing {
            Some(_) => (Verb::Change, Mode::PartialUpdate),
            None => (Verb::Add, Mode::Create),
        };
        self.require(wanted, verb, existing.as_ref()).await?;
        note_unknown(kind, body, line, applied);
        let Self { change, registry, ctx, principal, .. } = self;
        // A key that the file gives is kept: other entries may name the object by it.
        let given = body.get(kind.document_key()).filter(|pk| kind.is_document() && pk.as_str().is_some_and(is_uuid));
        let base = existing.clone().or_else(|| given.map(|pk| blank(kind, pk, || ctx.uuid())));
        let written = write_object(change, registry, ctx, principal, kind, base.as_ref(), body, mode).await;
        let object = written.map_err(ApplyError::entry(file, line))?;
        self.beyond(kind, existing.as_ref(), &object, body).await.map_err(ApplyError::entry(file, line))?;
        if existing.is_none() {
            assign_initial(self.change.transaction(), self.principal, kind, &object).await?;
        }
        *(if existing.is_some() { &mut applied.updated } else { &mut applied.created }) += 1;
        self.known.clear();
        self.edits.push(Edit::new(kind, line, existing.as_ref(), Some(&object)));
        Ok(object)
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
        let known = match existing {
            Some(_) => beyond::state(self.change.transaction(), kind, object).await?,
            None => Vec::new(),
        };
        let Self { change, registry, ctx, principal, .. } = self;
        let mut cx = WriteCx { change, registry, ctx, principal, kind, existing, given: &given };
        hooks.set_beyond(&mut cx, object).await?;
        let mut now = beyond::state(self.change.transaction(), kind, object).await?;
        now.retain(|known| known.field != "uid" || given.contains_key("uid"));
        self.besides.extend(beyond::difference(kind, object, &known, now));
        Ok(())
    }

    /// The API would ask for the same permission.
    async fn require(&mut self, wanted: &Wanted<'_>, verb: Verb, object: Option<&Object>) -> Result<(), ApplyError> {
        let permission = wanted.kind.permission(verb);
        if self.may(&permission, object).await? {
            return Ok(());
        }
        let message = format!("you may not {} {} ({permission})", verb.as_str(), wanted.kind.model());
        Err(ApplyError::Forbidden { file: wanted.file.to_owned(), line: wanted.line, message })
    }

    async fn may(&mut self, permission: &str, object: Option<&Object>) -> Result<bool, ApplyError> {
        let database = self.change.store().database();
        Ok(may_on(database, self.principal, permission, object.and_then(ObjectKey::of)).await?)
    }
}

fn is_uuid(text: &str) -> bool {
    text.parse::<uuid::Uuid>().is_ok()
}

fn note_unknown(kind: &Kind, body: &Object, line: usize, applied: &mut Applied) {
    let beyond = kind.hooks().map_or(&[][..], Hooks::beyond);
    let unknown = |name: &&String| {
        // (What compares in its own way finds, and sets nothing.)
        !name.contains("__")
            && field_name(kind, name) != "pk"
            && kind.field(name).is_none()
            && !beyond.contains(&name.as_str())
    };
    for name in body.keys().filter(unknown) {
        applied.notes.push((line, format!("{} has no field `{name}`, it is passed over", kind.model())));
    }
}
