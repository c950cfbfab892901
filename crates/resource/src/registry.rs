//! Everything that is served, in one place.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::Object;
use vestibule_store::{Codec, Configuration, Document};

use crate::call::Operation;
use crate::decode::parse_uuid;
use crate::field::Field;
use crate::filter::Lookup;
use crate::kind::{Family, Kind};
use crate::permission::{self, Permission};

struct KindCodec(Arc<Kind>);

impl Codec for KindCodec {
    fn kind(&self) -> &'static str {
        self.0.model()
    }
    fn decode(&self, _: Uuid, value: &Object) -> Result<Arc<dyn Any + Send + Sync>, String> {
        // A field that is newer than the stored document has its default.
        if self.0.fields.iter().all(|field| !field.is_stored() || value.contains_key(field.name)) {
            return (self.0.decode)(value);
        }
        let mut whole = crate::value::defaults(&self.0.fields);
        whole.extend(value.iter().map(|(name, value)| (name.clone(), value.clone())));
        (self.0.decode)(&whole)
    }
    fn sealed(&self) -> &[&'static str] {
        &self.0.sealed
    }
}

/// Everything that is served.
#[derive(Default)]
pub struct Registry {
    kinds: Vec<Arc<Kind>>,
    families: Vec<&'static Family>,
    operations: Vec<Operation>,
    by_model: BTreeMap<&'static str, usize>,
    permissions: Vec<Permission>,
}

impl Registry {
    /// A registry of these kinds, families and further operations.
    ///
    /// # Errors
    /// Declarations that name what does not exist: references, filters, orderings, search fields.
    pub fn new(kinds: Vec<Kind>, families: Vec<&'static Family>, operations: Vec<Operation>) -> Result<Self, String> {
        let registry = Self::part(kinds, families, operations)?;
        for kind in &registry.kinds {
            for (field, (model, ..)) in kind.fields.iter().filter_map(|field| Some((field, field.reference()?))) {
                if registry.kind(model).is_none()
                    && registry.family(model).is_none()
                    && registry.members(model).is_empty()
                {
                    return Err(format!("{}.{}: there is no model `{model}`", kind.model(), field.name));
                }
            }
        }
        Ok(registry)
    }

    /// The same without all that is referred to: a family by itself, for its tests. Nothing exists of what is not there.
    ///
    /// # Errors
    /// Declarations that name a field which does not exist.
    pub fn part(kinds: Vec<Kind>, families: Vec<&'static Family>, operations: Vec<Operation>) -> Result<Self, String> {
        let kinds: Vec<Arc<Kind>> = kinds.into_iter().map(Arc::new).collect();
        let by_model = kinds.iter().enumerate().map(|(position, kind)| (kind.model(), position)).collect();
        let mut registry = Self { kinds, families, operations, by_model, permissions: Vec::new() };
        registry.check()?;
        registry.permissions = permission::all(&registry);
        Ok(registry)
    }

    fn check(&self) -> Result<(), String> {
        for kind in &self.kinds {
            let known = |name: &str| name == "pk" || kind.field(name).is_some_and(Field::is_stored);
            let filters = kind
                .spec
                .filters
                .iter()
                .filter(|filter| !matches!(filter.lookup, Lookup::Sql(_) | Lookup::SqlOf(_) | Lookup::Ignored));
            let named = filters
                .map(|filter| filter.field)
                .chain(kind.spec.search.iter().copied().filter(|name| !crate::related::is_related(name)))
                .chain(kind.spec.ordering.iter().map(|name| name.trim_start_matches('-')))
                .chain(kind.spec.unique_together.iter().copied())
                .chain(kind.spec.aliases.iter().map(|(_, field)| *field))
                .chain([kind.document_key()])
                .chain([kind.spec.lookup]);
            if let Some(name) = named.into_iter().find(|name| !known(name)) {
                return Err(format!("{}: there is no field `{name}`", kind.model()));
            }
        }
        Ok(())
    }

    /// Every kind.
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }
    /// Every family.
    pub fn families(&self) -> &[&'static Family] {
        &self.families
    }
    /// Operations that belong to no kind.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
    /// Every permission there is.
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }
    /// A permission by `app.codename`.
    pub fn permission(&self, full: &str) -> Option<&Permission> {
        let (app, codename) = full.split_once('.')?;
        self.permissions.iter().find(|one| one.app == app && one.codename == codename)
    }
    /// A kind by its model.
    pub fn kind(&self, model: &str) -> Option<&Arc<Kind>> {
        self.by_model.get(model).and_then(|position| self.kinds.get(*position))
    }
    /// A family by its model.
    pub fn family(&self, model: &str) -> Option<&'static Family> {
        self.families.iter().copied().find(|family| family.model == model)
    }
    /// The kinds that `model` means: itself, a family's members, or those that stand for it as well.
    pub fn members(&self, model: &str) -> Vec<&Arc<Kind>> {
        match (self.kind(model), self.family(model)) {
            (Some(kind), None) => vec![kind],
            _ => self.kinds.iter().filter(|kind| kind.key_field(model).is_some()).collect(),
        }
    }
    /// The document that is known as an object of `model` by `key`, with its kind.
    pub fn document<'a>(
        &self,
        configuration: &'a Configuration,
        model: &str,
        key: &Value,
    ) -> Option<(&Arc<Kind>, &'a Arc<Document>)> {
        self.members(model).into_iter().find_map(|kind| {
            let field = kind.key_field(model)?;
            if field == kind.document_key() {
                let pk = parse_uuid(key.as_str()?)?;
                return Some((kind, configuration.document(kind.model(), pk)?));
            }
            let mut documents = configuration.documents(kind.model());
            Some((kind, documents.find(|document| document.value.get(field) == Some(key))?))
        })
    }
    /// The key by which an object is known as one of `model`, where a request names it by its own key instead.
    pub fn canonical_key(&self, configuration: &Configuration, model: &str, key: &Value) -> Option<Value> {
        let pk = parse_uuid(key.as_str()?)?;
        self.members(model).into_iter().find_map(|kind| {
            let field = kind.key_field(model).filter(|field| *field != "pk")?;
            configuration.document(kind.model(), pk)?.value.get(field).cloned()
        })
    }
    /// What the store needs to read documents.
    pub fn codecs(&self) -> Vec<Arc<dyn Codec>> {
        let documents = self.kinds.iter().filter(|kind| kind.is_document());
        documents.map(|kind| Arc::new(KindCodec(Arc::clone(kind))) as Arc<dyn Codec>).collect()
    }
}
