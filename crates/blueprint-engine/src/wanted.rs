//! What an entry says, once its tags are resolved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use vestibule_blueprints::blueprint::needs_identifiers;
use vestibule_blueprints::tags::state_of;
use vestibule_blueprints::{BlueprintError, Context, Entry, Key, Node, NodeValue, Scope, State, resolve};
use vestibule_kernel::Object;
use vestibule_resource::{Kind, Verb};

use crate::apply::Applier;
use crate::error::{ApplyError, SECRET};
use crate::identify::{self, Moved};
use crate::library::Origin;
use crate::lookup::World;
use crate::names::{alias, join};
use crate::permissions;

/// Most questions that the tags of one entry may ask of tables.
const MOST_QUESTIONS: usize = 1000;
/// Where the context has the application of every model, by the model's name.
const MODELS: &str = "goauthentik.io/rbac/models";
/// Where it says whether there is a licence.
const LICENSED: &str = "goauthentik.io/enterprise/licensed";

/// A text that is being applied.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    /// What messages call it.
    pub file: &'s str,
    pub origin: &'s Origin,
}

/// What the entries of a file know of one another.
pub(crate) struct Part {
    pub context: Context,
    pub keys: BTreeMap<String, Key>,
    pub moved: Moved,
}

/// What tags know of the file around them.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub model: &'a str,
    pub part: &'a Part,
}

impl Around<'_> {
    pub(crate) fn scope<'s>(&'s self, world: &'s World<'s>) -> Scope<'s> {
        Scope { model: self.model, context: &self.part.context, keys: &self.part.keys, lookup: world }
    }
}

/// An entry whose tags are resolved.
pub(crate) struct Wanted<'e> {
    pub file: &'e str,
    pub line: usize,
    pub kind: Arc<Kind>,
    pub state: State,
    pub identifiers: Object,
    /// Attributes and identifiers together.
    pub body: Object,
    pub permissions: Vec<permissions::Given>,
}

impl Wanted<'_> {
    pub(crate) fn error(&self, message: impl Into<String>) -> ApplyError {
        ApplyError::at(self.file, self.line, message)
    }
}

impl Applier<'_> {
    /// What every blueprint finds in its context.
    pub(crate) fn own_context(&self) -> Object {
        let served =
            self.registry.kinds().iter().filter(|kind| is_written(kind) && !kind.spec.path_served().is_empty());
        let models: Object = served.map(|kind| (kind.model_name().to_owned(), kind.app().into())).collect();
        Object::from_iter([(MODELS.to_owned(), models.into()), (LICENSED.to_owned(), false.into())])
    }

    /// What an entry says, and the fields whose secrets it leaves out.
    pub(crate) async fn wanted<'s>(
        &mut self,
        source: Source<'s>,
        entry: &Entry,
        around: Around<'_>,
    ) -> Result<(Wanted<'s>, Vec<String>), ApplyError> {
        let (file, line, model) = (source.file, entry.line, around.model);
        let Some(kind) = self.registry.kind(model).filter(|kind| is_written(kind)).cloned() else {
            return Err(ApplyError::at(file, line, format!("there is no model {model}")));
        };
        let state = self.resolving(source, line, |world| state_of(entry, &around.scope(world))).await?;
        let (attrs, secrets) = without_secrets(&entry.attrs);
        let identifiers =
            self.resolving(source, line, |world| resolve(&entry.identifiers, &around.scope(world))).await?;
        // What is to be gone needs no attributes.
        let attrs = match state {
            State::Absent => json!({}),
            _ => self.resolving(source, line, |world| resolve(&attrs, &around.scope(world))).await?,
        };
        let (Value::Object(identifiers), Value::Object(mut body)) = (identifiers, attrs) else {
            return Err(ApplyError::at(file, line, MAPPINGS));
        };
        if identifiers.is_empty() {
            return Err(ApplyError::at(file, line, needs_identifiers(model)));
        }
        let mut identifiers = identify::plain(&kind, identifiers);
        for object in [&mut identifiers, &mut body] {
            part_moved(around.part, &kind, object);
        }
        for (name, value) in &identifiers {
            join(body.entry(name.clone()).or_insert(Value::Null), value.clone());
        }
        let body = body.into_iter().map(|(name, value)| (alias(&kind, name), value)).collect();
        let mut permissions = Vec::new();
        for permission in &entry.permissions {
            let resolve = |world: &World<'_>| permissions::resolve(permission, &around.scope(world));
            permissions.push(self.resolving(source, line, resolve).await?);
        }
        Ok((Wanted { file, line, kind, state, identifiers, body, permissions }, secrets))
    }

    /// Does what asks through tags, again and again until every question to a table has its answer.
    pub(crate) async fn resolving<T>(
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

/// What is said of an entry whose tags became something else.
pub(crate) const MAPPINGS: &str = "`identifiers` and `attrs` must become mappings";

/// Whether blueprints write objects of a kind: what the server alone keeps they do not.
pub(crate) fn is_written(kind: &Kind) -> bool {
    let verbs = kind.spec.verbs_served();
    verbs.contains(&Verb::Add) || verbs.contains(&Verb::Change)
}

fn part_moved(part: &Part, kind: &Kind, object: &mut Object) {
    for (name, value) in object.iter_mut() {
        part.moved.follow(kind.field(name), value);
    }
}

/// A mapping without what an export left out, and the names of that.
fn without_secrets(attrs: &Node) -> (Node, Vec<String>) {
    let NodeValue::Mapping(pairs) = &attrs.value else { return (attrs.clone(), Vec::new()) };
    let is_secret = |node: &Node| matches!(&node.value, NodeValue::Tagged(tag, _) if tag == SECRET);
    let (secret, plain): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(_, value)| is_secret(value));
    let names = secret.iter().filter_map(|(key, _)| key.to_text()).collect();
    (Node { value: NodeValue::Mapping(plain), ..attrs.clone() }, names)
}
