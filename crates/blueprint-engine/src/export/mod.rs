//! The configuration as YAML, the same text for the same configuration: made to be kept under version control.
//!
//! Objects are named by slugs, names and what they tie, never by keys, so that a file fits another server as well. Beside
//! the configuration it has roles, groups and initial permissions; of users those that something else refers to, or all.

mod records;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vestibule_blueprints::Output;
use vestibule_blueprints::blueprint::LABEL_GENERATED;
use vestibule_blueprints::write::write;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Field, Kind, Registry};
use vestibule_store::{Configuration, Store};

use crate::error::SECRET;
use crate::names::identifying_fields;
use crate::wanted::is_written;
use records::Records;

/// Entries of one YAML document: readers limit what they take at once.
const ENTRIES: usize = 250;

/// What becomes of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// A placeholder stands where one is.
    Hidden,
    /// They are written as they are.
    Shown,
}

/// Which users are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// Those that something else refers to.
    Referred,
    /// All of them.
    All,
}

/// An object: its model, and its own key as JSON.
type Place = (&'static str, String);

/// Who has a permission over an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holding {
    permission: String,
    holder: Place,
}

/// An object with what it refers to.
struct Item<'a> {
    kind: &'a Kind,
    value: Object,
    /// What the API has operations of their own for: a role's permissions, a user's password.
    beyond: Vec<(String, Output)>,
    /// Objects that it refers to by a reference that must be there.
    needs: Vec<Place>,
    /// Objects that it refers to and could do without.
    likes: Vec<Place>,
    /// Permissions over it.
    permissions: Vec<Holding>,
}

struct Exporter<'a> {
    registry: &'a Registry,
    configuration: &'a Configuration,
    items: BTreeMap<Place, Item<'a>>,
    /// Objects whose names are not theirs alone.
    ambiguous: BTreeSet<Place>,
    secrets: Secrets,
}

/// Writes the whole configuration.
///
/// # Errors
/// Only the database's.
pub async fn export(store: &Store, registry: &Registry, secrets: Secrets, people: People) -> Result<String, ApiError> {
    let configuration = store.configuration();
    let configuration = &configuration;
    let mut items = documents_of(registry, configuration);
    Records { store, registry, configuration, secrets, people }.add(&mut items).await?;
    let mut exporter = Exporter { registry, configuration, items, ambiguous: BTreeSet::new(), secrets };
    exporter.ambiguous = exporter.find_ambiguous();
    let entries = exporter.entries();
    let documents: Vec<String> = entries.chunks(ENTRIES).map(document).collect();
    Ok(if documents.is_empty() { document(&[]) } else { documents.join("---\n") })
}

/// The YAML documents of a text, each with the number of lines before it.
pub fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(0, String::new())];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        match documents.last_mut() {
            Some((_, document)) if line.trim_end() != "---" => document.push_str(line),
            _ => documents.push((number + 1, String::new())),
        }
    }
    documents.retain(|(_, document)| document.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')));
    documents
}

fn document(entries: &[Output]) -> String {
    let pair = |name: &str, value: Output| (name.to_owned(), value);
    write(&Output::Mapping(vec![
        pair("version", json!(1).into()),
        pair("metadata", json!({"name": "Configuration", "labels": {LABEL_GENERATED: "true"}}).into()),
        pair("entries", Output::Sequence(entries.to_vec())),
    ]))
}

fn documents_of<'a>(registry: &'a Registry, configuration: &Configuration) -> BTreeMap<Place, Item<'a>> {
    let mut items = BTreeMap::new();
    // What the server alone keeps another server keeps too.
    for kind in registry.kinds().iter().filter(|kind| kind.is_document() && is_written(kind)) {
        for document in configuration.documents(kind.model()) {
            let place = (kind.model(), json!(document.pk).to_string());
            items.insert(place, Item::new(registry, configuration, kind, document.value.clone()));
        }
    }
    items
}

/// The fields of a kind that an export writes.
fn written(kind: &Kind) -> impl Iterator<Item = &Field> {
    // Members are written with those who are members.
    let back = kind.model() == "authentik_core.group";
    let fields = kind.fields.iter().filter(|field| field.is_stored() && field.is_writable());
    fields.filter(move |field| !(back && field.name == "users"))
}

