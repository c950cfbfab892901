//! The configuration as YAML, the same text for the same configuration: made to be kept under version control.
//!
//! Objects are named by slugs, names and what they tie, never by keys, so that a file fits another server as well.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_blueprints::Output;
use vestibule_blueprints::blueprint::LABEL_GENERATED;
use vestibule_blueprints::write::write;
use vestibule_kernel::{ApiError, Object};
use vestibule_resource::{Field, Kind, Registry, select};
use vestibule_store::{Configuration, Store};

use crate::error::SECRET;
use crate::names::identifying_fields;

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

/// A document of the configuration with what it refers to.
struct Item<'a> {
    kind: &'a Kind,
    value: &'a Object,
    /// Documents that it refers to by a reference that must be there.
    needs: Vec<Uuid>,
    /// Documents that it refers to and could do without.
    likes: Vec<Uuid>,
}

struct Exporter<'a> {
    registry: &'a Registry,
    configuration: &'a Configuration,
    items: BTreeMap<Uuid, Item<'a>>,
    /// Rows that documents refer to, by model and key.
    rows: BTreeMap<(&'static str, String), Object>,
    /// Documents whose names are not theirs alone.
    ambiguous: BTreeSet<Uuid>,
    secrets: Secrets,
}

/// Writes the whole configuration.
///
/// # Errors
/// Only the database's.
pub async fn export(store: &Store, registry: &Registry, secrets: Secrets) -> Result<String, ApiError> {
    let configuration = store.configuration();
    let rows = rows(store, registry, &configuration).await?;
    let items = items(registry, &configuration);
    let configuration = &configuration;
    let mut exporter = Exporter { registry, configuration, items, rows, ambiguous: BTreeSet::new(), secrets };
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

fn items<'a>(registry: &'a Registry, configuration: &'a Configuration) -> BTreeMap<Uuid, Item<'a>> {
    let mut items = BTreeMap::new();
    for kind in registry.kinds().iter().filter(|kind| kind.is_document()) {
        for document in configuration.documents(kind.model()) {
            let (mut needs, mut likes) = (Vec::new(), Vec::new());
            for field in kind.fields.iter().filter(|field| field.is_stored() && field.is_writable()) {
                let keys = targets(registry, configuration, field, &document.value);
                let identifies = identifying_fields(kind).iter().any(|one| one.name == field.name);
                if identifies || field.required { needs.extend(keys) } else { likes.extend(keys) }
            }
            items.insert(document.pk, Item { kind, value: &document.value, needs, likes });
        }
    }
    items
}

/// The keys that a field holds.
fn keys<'v>(field: &Field, object: &'v Object) -> Vec<&'v Value> {
    match (field.reference(), object.get(field.name)) {
        (Some((_, _, true)), Some(Value::Array(keys))) => keys.iter().collect(),
        (Some((_, _, false)), Some(key)) if !key.is_null() => vec![key],
        _ => Vec::new(),
    }
}

/// Every row that a document refers to.
async fn rows(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
) -> Result<BTreeMap<(&'static str, String), Object>, ApiError> {
    let mut rows = BTreeMap::new();
    for kind in registry.kinds().iter().filter(|kind| kind.is_document()) {
        for field in &kind.fields {
            let Some((model, ..)) = field.reference() else { continue };
            let Some(target) = registry.kind(model).filter(|target| !target.is_document()) else { continue };
            let Some(column) = target.field("pk").map(|field| field.column) else { continue };
            for key in configuration.documents(kind.model()).flat_map(|document| keys(field, &document.value)) {
                let place = (target.model(), key.to_string());
                if rows.contains_key(&place) {
                    continue;
                }
                let param = match key.as_i64() {
                    Some(number) => number.into(),
                    None => key.as_str().and_then(|text| text.parse::<Uuid>().ok()).into(),
                };
                let found = select(store.database(), target, &format!(" WHERE {column} = $1"), vec![param]).await?;
                if let Some(row) = found.into_iter().next() {
                    rows.insert(place, row);
                }
            }
        }
    }
    Ok(rows)
}

