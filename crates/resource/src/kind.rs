//! Kinds: resources without their Rust type, which is what the engine serves.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_store::{Change, DocumentType};

use crate::access::Principal;
use crate::call::Api;
use crate::field::{Field, Shape, has_integer_keys};
use crate::http::Query;
use crate::spec::Spec;
use crate::value::Fields;
use crate::write::{Validation, WriteCx};

/// Kinds that share one set of keys and names: stages, policies, sources, providers.
#[derive(Debug)]
pub struct Family {
    /// Its model, e.g. `authentik_flows.stage`.
    pub model: &'static str,
    /// Its path, e.g. `stages/all`.
    pub path: &'static str,
    /// Name in error messages and of the schema, e.g. `Stage`.
    pub schema: &'static str,
    /// For people.
    pub verbose_name: &'static str,
    /// For people.
    pub verbose_name_plural: &'static str,
    /// The field that a path names a member by: `pk` or `slug`.
    pub lookup: &'static str,
    /// What the path's parameter is called.
    pub parameter: &'static str,
    /// Fields that every member has, in wire order.
    pub fields: fn() -> Vec<Field>,
    /// Whether a member shows all its fields there, beyond what its schema promises.
    pub whole: bool,
    /// Filters of its list.
    pub filters: &'static [&'static str],
    /// Fields that its list's `search` looks into.
    pub search: &'static [&'static str],
    /// Fields that order its list.
    pub ordering: &'static [&'static str],
    /// What `used_by` calls a member.
    pub describe: fn(&Object) -> String,
}

impl Family {
    /// What a path names a member by.
    pub(crate) fn key_shape(&self) -> Shape {
        match self.lookup {
            "pk" if has_integer_keys(self.model) => Shape::INTEGER,
            "pk" => Shape::Uuid,
            _ => Shape::TEXT,
        }
    }
}

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    /// Documents of the configuration.
    Documents,
    /// Rows of a table whose key column is named.
    Table {
        /// The table.
        name: &'static str,
        /// Its key column.
        key: &'static str,
        /// Whether the database makes the key.
        serial: bool,
    },
}

/// What one may do to objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// List and retrieve.
    View,
    /// Create.
    Add,
    /// Update.
    Change,
    /// Destroy.
    Delete,
}

impl Verb {
    /// Its name in permissions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Add => "add",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// Around the reading and writing of objects, where plain data is not enough.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Adds to each of `objects` what another table holds (memberships, a token's user). One query for all of them.
    /// `query` is the request's: some parts are shown only when it asks for them (`include_users`).
    async fn attach(&self, _api: &Api, _query: &Query, _objects: &mut [Object]) -> Result<(), ApiError> {
        Ok(())
    }
    /// The documents that a list shows, where that is not what its reader may view. `None`: the usual.
    async fn listed(&self, _api: &Api, _principal: &Principal, _query: &Query) -> Result<Option<Vec<Uuid>>, ApiError> {
        Ok(None)
    }
    /// Before the transaction of a request is begun, for what takes its time: asks elsewhere. `given` are the fields of
    /// the request in their stored form; what is returned is laid over them.
    async fn prepare(
        &self,
        _api: &Api,
        _principal: &Principal,
        _existing: Option<&Object>,
        _given: &Object,
    ) -> Result<Object, ApiError> {
        Ok(Object::new())
    }
    /// Before an object is validated as a whole and stored.
    async fn before_save(&self, _cx: &mut WriteCx<'_>, _object: &mut Object) -> Result<(), ApiError> {
        Ok(())
    }
    /// After it is stored, in the same transaction.
    async fn after_save(&self, _cx: &mut WriteCx<'_>, _object: &Object) -> Result<(), ApiError> {
        Ok(())
    }
    /// Fields that a blueprint may set although the API has operations of their own for them: passwords, keys.
    fn beyond(&self) -> &'static [&'static str] {
        &[]
    }
    /// Sets some of them, in the transaction in which the object was written.
    async fn set_beyond(&self, _cx: &mut WriteCx<'_>, _object: &Object) -> Result<(), ApiError> {
        Ok(())
    }
    /// Before it is deleted, in the same transaction.
    async fn before_delete(&self, _change: &mut Change, _object: &Object) -> Result<(), ApiError> {
        Ok(())
    }
}

