//! Lists: filters, search, order and pages, over documents in memory and over tables.

mod clauses;
mod conditions;
mod rows;

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_kernel::fold::{escape_like, fold};
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Configuration, Document, Param, Store};

use crate::call::{Answer, Api, Call};
use crate::engine::paginated;
use crate::filter::Lookup;
use crate::http::Query;
use crate::kind::Kind;
use crate::page::{asked, page};
use crate::related;
use crate::table;

use clauses::clauses;
pub use conditions::exists;
#[cfg(test)]
pub(crate) use conditions::filter_value;
pub(crate) use conditions::{Condition, conditions};

/// A page and where it stands.
pub(crate) struct Page {
    /// The objects on it.
    pub objects: Vec<Object>,
    /// The `pagination` of the answer.
    pub pagination: Value,
}

/// Where a search looks in documents.
pub(crate) struct Sought<'a> {
    /// Their own fields, and texts of documents that they are tied to.
    pub fields: &'a [&'a str],
    /// By each word, rows that they refer to.
    pub referred: Vec<Referred>,
}

/// Rows that a word of a search finds, and the field by which documents refer to them.
pub(crate) struct Referred {
    field: &'static str,
    keys: Vec<Value>,
}

impl Referred {
    fn has(&self, document: &Document) -> bool {
        document.value.get(self.field).is_some_and(|key| self.keys.contains(key))
    }
}

/// What each word of a search finds in the table that documents of a kind refer to.
pub(crate) async fn referred(store: &Store, kind: &Kind, query: &Query) -> Result<Vec<Referred>, ApiError> {
    let Some((field, sql)) = kind.spec.search_referred else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for term in terms(query) {
        let rows = store.database().query(sql, vec![format!("%{}%", escape_like(&term)).into()]).await?;
        let keys = rows.iter().map(|row| Ok(row.uuid("pk")?.to_string().into()));
        found.push(Referred { field, keys: keys.collect::<Result<_, vestibule_store::StoreError>>()? });
    }
    Ok(found)
}

/// Lists documents of some kinds.
pub(crate) fn documents(
    configuration: &Configuration,
    kinds: &[&Arc<Kind>],
    conditions: &[Condition<'_>],
    search: &Sought<'_>,
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
            terms.iter().enumerate().all(|(place, term)| {
                search.fields.iter().any(|field| found(field, term))
                    || search.referred.get(place).is_some_and(|referred| referred.has(document))
            })
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
        Lookup::Sql(_) | Lookup::SqlOf(_) | Lookup::OfDocument(_) | Lookup::Ignored => true,
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
    paginated(pagination, results, json!({}))
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
    let clauses = clauses(api.store.database(), configuration, kind, &conditions, None, query);
    Ok((clauses.sql(), clauses.params))
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
    let configuration = store.configuration();
    let clauses = clauses(database, &configuration, kind, conditions, scope, query);
    let (filter, params) = (clauses.sql(), &clauses.params);
    let known = |name: &str| kind.field(name).is_some_and(|field| table::is_column(field) && field.is_readable());
    let order = order(query, kind.spec.ordering, &known);
    let terms = rows::terms(kind, &order)?;
    if let (Some(range), false) = (asked(&configuration, query), filter.is_empty()) {
        let walked = match clauses.keys(rows::place(kind)?.1) {
            Some(keys) => rows::walked(database, kind, keys, params, &terms, &range).await?,
            None => None,
        };
        let found = match walked {
            None => rows::few(database, kind, (&filter, params), &terms, &range).await?,
            walked => walked,
        };
        if let Some((count, objects)) = found {
            let (_, pagination) = page(&configuration, query, count)?;
            return Ok(Page { objects, pagination });
        }
    }
    let count = rows::count(database, kind, &filter, params).await?;
    let (range, pagination) = page(&configuration, query, count)?;
    let tail = rows::window(kind, &filter, &terms, count, &range)?;
    let objects =
        if range.is_empty() { Vec::new() } else { table::scan(database, kind, &tail, clauses.params).await? };
    Ok(Page { objects, pagination })
}