impl Exporter<'_> {
    /// Entries in the order in which they can be applied, the same whatever the keys are.
    fn entries(&self) -> Vec<Output> {
        let mut order: Vec<(String, Uuid)> = self.items.iter().map(|(pk, item)| (self.sort_key(item), *pk)).collect();
        order.sort();
        let mut done = BTreeSet::new();
        let mut entries = Vec::new();
        let mut later = Vec::new();
        let mut left: Vec<Uuid> = order.into_iter().map(|(_, pk)| pk).collect();
        while !left.is_empty() {
            let ready = |keys: &[Uuid]| keys.iter().all(|key| done.contains(key) || !self.items.contains_key(key));
            let whole = |pk: &Uuid| self.items.get(pk).is_some_and(|item| ready(&item.needs) && ready(&item.likes));
            let part = |pk: &Uuid| self.items.get(pk).is_some_and(|item| ready(&item.needs));
            // Where everything waits for something, the first that can do without goes first, and gets it later.
            let next = left.iter().position(whole).or_else(|| left.iter().position(part)).unwrap_or(0);
            let pk = left.remove(next);
            let Some(item) = self.items.get(&pk) else { continue };
            let (now, then): (Vec<&Field>, Vec<&Field>) = item
                .kind
                .fields
                .iter()
                .filter(|field| field.is_stored() && field.is_writable())
                .partition(|field| ready(&targets(self.registry, self.configuration, field, item.value)));
            entries.push(self.entry(pk, item, &now));
            if !then.is_empty() {
                later.push((pk, then));
            }
            done.insert(pk);
        }
        let rest = later.iter().filter_map(|(pk, fields)| Some(self.entry(*pk, self.items.get(pk)?, fields)));
        entries.extend(rest);
        entries
    }

    fn entry(&self, pk: Uuid, item: &Item<'_>, fields: &[&Field]) -> Output {
        let identifying = self.identifying(pk, item);
        let identifiers = match &identifying {
            None => vec![("pk".to_owned(), json!(pk.to_string()).into())],
            Some(identifying) => identifying.iter().map(|field| self.pair(field, item.value)).collect(),
        };
        let is_identifier = |field: &Field| identifying.iter().flatten().any(|one| one.name == field.name);
        let attrs = fields.iter().filter(|field| !is_identifier(field)).map(|field| self.pair(field, item.value));
        Output::Mapping(vec![
            ("model".to_owned(), json!(item.kind.model()).into()),
            ("identifiers".to_owned(), Output::Mapping(identifiers)),
            ("attrs".to_owned(), Output::Mapping(attrs.collect())),
        ])
    }

    /// The fields that name a document; `None`: only its key does.
    fn identifying<'k>(&self, pk: Uuid, item: &Item<'k>) -> Option<Vec<&'k Field>> {
        let fields = identifying_fields(item.kind);
        (!fields.is_empty() && !self.ambiguous.contains(&pk)).then_some(fields)
    }

    fn find_ambiguous(&self) -> BTreeSet<Uuid> {
        let mut seen: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for (pk, item) in &self.items {
            let values =
                identifying_fields(item.kind).iter().map(|field| item.value.get(field.name)).collect::<Vec<_>>();
            seen.entry(format!("{} {}", item.kind.model(), json!(values))).or_default().push(*pk);
        }
        seen.into_values().filter(|keys| keys.len() > 1).flatten().collect()
    }

    fn sort_key(&self, item: &Item<'_>) -> String {
        let name = |field: &&Field| write(&self.pair(field, item.value).1);
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

    /// What finds the object that a key means; the key itself where nothing else does.
    fn reference(&self, model: &'static str, key: &Value) -> Output {
        let find = |kind: &Kind, value: &Object, fields: &[&Field]| {
            Output::find(kind.model(), fields.iter().map(|field| self.pair(field, value)))
        };
        let row = self.rows.get(&(model, key.to_string()));
        if let (Some(kind), Some(row)) = (self.registry.kind(model), row) {
            let fields = identifying_fields(kind);
            return if fields.is_empty() { key.clone().into() } else { find(kind, row, &fields) };
        }
        let target = self.registry.document(self.configuration, model, key);
        let target = target.and_then(|(_, document)| Some((document.pk, self.items.get(&document.pk)?)));
        match target.and_then(|(pk, item)| Some((item, self.identifying(pk, item)?))) {
            Some((item, fields)) => find(item.kind, item.value, &fields),
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

/// The documents that a field refers to.
fn targets(registry: &Registry, configuration: &Configuration, field: &Field, object: &Object) -> Vec<Uuid> {
    let Some((model, ..)) = field.reference() else { return Vec::new() };
    let found = keys(field, object).into_iter().filter_map(|key| registry.document(configuration, model, key));
    found.map(|(_, document)| document.pk).collect()
}