impl<'a> Item<'a> {
    fn new(registry: &Registry, configuration: &Configuration, kind: &'a Kind, value: Object) -> Self {
        let (mut needs, mut likes) = (Vec::new(), Vec::new());
        for field in written(kind) {
            let places = targets(registry, configuration, field, &value);
            let identifies = identifying_fields(kind).iter().any(|one| one.name == field.name);
            if identifies || field.required { needs.extend(places) } else { likes.extend(places) }
        }
        Self { kind, value, beyond: Vec::new(), needs, likes, permissions: Vec::new() }
    }
}

/// The keys that a field holds.
fn keys<'v>(field: &Field, object: &'v Object) -> Vec<&'v Value> {
    match (field.reference(), object.get(field.name)) {
        (Some((_, _, true)), Some(Value::Array(keys))) => keys.iter().collect(),
        (Some((_, _, false)), Some(key)) if !key.is_null() => vec![key],
        _ => Vec::new(),
    }
}

/// What a field refers to.
fn targets(registry: &Registry, configuration: &Configuration, field: &Field, object: &Object) -> Vec<Place> {
    let Some((model, ..)) = field.reference() else { return Vec::new() };
    keys(field, object).into_iter().filter_map(|key| place(registry, configuration, model, key)).collect()
}

/// The object that a key means.
fn place(registry: &Registry, configuration: &Configuration, model: &str, key: &Value) -> Option<Place> {
    match registry.kind(model).filter(|kind| !kind.is_document()) {
        Some(kind) => Some((kind.model(), key.to_string())),
        None => {
            let (kind, document) = registry.document(configuration, model, key)?;
            Some((kind.model(), json!(document.pk).to_string()))
        }
    }
}

