//! Lists: each declared filter, ordering and search, and pages.

use std::cmp::Ordering;

use serde_json::Value;
use url::form_urlencoded::byte_serialize;
use vestibule_kernel::fold::fold;
use vestibule_resource::{Kind, Lookup, Shape};
use vestibule_testkit::Client;

use super::Findings;
use crate::app::App;
use crate::fixtures::{Fixtures, Named, Object, key};

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// The keys on all pages of a list.
async fn keys(client: &mut Client, kind: &Kind, query: &str) -> Vec<String> {
    let (mut all, mut page) = (Vec::new(), 1);
    while page != 0 {
        let path = format!("{}?page_size=100&page={page}&{query}", kind.wire_path());
        let answer = client.get(&path).await.expect(200);
        let results = answer["results"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        all.extend(results.iter().map(|one| key(kind, one.as_object().unwrap())));
        page = answer["pagination"]["next"].as_u64().unwrap();
    }
    all
}

/// A value as a query has it.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) if !items.is_empty() => items.iter().map(text).collect::<Option<Vec<_>>>()?.join(","),
        _ => return None,
    })
}

#[tokio::test]
async fn every_declared_filter_selects() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds() {
        let (one, other) = (fixtures.create(kind, Named::All).await, fixtures.create(kind, Named::Required).await);
        for filter in kind.spec.filters() {
            let name = format!("{}?{}", kind.wire_path(), filter.name);
            let nonsense = admin.get(&format!("{name}=%00%27%22%5C%25_nonsense")).await;
            findings.check([200, 400].contains(&nonsense.status.as_u16()), || format!("{name}: {}", nonsense.text));
            if matches!(
                filter.lookup,
                Lookup::Sql(_)
                    | Lookup::SqlOf(_)
                    | Lookup::Holds(_)
                    | Lookup::Within(_)
                    | Lookup::Named { .. }
                    | Lookup::OfDocument(_)
                    | Lookup::Ignored
            ) {
                continue;
            }
            let Some(value) = one.get(filter.field).or_else(|| one.get("brand_uuid")).and_then(text) else { continue };
            let value = match filter.lookup {
                Lookup::IsNull => "false".into(),
                Lookup::StartsWith | Lookup::Contains => value.chars().take(4).collect(),
                // A moment before, or after.
                Lookup::Greater => "2000-01-01T00:00:00Z".into(),
                Lookup::Less => "2100-01-01T00:00:00Z".into(),
                _ => value,
            };
            let found = keys(&mut admin, kind, &format!("{}={}", filter.name, encode(&value))).await;
            findings.check(found.contains(&key(kind, &one)), || format!("{name}={value}: does not find {value}"));
            let alike = one.get(filter.field) == other.get(filter.field);
            if matches!(filter.lookup, Lookup::Exact) && !alike {
                findings.check(!found.contains(&key(kind, &other)), || format!("{name}={value}: finds another"));
            }
        }
        for filter in kind.spec.filters().iter().filter(|filter| matches!(filter.lookup, Lookup::Exact)) {
            let shape = filter.shape.clone().or_else(|| kind.field(filter.field).map(|field| field.shape.clone()));
            let shape = if let Some(Shape::List(item)) = shape { Some(*item) } else { shape };
            let answer = admin.get(&format!("{}?{}=nonsense", kind.wire_path(), filter.name)).await;
            let expected = match shape {
                Some(Shape::Uuid | Shape::Reference(..) | Shape::Integer { .. } | Shape::Time | Shape::Choice(_)) => {
                    400
                }
                _ => 200,
            };
            findings.check(answer.status == expected, || format!("{}: nonsense: {}", filter.name, answer.text));
        }
    }
    findings.none();
}

/// The order that lists promise: null first, texts by their folded form, then as they are.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => fold(one).cmp(&fold(other)).then_with(|| one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => one.as_f64().unwrap().total_cmp(&other.as_f64().unwrap()),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

#[tokio::test]
async fn every_field_orders_up_and_down() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds() {
        for _ in 0..2 {
            fixtures.create(kind, Named::All).await;
            fixtures.create(kind, Named::Required).await;
        }
        let stored = |name: &str| kind.field(name).is_some_and(|field| field.is_stored() && field.is_readable());
        let fields = kind.fields.iter().filter(|field| stored(field.name));
        let fields = fields.filter(|field| !matches!(field.shape, Shape::List(_) | Shape::Map | Shape::Json));
        for field in fields {
            for (prefix, wrong) in [("", Ordering::Greater), ("-", Ordering::Less)] {
                let query = format!("{}?ordering={prefix}{}&page_size=100", kind.wire_path(), field.name);
                let answer = admin.get(&query).await.expect(200);
                let results = answer["results"].as_array().unwrap();
                // Keys of users that are texts elsewhere order as what they are; texts without a folded column as well.
                let pairs = results.iter().zip(results.iter().skip(1));
                let unordered = pairs.filter(|(one, other)| compare(&one[field.name], &other[field.name]) == wrong);
                findings.check(unordered.count() == 0, || format!("{query}: is not in order"));
                findings.check(results.len() >= 4, || format!("{query}: {} results", results.len()));
            }
        }
        let usual = keys(&mut admin, kind, "").await;
        let declared = kind.spec.ordering_fields().join(",");
        findings.check(keys(&mut admin, kind, &format!("ordering={declared}")).await == usual, || {
            format!("{}: {declared} is not the usual order", kind.wire_path())
        });
        let unknown = keys(&mut admin, kind, "ordering=password,key_hash,no_such_field;--").await;
        findings.check(unknown == usual, || format!("{}: orders by what is not shown", kind.wire_path()));
    }
    findings.none();
}

