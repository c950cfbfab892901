//! Kinds: resources without their Rust type, which is what the engine serves.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_store::{Change, Configuration, DocumentType, Param};

use crate::access::Principal;
use crate::call::{Api, Operation};
use crate::field::{Field, Shape, has_integer_keys};
use crate::http::Query;
use crate::search::Searchable;
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

/// Makes a table's own condition of a parameter's text; `None`: it selects everything.
pub type SqlFilter = fn(&str) -> Result<Option<(String, Vec<Param>)>, FieldErrors>;

/// Makes a table's own condition of a query of which it is a part.
pub type QueryFilter = fn(&Query) -> Result<Option<(String, Vec<Param>)>, FieldErrors>;

/// Whether a document's own condition holds for the parameter's value.
pub type DocumentFilter = fn(&Object, &Value) -> bool;

/// The same of a condition that looks at the rest of the configuration.
pub type ConfigurationFilter = fn(&Configuration, &Object, &Value) -> bool;

/// How a filter compares.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Equal.
    Exact,
    /// Contained, whatever the case.
    Contains,
    /// Greater.
    Greater,
    /// Less.
    Less,
    /// Null or not.
    IsNull,
    /// Begins with.
    StartsWith,
    /// Equal to a column of the row, in another table, whose `pk` a document's field names.
    Named {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// One of several.
    In,
    /// The same, of values that some document has.
    Values,
    /// Whether no document of a model has it in a field: `pk<app.model.field`.
    Unreferred(&'static str),
    /// The documents' own condition, which looks at others too.
    Within(ConfigurationFilter),
    /// The table's own condition, with `$?` where the next parameter goes.
    Sql(SqlFilter),
    /// The same, of everything that the request asks for.
    SqlOf(QueryFilter),
    /// The documents' own condition.
    Holds(DocumentFilter),
    /// Understood and of no effect on the selection (`include_groups`).
    Ignored,
}

/// A filter of a list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The query parameter.
    pub name: &'static str,
    /// The field it compares.
    pub field: &'static str,
    /// How.
    pub lookup: Lookup,
    /// The parameter's type, where it is not the field's.
    pub shape: Option<Shape>,
    /// The table and its column that each value must be in.
    pub(crate) among: Option<(&'static str, &'static str)>,
}

impl Filter {
    /// From its declaration: `name`, `date_joined__gt`, or `stage_uuid=pk` where the names differ;
    /// `bindings__isnull=pk<authentik_policies.policybinding.policy` asks whether nothing refers to an object.
    pub fn parse(text: &'static str) -> Self {
        let (name, target) = text.split_once('=').unwrap_or((text, text));
        if let Some((field, referrer)) = target.split_once('<') {
            return Self {
                name,
                field,
                lookup: Lookup::Unreferred(referrer),
                shape: Some(Shape::Boolean),
                among: None,
            };
        }
        let (field, lookup) = match target.rsplit_once("__") {
            Some((field, "in")) => (field, Lookup::In),
            Some((field, "values")) => (field, Lookup::Values),
            Some((field, "gt")) => (field, Lookup::Greater),
            Some((field, "lt")) => (field, Lookup::Less),
            Some((field, "isnull")) => (field, Lookup::IsNull),
            Some((field, "icontains")) => (field, Lookup::Contains),
            Some((field, "startswith")) => (field, Lookup::StartsWith),
            _ => (target, Lookup::Exact),
        };
        let shape = match lookup {
            Lookup::IsNull => Some(Shape::Boolean),
            Lookup::In | Lookup::Values => Some(Shape::TEXT.list()),
            _ => None,
        };
        Self { name, field, lookup, shape, among: None }
    }
}

/// What a resource is called and what of it is served.
pub struct Spec {
    pub(crate) path: &'static str,
    pub(crate) model: &'static str,
    pub(crate) schema: &'static str,
    pub(crate) verbose_name: &'static str,
    pub(crate) verbose_name_plural: &'static str,
    pub(crate) component: &'static str,
    pub(crate) about: &'static str,
    pub(crate) family: Option<&'static Family>,
    pub(crate) lookup: &'static str,
    pub(crate) parameter: &'static str,
    pub(crate) search: &'static [&'static str],
    pub(crate) search_beyond: Option<&'static str>,
    pub(crate) searchable: &'static [Searchable],
    pub(crate) filters: Vec<Filter>,
    pub(crate) ordering: &'static [&'static str],
    pub(crate) storage: Storage,
    pub(crate) hooks: Option<&'static dyn Hooks>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) verbs: &'static [Verb],
    pub(crate) used_by: bool,
    pub(crate) audited: bool,
    pub(crate) unique_together: &'static [&'static str],
    pub(crate) description: fn(&Object) -> String,
    pub(crate) through: Option<(&'static str, &'static str)>,
    pub(crate) retrieve_filters: &'static [&'static str],
    pub(crate) permissions: Vec<(&'static str, &'static str)>,
    pub(crate) owner: Option<&'static str>,
    pub(crate) open_creation: bool,
    pub(crate) saved_only: bool,
    pub(crate) base: Option<&'static str>,
    pub(crate) numbered: Option<&'static str>,
    pub(crate) aliases: Vec<(&'static str, &'static str)>,
}