impl Exporter<'_> {
    /// Entries in the order in which they can be applied, the same whatever the keys are.
    fn entries(&self) -> Vec<Output> {
        let mut order: Vec<(String, &Place)> =
            self.items.iter().map(|(place, item)| (self.sort_key(item), place)).collect();
        order.sort();
        let mut left: Vec<&Place> = order.into_iter().map(|(_, place)| place).collect();
        let mut done = BTreeSet::new();
        let (mut entries, mut later) = (Vec::new(), Vec::new());
        let sorted = left.clone();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|place| {
                let Some(item) = self.items.get(*place) else { return false };
                let ready = self.ready(&item.needs, &done) && self.ready(&item.likes, &done);
                if ready {
                    self.emit(place, item, &mut done, &mut entries, &mut later);
                }
                !ready
            });
            if left.len() < before {
                continue;
            }
            // Where everything waits for something, the first that can do without goes first, and gets it later.
            let part = |place: &&Place| self.items.get(*place).is_some_and(|item| self.ready(&item.needs, &done));
            let place = left.remove(left.iter().position(part).unwrap_or(0));
            if let Some(item) = self.items.get(place) {
                self.emit(place, item, &mut done, &mut entries, &mut later);
            }
        }
        for (place, fields) in later {
            entries.extend(self.items.get(place).map(|item| self.entry(place, item, &fields, &[])));
        }
        let holdings = sorted.into_iter().filter_map(|place| self.holdings(place, self.items.get(place)?));
        entries.extend(holdings.collect::<Vec<_>>());
        entries
    }

    fn ready(&self, places: &[Place], done: &BTreeSet<Place>) -> bool {
        places.iter().all(|place| done.contains(place) || !self.items.contains_key(place))
    }

    fn emit<'s>(
        &'s self,
        place: &'s Place,
        item: &'s Item<'_>,
        done: &mut BTreeSet<Place>,
        entries: &mut Vec<Output>,
        later: &mut Vec<(&'s Place, Vec<&'s Field>)>,
    ) {
        let (now, then): (Vec<&Field>, Vec<&Field>) = written(item.kind)
            .partition(|field| self.ready(&targets(self.registry, self.configuration, field, &item.value), done));
        entries.push(self.entry(place, item, &now, &item.beyond));
        if !then.is_empty() {
            later.push((place, then));
        }
        done.insert(place.clone());
    }

    fn entry(&self, place: &Place, item: &Item<'_>, fields: &[&Field], beyond: &[(String, Output)]) -> Output {
        let identifying = self.identifying(place, item);
        let is_identifier = |field: &Field| identifying.iter().flatten().any(|one| one.name == field.name);
        let attrs = fields.iter().filter(|field| !is_identifier(field)).map(|field| self.pair(field, &item.value));
        Output::Mapping(vec![
            ("model".to_owned(), json!(item.kind.model()).into()),
            ("identifiers".to_owned(), self.identifiers(place, item)),
            ("attrs".to_owned(), Output::Mapping(attrs.chain(beyond.iter().cloned()).collect())),
        ])
    }

    /// An entry that gives the permissions over an object and leaves it as it is.
    fn holdings(&self, place: &Place, item: &Item<'_>) -> Option<Output> {
        let mut given: Vec<(String, Output)> = Vec::new();
        for Holding { permission, holder } in &item.permissions {
            let Some(other) = self.items.get(holder) else { continue };
            let word = if holder.0 == records::USER { "user" } else { "role" };
            let fields = identifying_fields(other.kind);
            let found = Output::find(holder.0, fields.iter().map(|field| self.pair(field, &other.value)));
            let pairs = vec![("permission".to_owned(), json!(permission).into()), (word.to_owned(), found)];
            let output = Output::Mapping(pairs);
            given.push((write(&output), output));
        }
        given.sort_by(|(one, _), (other, _)| one.cmp(other));
        let permissions: Vec<Output> = given.into_iter().map(|(_, output)| output).collect();
        (!permissions.is_empty()).then(|| {
            Output::Mapping(vec![
                ("model".to_owned(), json!(item.kind.model()).into()),
                ("state".to_owned(), json!("created").into()),
                ("identifiers".to_owned(), self.identifiers(place, item)),
                ("permissions".to_owned(), Output::Sequence(permissions)),
            ])
        })
    }

    fn identifiers(&self, place: &Place, item: &Item<'_>) -> Output {
        Output::Mapping(match self.identifying(place, item) {
            None => vec![Self::own_key(item)],
            Some(identifying) => identifying.iter().map(|field| self.pair(field, &item.value)).collect(),
        })
    }

    /// What an object without a name is called.
    fn own_key(item: &Item<'_>) -> (String, Output) {
        let name = item.kind.document_key();
        (name.to_owned(), item.value.get(name).cloned().unwrap_or_default().into())
    }

    /// The fields that name an object; `None`: only its key does.
    fn identifying<'k>(&self, place: &Place, item: &Item<'k>) -> Option<Vec<&'k Field>> {
        let fields = identifying_fields(item.kind);
        (!fields.is_empty() && !self.ambiguous.contains(place)).then_some(fields)
    }

    fn find_ambiguous(&self) -> BTreeSet<Place> {
        let mut seen: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for (place, item) in &self.items {
            let values =
                identifying_fields(item.kind).iter().map(|field| item.value.get(field.name)).collect::<Vec<_>>();
            seen.entry(format!("{} {}", item.kind.model(), json!(values))).or_default().push(place.clone());
        }
        seen.into_values().filter(|places| places.len() > 1).flatten().collect()
    }

    fn sort_key(&self, item: &Item<'_>) -> String {
        let name = |field: &&Field| write(&self.pair(field, &item.value).1);
        let names: Vec<String> = identifying_fields(item.kind).iter().map(name).collect();
        format!("{} {}", item.kind.model(), names.join(" "))
    }

    fn pair(&self, field: &Field, object: &Object) -> (String, Output) {
        let value =
            object.get(field.name).cloned().unwrap_or_else(|| field.default.map_or(Value::Null, |default| default()));
        let shown = match (field.reference(), value) {
            (_, value) if field.sealed && !is_empty(&value) && self.secrets == Secrets::Hidden => {
                Output::Tagged(SECRET.to_owned(), Box::new(json!(field.name).into()))
            }
            (Some((model, _, true)), Value::Array(keys)) => {
                Output::Sequence(keys.iter().map(|key| self.reference(model, key)).collect())
            }
            (Some((model, _, false)), key) if !key.is_null() => self.reference(model, &key),
            (_, value) => value.into(),
        };
        (field.name.to_owned(), shown)
    }

    /// What finds the object that a key means; the key itself where nothing is known of it.
    fn reference(&self, model: &'static str, key: &Value) -> Output {
        let place = place(self.registry, self.configuration, model, key);
        let Some((place, item)) = place.and_then(|place| self.items.get_key_value(&place)) else {
            return key.clone().into();
        };
        match self.identifying(place, item) {
            Some(fields) => Output::find(item.kind.model(), fields.iter().map(|field| self.pair(field, &item.value))),
            // A number is another one elsewhere, another key is kept.
            None if item.kind.document_key() != "pk" => Output::find(item.kind.model(), [Self::own_key(item)]),
            None => key.clone().into(),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}