/// A text that a search finds an object by: a field's, or with `stage__name` that of the document which a field names. What
/// is deep is searched as it is written.
fn searched(app: &App, object: &Object, field: &str) -> Option<String> {
    if let Some((reference, name)) = field.split_once("__") {
        let configuration = app.store().configuration();
        return Some(configuration.find(object[reference].as_str()?.parse().ok()?)?.text(name).to_owned());
    }
    let value = object.get(field)?;
    let inside = value.as_object().and_then(|object| object.keys().next()).map(String::as_str);
    value.as_str().or(inside).map(str::to_owned)
}

#[tokio::test]
async fn search_looks_into_every_declared_field() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds() {
        let object = fixtures.create(kind, Named::All).await;
        let own = key(kind, &object);
        // What is written in what refers to an object has tests of its own.
        for field in kind.spec.search_fields().iter().filter(|field| !field.contains('<')) {
            let Some(value) = searched(&app, &object, field) else {
                let is_shown = object.contains_key(*field) && !field.contains("__");
                findings.check(!is_shown, || format!("{}.{field} has no text", kind.model()));
                continue;
            };
            // A key is found by the whole of it.
            let is_key = kind.field(field).is_some_and(|field| matches!(field.shape, Shape::Uuid));
            let part = value.chars().skip(usize::from(!is_key)).collect();
            for term in [value.clone(), value.to_uppercase(), part] {
                let found = keys(&mut admin, kind, &format!("search={}", encode(&term))).await;
                findings.check(found.contains(&own), || format!("{}.{field}: {term} is not found", kind.model()));
            }
        }
        if !kind.spec.search_fields().is_empty() {
            // What is deep is searched as JSON is written, where a backslash is part of the writing.
            let is_deep = kind.spec.search_fields().iter().any(|name| object.get(*name).is_some_and(Value::is_object));
            let backslash = if is_deep { "no such text either" } else { "\\" };
            for term in ["no such text anywhere", "T%xt", "T_xt", backslash, "';--", "%25"] {
                let found = keys(&mut admin, kind, &format!("search={}", encode(term))).await;
                findings.check(found.is_empty(), || format!("{}: {term} finds {found:?}", kind.model()));
            }
        }
    }
    findings.none();
}

#[tokio::test]
async fn pages() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds() {
        for _ in 0..3 {
            fixtures.create(kind, Named::Required).await;
        }
        let list = kind.wire_path();
        let all = keys(&mut admin, kind, "").await;
        let mut collected = Vec::new();
        let mut page = 1;
        while page != 0 {
            let answer = admin.get(&format!("{list}?page_size=2&page={page}")).await.expect(200);
            let results = answer["results"].as_array().unwrap();
            collected.extend(results.iter().map(|one: &Value| key(kind, one.as_object().unwrap())));
            let pagination = &answer["pagination"];
            let count = pagination["count"].as_u64().unwrap();
            findings.check(count == all.len() as u64, || format!("{list}: {count} of {}", all.len()));
            // Lists that are searched by expressions say what of.
            let complete = answer["autocomplete"].as_object();
            let fits = complete.is_some_and(|one| one.is_empty() || one["current_model"] == kind.model());
            findings.check(fits, || list.clone());
            page = pagination["next"].as_u64().unwrap();
        }
        findings.check(collected == all, || format!("{list}: pages give {collected:?} where there are {all:?}"));
        let last = admin.get(&format!("{list}?page_size=2&page=last")).await.expect(200);
        findings.check(last["pagination"]["next"] == 0, || format!("{list}: the last page has a next"));
        for (query, status) in [
            ("page=0", 404),
            ("page=9999", 404),
            ("page=-1", 404),
            ("page=x", 404),
            ("page=18446744073709551616", 404),
            ("page_size=0", 200),
            ("page_size=-1", 200),
            ("page_size=x", 200),
            ("page_size=99999999999999999999", 200),
            ("no_such_parameter=1", 200),
            ("page=1&page=2&page=1", 200),
            ("%00=%ff", 200),
        ] {
            let answer = admin.get(&format!("{list}?{query}")).await;
            findings.check(answer.status == status, || format!("{list}?{query}: {} {}", answer.status, answer.text));
            findings.check(status != 404 || answer.json()["detail"] == "Invalid page.", || answer.text.clone());
        }
    }
    findings.none();
}