impl Spec {
    /// A resource at `path` below `/api/v3/` whose model is `app.model`.
    pub fn new(path: &'static str, model: &'static str, schema: &'static str) -> Self {
        Self {
            path,
            model,
            schema,
            verbose_name: schema,
            verbose_name_plural: schema,
            component: "",
            about: "",
            family: None,
            lookup: "pk",
            parameter: "uuid",
            search: &["name"],
            search_beyond: None,
            searchable: &[],
            filters: Vec::new(),
            ordering: &["name"],
            storage: Storage::Documents,
            hooks: None,
            operations: Vec::new(),
            verbs: &[Verb::View, Verb::Add, Verb::Change, Verb::Delete],
            used_by: true,
            audited: true,
            unique_together: &[],
            description: |object| object.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned(),
            through: None,
            retrieve_filters: &[],
            permissions: Vec::new(),
            owner: None,
            open_creation: false,
            saved_only: false,
            base: None,
            numbered: None,
            aliases: Vec::new(),
        }
    }
    /// Names for people, one and many.
    pub fn verbose(self, one: &'static str, many: &'static str) -> Self {
        Self { verbose_name: one, verbose_name_plural: many, ..self }
    }
    /// The form component that clients show it with.
    pub fn component(self, component: &'static str) -> Self {
        Self { component, ..self }
    }
    /// What it is for, in a sentence for people.
    pub fn says(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
    /// What it is for.
    pub fn about(&self) -> &'static str {
        self.about
    }
    /// Makes it a member of a family: keys and names are unique across it.
    pub fn family(self, family: &'static Family) -> Self {
        Self { family: Some(family), ..self }
    }
    /// The field that a path names an object by, and the parameter's name in the schema.
    pub fn lookup(self, field: &'static str, parameter: &'static str) -> Self {
        Self { lookup: field, parameter, ..self }
    }
    /// Fields that `search` looks into.
    pub fn search(self, fields: &'static [&'static str]) -> Self {
        Self { search: fields, ..self }
    }
    /// What `search` looks into besides, in other tables: a condition with `$?` for the folded pattern of a word.
    pub fn search_beyond(self, condition: &'static str) -> Self {
        Self { search_beyond: Some(condition), ..self }
    }
    /// Fields that expressions of the search language may name.
    pub fn searchable(self, fields: &'static [Searchable]) -> Self {
        Self { searchable: fields, ..self }
    }
    /// Filters, in the form that [`Filter::parse`] reads.
    pub fn filter(mut self, filters: &[&'static str]) -> Self {
        self.filters.extend(filters.iter().map(|text| Filter::parse(text)));
        self
    }
    /// One filter with its own comparison and type.
    pub fn filter_with(mut self, name: &'static str, field: &'static str, lookup: Lookup, shape: Shape) -> Self {
        self.filters.push(Filter { name, field, lookup, shape: Some(shape), among: None });
        self
    }
    /// Each value of the filter before must be in this column of this table.
    pub fn among(mut self, table: &'static str, column: &'static str) -> Self {
        if let Some(filter) = self.filters.last_mut() {
            filter.among = Some((table, column));
        }
        self
    }
    /// Fields that order a list unless it says otherwise.
    pub fn order(self, fields: &'static [&'static str]) -> Self {
        Self { ordering: fields, ..self }
    }
    /// Lives in a table.
    pub fn table(self, name: &'static str, key: &'static str) -> Self {
        Self { storage: Storage::Table { name, key, serial: false }, ..self }
    }
    /// Lives in a table whose keys the database makes.
    pub fn serial_table(self, name: &'static str, key: &'static str) -> Self {
        Self { storage: Storage::Table { name, key, serial: true }, ..self }
    }
    /// Its table is a view of this one, from which its rows are deleted.
    pub fn view_of(self, table: &'static str) -> Self {
        Self { base: Some(table), ..self }
    }
    /// Its documents are known by a number that the database makes, counted under `sequence`: a field `pk` holds it, a
    /// field `uuid` the document's own key.
    pub fn numbered(self, sequence: &'static str) -> Self {
        Self { numbered: Some(sequence), ..self }
    }
    /// Its objects are known as those of `model` too, under the key in `field`: what policies can be bound to is.
    pub fn also(mut self, model: &'static str, field: &'static str) -> Self {
        self.aliases.push((model, field));
        self
    }
    /// What happens around reading and writing.
    pub fn hooks(self, hooks: &'static dyn Hooks) -> Self {
        Self { hooks: Some(hooks), ..self }
    }
    /// A further operation; its path is below the collection's, `{}` at its start stands for an object.
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }
    /// Filters that say what is shown, which retrieving one object understands too.
    pub fn retrieve_filters(self, names: &'static [&'static str]) -> Self {
        Self { retrieve_filters: names, ..self }
    }
    /// A permission besides the four of every model: its name within the application, and what people call it.
    pub fn permission(mut self, codename: &'static str, name: &'static str) -> Self {
        self.permissions.push((codename, name));
        self
    }
    /// The field that names a user whose own objects need no permission.
    pub fn owner(self, field: &'static str) -> Self {
        Self { owner: Some(field), ..self }
    }
    /// Whoever is signed in may create one.
    pub fn open_creation(self) -> Self {
        Self { open_creation: true, ..self }
    }
    /// Its objects are kept and referred to; what they tell to do is not done yet.
    pub fn saved_only(self) -> Self {
        Self { saved_only: true, ..self }
    }
    /// Whether its objects are kept and no more.
    pub fn is_saved_only(&self) -> bool {
        self.saved_only
    }
    /// Not created or updated through the API.
    pub fn read_only(self) -> Self {
        self.verbs(&[Verb::View, Verb::Delete])
    }
    /// What one may do to its objects through the API.
    pub fn verbs(self, verbs: &'static [Verb]) -> Self {
        Self { verbs, ..self }
    }
    /// Writing it writes no event: events themselves, and what comes and goes with them.
    pub fn unaudited(self) -> Self {
        Self { audited: false, ..self }
    }
    /// Without the question who uses an object.
    pub fn without_used_by(self) -> Self {
        Self { used_by: false, ..self }
    }
    /// Fields that no two objects may have alike.
    pub fn unique_together(self, fields: &'static [&'static str]) -> Self {
        Self { unique_together: fields, ..self }
    }
    /// Ties the objects of two of its fields to one another: a binding.
    pub fn through(self, one: &'static str, other: &'static str) -> Self {
        Self { through: Some((one, other)), ..self }
    }
    /// The form component that clients show it with.
    pub fn component_name(&self) -> &'static str {
        self.component
    }
    /// Whether writing it writes an event.
    pub fn is_audited(&self) -> bool {
        self.audited
    }
    /// Whether one may ask who uses an object.
    pub fn has_used_by(&self) -> bool {
        self.used_by
    }
    /// Its path below `/api/v3/`; empty: it is not served.
    pub fn path_served(&self) -> &'static str {
        self.path
    }
    /// What one may do to its objects through the API.
    pub fn verbs_served(&self) -> &'static [Verb] {
        self.verbs
    }
    /// The field that a path names an object by.
    pub fn lookup_field(&self) -> &'static str {
        self.lookup
    }
    /// The filters of its list.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }
    /// The fields that `search` looks into.
    pub fn search_fields(&self) -> &'static [&'static str] {
        self.search
    }
    /// The fields that order its list unless a request says otherwise.
    pub fn ordering_fields(&self) -> &'static [&'static str] {
        self.ordering
    }
    /// Its further operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
    /// The family that it is a member of.
    pub fn family_of(&self) -> Option<&'static Family> {
        self.family
    }
    /// The fields that no two objects have alike together.
    pub fn unique_together_fields(&self) -> &'static [&'static str] {
        self.unique_together
    }
    /// What people call one of it.
    pub fn verbose_name(&self) -> &'static str {
        self.verbose_name
    }
    /// What people call many of it.
    pub fn verbose_name_plural(&self) -> &'static str {
        self.verbose_name_plural
    }
    /// What `used_by` and events call an object.
    pub fn describe(self, description: fn(&Object) -> String) -> Self {
        Self { description, ..self }
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
    /// The path of its list.
    pub fn wire_path(&self) -> String {
        format!("/api/v3/{}/", self.spec.path)
    }
}
