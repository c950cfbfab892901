//! Lists: filters, search, order and pages, over documents in memory and over tables.

mod rows;

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_kernel::fold::{escape_like, fold};
use vestibule_kernel::{ApiError, FieldErrors, Object};
use vestibule_store::{Configuration, Database, Document, Param, Store};

use crate::among;
use crate::call::{Answer, Api, Call, ok};
use crate::decode;
use crate::field::{Field, Shape, has_integer_keys};
use crate::http::Query;
use crate::kind::{Filter, Kind, Lookup, Storage};
use crate::page::page;
use crate::registry::Registry;
use crate::related;
use crate::search;
use crate::table;

/// Said of a key that names nothing.
const NO_CHOICE: &str = "Select a valid choice. That choice is not one of the available choices.";

/// A page and where it stands.
pub(crate) struct Page {
    /// The objects on it.
    pub objects: Vec<Object>,
    /// The `pagination` of the answer.
    pub pagination: Value,
}

/// A condition, read from the query.
pub(crate) struct Condition<'a> {
    pub field: &'a Field,
    pub lookup: Lookup,
    pub value: Value,
    pub sql: Option<(String, Vec<Param>)>,
}

/// Reads the filters of a query. Values that make no sense are an error, except booleans, which are ignored.
pub(crate) async fn conditions<'a>(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    fields: &'a [Field],
    filters: &[Filter],
    query: &Query,
) -> Result<Vec<Condition<'a>>, ApiError> {
    let mut conditions = Vec::new();
    let mut errors = FieldErrors::new();
    for filter in filters {
        let Some(text) = query.get(filter.name).filter(|text| !text.is_empty()) else { continue };
        let Some(field) = fields.iter().find(|field| field.name == filter.field).or_else(|| fields.first()) else {
            continue;
        };
        if text.contains('\0') {
            errors.add(filter.name, "Null characters are not allowed.");
            continue;
        }
        let shape = filter.shape.as_ref().unwrap_or(&field.shape);
        let (is_list, all) = (matches!(shape, Shape::List(_)), query.all(filter.name).join(","));
        among::check(store.database(), filter, &all, &mut errors).await?;
        match &filter.lookup {
            Lookup::Ignored => {}
            Lookup::Sql(_) | Lookup::SqlOf(_) => {
                let made = match filter.lookup {
                    Lookup::Sql(condition) => condition(&all)?,
                    Lookup::SqlOf(condition) => condition(query)?,
                    _ => None,
                };
                if let Some((sql, params)) = made {
                    let sql = (store.database().speak(&sql), params);
                    conditions.push(Condition {
                        field,
                        lookup: filter.lookup.clone(),
                        value: Value::Null,
                        sql: Some(sql),
                    });
                }
            }
            Lookup::Named { table, column } => {
                let sql = format!("SELECT pk FROM {table} WHERE {column} = $1");
                let rows = store.database().query(sql, vec![text.into()]).await?;
                let keys = rows.iter().map(|row| Ok(row.uuid("pk")?.to_string().into()));
                let keys: Vec<Value> = keys.collect::<Result<_, vestibule_store::StoreError>>()?;
                conditions.push(Condition { field, lookup: filter.lookup.clone(), value: keys.into(), sql: None });
            }
            Lookup::IsNull => {
                if let Some(value) = decode::decode_boolean(&json!(text)) {
                    conditions.push(Condition { field, lookup: Lookup::IsNull, value: value.into(), sql: None });
                }
            }
            // A filter of several values may be given more than once.
            lookup => match filter_value(shape, if is_list { &all } else { text }) {
                Ok(None) => {}
                Ok(Some(mut value)) => {
                    if let Shape::Reference(model, _) = shape
                        && let Some(known) = registry.canonical_key(configuration, model, &value)
                    {
                        value = known;
                    }
                    if let Shape::Reference(model, _) = shape
                        && !exists(store, registry, configuration, model, &value).await?
                    {
                        errors.add(filter.name, NO_CHOICE);
                        continue;
                    }
                    if let (Some(model), Value::Array(keys)) = (many(shape), &value)
                        && let Some(key) = missing(store, registry, configuration, model, keys).await?
                    {
                        errors.add(filter.name, no_choice(&decode::python(key)));
                        continue;
                    }
                    if let (Lookup::Values, Some(unknown)) = (lookup, unknown(configuration, field.name, &value)) {
                        errors.add(filter.name, no_choice(unknown));
                        continue;
                    }
                    conditions.push(Condition { field, lookup: lookup.clone(), value, sql: None });
                }
                // (Of what refers to something, the message is another.)
                Err(_) if filter.shape.is_none() && matches!(field.shape, Shape::Uuid) => {
                    errors.add(filter.name, "Enter a valid UUID.");
                }
                Err(message) => errors.add(filter.name, message),
            },
        }
    }
    errors.into_result()?;
    Ok(conditions)
}

