//! The configuration as every request sees it: an immutable snapshot of all documents.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use vestibule_kernel::Object;

/// A type that is kept as documents of one kind.
pub trait DocumentType: Any + Send + Sync {
    /// authentik's model name, `app.model`.
    const KIND: &'static str;
}

/// Reads the documents of one kind.
pub trait Codec: Send + Sync {
    /// The kind it reads.
    fn kind(&self) -> &'static str;
    /// The typed value of a document.
    ///
    /// # Errors
    /// What is wrong with it, for the log.
    fn decode(&self, pk: Uuid, value: &Object) -> Result<Arc<dyn Any + Send + Sync>, String>;
    /// Fields that are encrypted in the database.
    fn sealed(&self) -> &[&'static str];
}

/// A document: its JSON form, which is what is stored and shown, and its typed form, which is what runs.
#[derive(Clone)]
pub struct Document {
    /// Its kind.
    pub kind: &'static str,
    /// Its primary key.
    pub pk: Uuid,
    /// Every stored field, secrets opened.
    pub value: Object,
    typed: Arc<dyn Any + Send + Sync>,
}

impl Document {
    pub(crate) fn new(kind: &'static str, pk: Uuid, value: Object, typed: Arc<dyn Any + Send + Sync>) -> Self {
        Self { kind, pk, value, typed }
    }

    /// A document that is not kept: what is only tried out. It has no typed form.
    pub fn unsaved(kind: &'static str, pk: Uuid, value: Object) -> Self {
        Self::new(kind, pk, value, Arc::new(()))
    }

    /// The typed form.
    pub fn get<T: DocumentType>(&self) -> Option<&T> {
        self.typed.downcast_ref()
    }

    /// A field as text; empty when it is absent or something else.
    pub fn text(&self, field: &str) -> &str {
        self.value.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// A document that a change under way has touched.
pub struct Edited {
    /// Its kind.
    pub kind: &'static str,
    /// Its key.
    pub pk: Uuid,
    /// As it was.
    pub before: Option<Arc<Document>>,
    /// As it is now.
    pub after: Option<Arc<Document>>,
}

type Documents = BTreeMap<Uuid, Arc<Document>>;

/// Something computed from a configuration once, and kept with it: a lookup table.
pub trait Index: Any + Send + Sync {
    /// Computes it.
    fn build(configuration: &Configuration) -> Self;
}

/// All documents at one moment.
#[derive(Default)]
pub struct Configuration {
    pub(crate) version: i64,
    kinds: BTreeMap<&'static str, Arc<Documents>>,
    /// Of which kind each document is.
    kind_of: Arc<HashMap<Uuid, &'static str>>,
    indexes: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Clone for Configuration {
    /// Shares every kind with the original until one is changed; indexes are computed anew.
    fn clone(&self) -> Self {
        let (kinds, kind_of) = (self.kinds.clone(), Arc::clone(&self.kind_of));
        Self { version: self.version, kinds, kind_of, indexes: Mutex::default() }
    }
}

impl Configuration {
    /// Grows with every change.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// A document.
    pub fn document(&self, kind: &str, pk: Uuid) -> Option<&Arc<Document>> {
        self.kinds.get(kind)?.get(&pk)
    }

    /// A document whose kind is one of many (a stage, say).
    pub fn find(&self, pk: Uuid) -> Option<&Arc<Document>> {
        self.document(self.kind_of.get(&pk)?, pk)
    }

    /// Every document of a kind, by primary key.
    pub fn documents(&self, kind: &str) -> impl Iterator<Item = &Arc<Document>> {
        self.kinds.get(kind).into_iter().flat_map(|documents| documents.values())
    }

    /// Every document there is.
    pub fn all_documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.kinds.values().flat_map(|documents| documents.values())
    }

    /// The typed form of a document.
    pub fn get<T: DocumentType>(&self, pk: Uuid) -> Option<&T> {
        self.document(T::KIND, pk)?.get()
    }

    /// The typed form of every document of a kind.
    pub fn all<T: DocumentType>(&self) -> impl Iterator<Item = (Uuid, &T)> {
        self.documents(T::KIND).filter_map(|document| Some((document.pk, document.get()?)))
    }

    /// A lookup table, computed at its first use.
    pub fn index<I: Index>(&self) -> Arc<I> {
        let found = {
            let indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
            indexes.get(&TypeId::of::<I>()).cloned()
        };
        if let Some(index) = found.and_then(|index| index.downcast().ok()) {
            return index;
        }
        let built = Arc::new(I::build(self));
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<I>(), Arc::<I>::clone(&built));
        built
    }

    pub(crate) fn put(&mut self, document: Arc<Document>) {
        Arc::make_mut(&mut self.kind_of).insert(document.pk, document.kind);
        Arc::make_mut(self.kinds.entry(document.kind).or_default()).insert(document.pk, document);
    }

    pub(crate) fn remove(&mut self, kind: &str, pk: Uuid) -> Option<Arc<Document>> {
        let removed = Arc::make_mut(self.kinds.get_mut(kind)?).remove(&pk)?;
        Arc::make_mut(&mut self.kind_of).remove(&pk);
        Some(removed)
    }
}
