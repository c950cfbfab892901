//! What a resource is called and what of it is served.

use vestibule_kernel::Object;

use crate::call::Operation;
use crate::field::Shape;
use crate::filter::{Filter, Lookup};
use crate::kind::{Family, Hooks, Storage, Verb};
use crate::search::Searchable;

/// What a resource is called and what of it is served.
#[derive(Clone)]
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
    pub(crate) search_referred: Option<(&'static str, &'static str)>,
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
    pub(crate) again: Option<&'static str>,
    /// Whether only those who signed in a short while ago delete its objects by a cookie.
    pub(crate) guards_login: bool,
}

impl Spec {
    /// A resource at `path` below `/api/v3/`, or at exactly `path` if it begins with `/`, whose model is `app.model`.
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
            search_referred: None,
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
            again: None,
            guards_login: false,
        }
    }
    /// Its objects guard somebody's login: whoever deletes one by a cookie has signed in a short while ago.
    pub fn guards_login(self) -> Self {
        Self { guards_login: true, ..self }
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
    /// For documents: a field that refers to a row of a table, and what selects as `pk` the rows that `search` finds
    /// them by, with `$1` for the folded pattern of a word.
    pub fn search_referred(self, field: &'static str, sql: &'static str) -> Self {
        Self { search_referred: Some((field, sql)), ..self }
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
    /// Served under a second path too, for administrators: nobody owns anything there, and everything may be written.
    pub fn again(self, path: &'static str) -> Self {
        Self { again: Some(path), ..self }
    }
    /// Its second path below `/api/v3/`.
    pub fn second_path(&self) -> Option<&'static str> {
        self.again
    }
    /// As it is served under its second path.
    pub(crate) fn second(&self) -> Option<Self> {
        let path = self.again?;
        let verbs = &[Verb::View, Verb::Add, Verb::Change, Verb::Delete];
        Some(Self { path, verbs, used_by: false, owner: None, again: None, operations: Vec::new(), ..self.clone() })
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