/// Said of one of several values that names nothing.
fn no_choice(text: &str) -> String {
    format!("Select a valid choice. {text} is not one of the available choices.")
}

/// The model whose keys a list holds.
fn many(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::List(item) => match **item {
            Shape::Reference(model, _) => Some(model),
            _ => None,
        },
        _ => None,
    }
}

/// The first of some keys that names nothing.
async fn missing<'v>(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    model: &str,
    keys: &'v [Value],
) -> Result<Option<&'v Value>, ApiError> {
    for key in keys {
        if !exists(store, registry, configuration, model, key).await? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The first of some values that no document has in a field.
fn unknown<'v>(configuration: &Configuration, field: &str, wanted: &'v Value) -> Option<&'v str> {
    let has = |value: &&Value| configuration.all_documents().any(|document| document.value.get(field) == Some(value));
    wanted.as_array()?.iter().find(|value| !has(value))?.as_str()
}

/// Whether the object that a key names exists.
pub async fn exists(
    store: &Store,
    registry: &Registry,
    configuration: &Configuration,
    model: &str,
    key: &Value,
) -> Result<bool, ApiError> {
    for kind in registry.members(model) {
        let found = match (kind.spec.storage, key) {
            (Storage::Documents, key) => registry.document(configuration, model, key).is_some(),
            (Storage::Table { name, key: column, serial }, key) => match table::key_param(key, serial) {
                Some(param) => {
                    let sql = format!("SELECT {column} FROM {name} WHERE {column} = $1");
                    store.database().query_one(sql, vec![param]).await?.is_some()
                }
                None => false,
            },
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A filter's value in the stored form of its field; `None`: it is to be ignored.
pub(crate) fn filter_value(shape: &Shape, text: &str) -> Result<Option<Value>, String> {
    let value = json!(text);
    Ok(match shape {
        Shape::Boolean => decode::decode_boolean(&value).map(Value::Bool),
        Shape::Choice(choices) if choices.values.iter().any(|(one, _)| *one == text) => Some(value),
        Shape::Choice(_) => return Err(no_choice(text)),
        Shape::Reference(model, _) if has_integer_keys(model) => match text.trim().parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => return Err(NO_CHOICE.into()),
        },
        Shape::Uuid | Shape::Reference(..) => match decode::parse_uuid(text) {
            Some(uuid) => Some(uuid.to_string().into()),
            None => return Err(format!("“{text}” is not a valid UUID.")),
        },
        Shape::Integer { .. } | Shape::Float => match (text.trim().parse::<i64>(), text.trim().parse::<f64>()) {
            (Ok(number), _) => Some(json!(number)),
            (_, Ok(number)) if number.is_finite() => Some(json!(number)),
            _ => return Err("Enter a number.".into()),
        },
        Shape::Time => match decode::parse_time(text) {
            Some(time) => Some(decode::format_time(time).into()),
            None => return Err("Enter a valid date/time.".into()),
        },
        Shape::List(item) => {
            let is_number = matches!(**item, Shape::Reference(model, _) if has_integer_keys(model));
            let wrong =
                |one: &str, message| if is_number { format!("“{one}” is not a valid value.") } else { message };
            let read = |one| filter_value(item, one).map_err(|message| wrong(one, message));
            let items: Result<Vec<_>, _> = text.split(',').map(read).collect();
            Some(Value::Array(items?.into_iter().flatten().collect()))
        }
        _ => Some(value),
    })
}

/// Lists documents of some kinds.
pub(crate) fn documents(
    configuration: &Configuration,
    kinds: &[&Arc<Kind>],
    conditions: &[Condition<'_>],
    search: &[&str],
    ordering: &[&str],
    visible: &dyn Fn(&Document) -> bool,
    query: &Query,
) -> Result<Page, ApiError> {
    let terms = terms(query);
    let all = kinds.iter().flat_map(|kind| configuration.documents(kind.model()));
    let mut found: Vec<&Arc<Document>> = all
        .filter(|document| visible(document))
        .filter(|document| conditions.iter().all(|condition| holds(configuration, condition, &document.value)))
        .filter(|document| {
            let found = |field: &&str, term: &str| related::contains(configuration, document, field, term);
            terms.iter().all(|term| search.iter().any(|field| found(field, term)))
        })
        .collect();
    let known = |name: &str| {
        kinds.first().is_some_and(|kind| kind.field(name).is_some_and(|field| field.is_stored() && field.is_readable()))
    };
    let order = order(query, ordering, &known);
    found.sort_by(|one, other| {
        let by_field = |(name, descending): &(String, bool)| {
            let ordering = compare(one.value.get(name.as_str()), other.value.get(name.as_str()));
            if *descending { ordering.reverse() } else { ordering }
        };
        let by_key = || if ends_descending(&order) { other.pk.cmp(&one.pk) } else { one.pk.cmp(&other.pk) };
        order.iter().map(by_field).find(|ordering| ordering.is_ne()).unwrap_or_else(by_key)
    });
    let (range, pagination) = page(configuration, query, found.len())?;
    let objects = found.get(range).unwrap_or_default().iter().map(|document| document.value.clone()).collect();
    Ok(Page { objects, pagination })
}

fn holds(configuration: &Configuration, condition: &Condition<'_>, object: &Object) -> bool {
    let value = object.get(condition.field.name).unwrap_or(&Value::Null);
    match condition.lookup {
        Lookup::Exact => match (&condition.value, value) {
            // A list is asked for by members of which it must have one.
            (Value::Array(wanted), Value::Array(have)) => wanted.iter().any(|one| have.contains(one)),
            (wanted, Value::Array(have)) => have.contains(wanted),
            (wanted, have) => wanted == have,
        },
        Lookup::Contains => {
            fold(value.as_str().unwrap_or_default()).contains(&fold(condition.value.as_str().unwrap_or_default()))
        }
        Lookup::StartsWith => {
            value.as_str().unwrap_or_default().starts_with(condition.value.as_str().unwrap_or_default())
        }
        Lookup::Greater => compare(Some(value), Some(&condition.value)) == Ordering::Greater,
        Lookup::Less => compare(Some(value), Some(&condition.value)) == Ordering::Less,
        Lookup::IsNull => value.is_null() == (condition.value == Value::Bool(true)),
        Lookup::In | Lookup::Values => condition.value.as_array().is_some_and(|wanted| wanted.contains(value)),
        Lookup::Unreferred(referrer) => {
            is_referred(configuration, referrer, value) != (condition.value == Value::Bool(true))
        }
        Lookup::Holds(test) => test(object, &condition.value),
        Lookup::Named { .. } => condition.value.as_array().is_some_and(|keys| keys.contains(value)),
        Lookup::Within(test) => test(configuration, object, &condition.value),
        Lookup::Sql(_) | Lookup::SqlOf(_) | Lookup::Ignored => true,
    }
}

/// Whether a document has a key in a field, `app.model.field`.
fn is_referred(configuration: &Configuration, referrer: &str, key: &Value) -> bool {
    let Some((model, field)) = referrer.rsplit_once('.') else { return false };
    configuration.documents(model).any(|document| match document.value.get(field) {
        Some(Value::Array(keys)) => keys.contains(key),
        value => value == Some(key),
    })
}

/// The order of two stored values: null first, texts folded and then as they are, as the tables order them.
fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null)) {
        (Value::String(one), Value::String(other)) => fold(one).cmp(&fold(other)).then_with(|| one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default())
        }
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// The words of a search, folded.
pub(crate) fn terms(query: &Query) -> Vec<String> {
    let text = query.get("search").unwrap_or_default();
    text.split([' ', ',', '\0']).filter(|term| !term.is_empty()).map(fold).collect()
}

/// The fields to order by, and whether downwards. Names that mean nothing are passed over.
pub(crate) fn order(query: &Query, default: &[&str], known: &dyn Fn(&str) -> bool) -> Vec<(String, bool)> {
    let read = |name: &str| {
        let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        (name.to_owned(), descending)
    };
    let asked = query.get("ordering").unwrap_or_default().split(',').map(str::trim);
    let asked: Vec<_> = asked.map(read).filter(|(name, _)| known(name)).collect();
    if asked.is_empty() { default.iter().copied().map(read).collect() } else { asked }
}

/// Whether what is equal so far goes on downwards: the key goes the way of what comes before it.
fn ends_descending(order: &[(String, bool)]) -> bool {
    order.last().is_some_and(|(_, descending)| *descending)
}

/// A page of objects that are in memory already, searched and ordered as the call asks: for lists that no kind has.
pub fn memory_list(call: &Call, objects: Vec<Object>, search: &[&str], ordering: &[&str]) -> Answer {
    // Where there is nothing to search in, a search says nothing.
    let terms = if search.is_empty() { Vec::new() } else { terms(&call.query) };
    let text = |object: &Object, name: &str| object.get(name).and_then(Value::as_str).map(fold).unwrap_or_default();
    let matches =
        |object: &Object| terms.iter().all(|term| search.iter().any(|name| text(object, name).contains(term.as_str())));
    let mut found: Vec<Object> = objects.into_iter().filter(matches).collect();
    let first = found.first().cloned().unwrap_or_default();
    let order = order(&call.query, ordering, &|name| first.contains_key(name));
    found.sort_by(|one, other| {
        let by_field = |(name, descending): &(String, bool)| {
            let ordering = compare(one.get(name.as_str()), other.get(name.as_str()));
            if *descending { ordering.reverse() } else { ordering }
        };
        order.iter().map(by_field).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    });
    let (range, pagination) = page(&call.configuration, &call.query, found.len())?;
    let results: Vec<Value> = found.into_iter().skip(range.start).take(range.len()).map(Value::Object).collect();
    ok(&json!({"pagination": pagination, "results": results, "autocomplete": {}}))
}

/// What of a kind's table a list's query asks for: ` WHERE ...` or nothing, with its parameters. For operations that count
/// what the list would show.
pub async fn selection(
    api: &Api,
    configuration: &Configuration,
    kind: &Kind,
    query: &Query,
) -> Result<(String, Vec<Param>), ApiError> {
    let conditions =
        conditions(&api.store, &api.registry, configuration, &kind.fields, &kind.spec.filters, query).await?;
    let clauses = clauses(api.store.database(), kind, &conditions, None, query);
    Ok((clauses.sql(), clauses.params))
}

fn clauses(
    database: &Database,
    kind: &Kind,
    conditions: &[Condition<'_>],
    scope: Option<(String, Vec<Param>)>,
    query: &Query,
) -> Clauses {
    let mut clauses = Clauses::default();
    if let Some((sql, params)) = scope {
        clauses.add(&sql, params);
    }
    for condition in conditions {
        clauses.condition(condition);
    }
    if let Some((sql, params)) = search::condition(database, kind, query) {
        clauses.add(&sql, params);
        return clauses;
    }
    for term in terms(query) {
        clauses.search(database, kind, &term);
    }
    clauses
}

/// Lists rows of a table.
pub(crate) async fn rows(
    store: &Store,
    kind: &Kind,
    conditions: &[Condition<'_>],
    scope: Option<(String, Vec<Param>)>,
    query: &Query,
) -> Result<Page, ApiError> {
    let database = store.database();
    let clauses = clauses(database, kind, conditions, scope, query);
    let (filter, params) = (clauses.sql(), clauses.params);
    let known = |name: &str| kind.field(name).is_some_and(|field| table::is_column(field) && field.is_readable());
    let order = order(query, kind.spec.ordering, &known);
    let count = rows::count(database, kind, &filter, &params).await?;
    let (range, pagination) = page(&store.configuration(), query, count)?;
    let tail = rows::window(kind, &filter, &rows::terms(kind, &order)?, count, &range)?;
    let objects = if range.is_empty() { Vec::new() } else { table::scan(database, kind, &tail, params).await? };
    Ok(Page { objects, pagination })
}

#[derive(Default)]
struct Clauses {
    clauses: Vec<String>,
    params: Vec<Param>,
}

impl Clauses {
    /// Adds a condition whose parameters are written `$?`.
    fn add(&mut self, sql: &str, params: Vec<Param>) {
        let mut numbered = String::new();
        let mut next = self.params.len();
        for (position, part) in sql.split("$?").enumerate() {
            if position > 0 {
                next += 1;
                numbered.push('$');
                numbered.push_str(&next.to_string());
            }
            numbered.push_str(part);
        }
        self.clauses.push(format!("({numbered})"));
        self.params.extend(params);
    }

    fn condition(&mut self, condition: &Condition<'_>) {
        let column = condition.field.column;
        if let Some((sql, params)) = &condition.sql {
            self.add(sql, params.clone());
            return;
        }
        let param = || vec![table::param(condition.field, &condition.value)];
        let text = || condition.value.as_str().unwrap_or_default().to_owned();
        match condition.lookup {
            Lookup::Exact => self.add(&format!("{column} = $?"), param()),
            Lookup::Greater => self.add(&format!("{column} > $?"), param()),
            Lookup::Less => self.add(&format!("{column} < $?"), param()),
            Lookup::IsNull if condition.value == Value::Bool(true) => self.add(&format!("{column} IS NULL"), vec![]),
            Lookup::IsNull => self.add(&format!("{column} IS NOT NULL"), vec![]),
            Lookup::StartsWith => {
                // Byte-wise on both: SQLite's LIKE would fold ASCII.
                self.add(&format!("SUBSTR({column}, 1, LENGTH($?)) = $?"), vec![text().into(), text().into()]);
            }
            Lookup::Contains => {
                let pattern = format!("%{}%", escape_like(&fold(&text())));
                let suffix = if condition.field.folded { "_folded" } else { "" };
                self.add(&format!("{column}{suffix} LIKE $? ESCAPE '\\'"), vec![pattern.into()]);
            }
            Lookup::In => {
                let wanted = condition.value.as_array().map(Vec::as_slice).unwrap_or_default();
                let places = vec!["$?"; wanted.len()].join(", ");
                let params = wanted.iter().map(|value| table::param(condition.field, value)).collect();
                self.add(&format!("{column} IN ({places})"), params);
            }
            Lookup::Sql(_)
            | Lookup::SqlOf(_)
            | Lookup::Holds(_)
            | Lookup::Named { .. }
            | Lookup::Values
            | Lookup::Unreferred(_)
            | Lookup::Within(_)
            | Lookup::Ignored => {}
        }
    }

    fn search(&mut self, database: &Database, kind: &Kind, term: &str) {
        let pattern = format!("%{}%", escape_like(term));
        let key = decode::parse_uuid(term);
        let is_text = |field: &&Field| !matches!(field.shape, Shape::Uuid);
        let fields = || kind.spec.search.iter().filter_map(|name| kind.field(name));
        let columns = fields().filter(is_text).map(|field| {
            if field.folded { format!("{}_folded", field.column) } else { format!("LOWER({})", field.column) }
        });
        let columns: Vec<String> = columns.collect();
        if kind.spec.search_beyond.is_none()
            && let Storage::Table { name, key, .. } = kind.spec.storage
            && let Some((sql, param)) = database.containing(name, key, &columns, term)
        {
            self.add(&sql, vec![param]);
            return;
        }
        let like = columns.iter().map(|column| format!("{column} LIKE $? ESCAPE '\\'"));
        let mut like: Vec<String> = like.chain(kind.spec.search_beyond.map(str::to_owned)).collect();
        if !like.is_empty() {
            let mut params: Vec<Param> = like.iter().map(|_| pattern.as_str().into()).collect();
            // Keys are found whole.
            for (field, key) in fields().filter(|field| !is_text(field)).filter_map(|field| Some((field, key?))) {
                like.push(format!("{} = $?", field.column));
                params.push(key.into());
            }
            self.add(&like.join(" OR "), params);
        }
    }

    fn sql(&self) -> String {
        if self.clauses.is_empty() { String::new() } else { format!(" WHERE {}", self.clauses.join(" AND ")) }
    }
}