/// A struct that is served as a resource.
pub trait Resource: Fields {
    /// What it is called and what of it is served.
    fn spec() -> Spec;
    /// What must hold between its fields. Runs after every field was read on its own.
    fn validate(_cx: &Validation<'_>, _errors: &mut FieldErrors) {}
}

/// Reads an object's stored form into its Rust type.
type Decode = fn(&Object) -> Result<Arc<dyn Any + Send + Sync>, String>;

/// A resource without its Rust type.
pub struct Kind {
    /// What it is called and what of it is served.
    pub spec: Spec,
    /// Its fields in wire order.
    pub fields: Vec<Field>,
    pub(crate) validate: fn(&Validation<'_>, &mut FieldErrors),
    pub(crate) decode: Decode,
    pub(crate) sealed: Vec<&'static str>,
}

impl Kind {
    /// A kind that is kept as documents.
    pub fn document<T: Resource + DocumentType>() -> Self {
        Self::new::<T>(|object| T::read(object).map(|typed| Arc::new(typed) as Arc<dyn Any + Send + Sync>))
    }

    /// A kind that is kept in a table.
    pub fn record<T: Resource>() -> Self {
        Self::new::<T>(|object| T::read(object).map(|_| Arc::new(()) as Arc<dyn Any + Send + Sync>))
    }

    fn new<T: Resource>(decode: Decode) -> Self {
        let fields = T::fields();
        let sealed = fields.iter().filter(|field| field.sealed).map(|field| field.name).collect();
        Self { spec: T::spec(), fields, validate: T::validate, decode, sealed }
    }

    /// The kind as it is served under its second path.
    pub(crate) fn second(&self) -> Option<Self> {
        let Self { fields, validate, decode, sealed, .. } = self;
        let spec = self.spec.second()?;
        Some(Self { spec, fields: fields.clone(), validate: *validate, decode: *decode, sealed: sealed.clone() })
    }

    /// The model, e.g. `authentik_flows.flow`.
    pub fn model(&self) -> &'static str {
        self.spec.model
    }
    /// The application part of the model.
    pub fn app(&self) -> &'static str {
        self.spec.model.split_once('.').map_or("", |(app, _)| app)
    }
    /// The last part of the model.
    pub fn model_name(&self) -> &'static str {
        self.spec.model.split_once('.').map_or("", |(_, name)| name)
    }
    /// The permission for a verb, e.g. `authentik_flows.view_flow`.
    pub fn permission(&self, verb: Verb) -> String {
        format!("{}.{}_{}", self.app(), verb.as_str(), self.model_name())
    }
    /// Whether a permission, `app.codename`, is one over objects of this kind.
    pub fn has_permission(&self, permission: &str) -> bool {
        let verbs = [Verb::View, Verb::Add, Verb::Change, Verb::Delete];
        let more = || permission.strip_prefix(self.app()).and_then(|rest| rest.strip_prefix('.'));
        verbs.into_iter().any(|verb| self.permission(verb) == permission)
            || more().is_some_and(|name| self.spec.permissions.iter().any(|(codename, _)| *codename == name))
    }
    /// The field that names a user whose own objects need no permission.
    pub fn owner(&self) -> Option<&'static str> {
        self.spec.owner
    }
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
    /// Whether it is kept as documents.
    pub fn is_document(&self) -> bool {
        matches!(self.spec.storage, Storage::Documents)
    }
    /// Adds to objects what other tables hold, as lists of the kind do.
    pub async fn attach(&self, api: &Api, query: &Query, objects: &mut [Object]) -> Result<(), ApiError> {
        match self.spec.hooks {
            Some(hooks) => hooks.attach(api, query, objects).await,
            None => Ok(()),
        }
    }
    /// The field that holds the keys by which its objects are known as objects of `model`: its own model, its family's,
    /// or one that it stands for as well.
    pub fn key_field(&self, model: &str) -> Option<&'static str> {
        if model == self.model() || self.spec.family.is_some_and(|family| family.model == model) {
            return Some("pk");
        }
        self.spec.aliases.iter().find(|(alias, _)| *alias == model).map(|(_, field)| *field)
    }
    /// The field that holds a document's own key.
    pub fn document_key(&self) -> &'static str {
        if self.spec.numbered.is_some() { "uuid" } else { "pk" }
    }
    /// What people call one object of it.
    pub fn describe(&self, object: &Object) -> String {
        (self.spec.description)(object)
    }
    /// What happens around reading and writing.
    pub fn hooks(&self) -> Option<&'static dyn Hooks> {
        self.spec.hooks
    }
    /// The 404 of an object that is not there.
    pub fn no_match(&self) -> ApiError {
        ApiError::NotFound(format!("No {} matches the given query.", self.spec.schema))
    }
    /// The name of its schema.
    pub fn schema(&self) -> &'static str {
        self.spec.schema
    }
    /// The path of its list. What lies beside authentik's paths says where.
    pub fn wire_path(&self) -> String {
        let base = if self.spec.path.starts_with('/') { "" } else { "/api/v3/" };
        format!("{base}{}/", self.spec.path)
    }
}
