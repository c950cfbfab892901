//! What a list's query asks for, as SQL.

use serde_json::Value;
use vestibule_kernel::fold::{escape_like, fold};
use vestibule_store::{Configuration, Database, Param};

use super::conditions::among_documents;
use super::{Condition, terms};
use crate::decode;
use crate::field::{Field, Shape};
use crate::filter::Lookup;
use crate::http::Query;
use crate::kind::{Kind, Storage};
use crate::search;
use crate::table;

/// What a list's query asks for of its kind's table: what is visible, filters, a search.
pub(super) fn clauses(
    database: &Database,
    configuration: &Configuration,
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
    // Words that are found by their pieces alone are looked for at once: rows that have all are fewer than those of each.
    let terms = terms(query);
    let (together, others): (Vec<&str>, Vec<&str>) =
        terms.iter().map(String::as_str).partition(|term| is_found_by_pieces(database, kind, term));
    if let (Storage::Table { name, key, .. }, false) = (kind.spec.storage, together.is_empty()) {
        let (sql, params) = database.containing(name, key, &together);
        clauses.add(&sql, params);
    }
    for term in others {
        clauses.search(database, configuration, kind, term);
    }
    clauses
}

/// The fields that a search looks into.
fn searched(kind: &Kind) -> impl Iterator<Item = &Field> {
    kind.spec.search.iter().filter_map(|name| kind.field(name))
}

fn is_text(field: &Field) -> bool {
    !matches!(field.shape, Shape::Uuid)
}

/// What a search looks into for texts, folded.
fn text_columns(kind: &Kind) -> Vec<String> {
    let columns = searched(kind).filter(|field| is_text(field)).map(|field| {
        if field.folded { format!("{}_folded", field.column) } else { format!("LOWER({})", field.column) }
    });
    columns.collect()
}

/// Whether pieces of a word find all that a search for it would.
fn is_found_by_pieces(database: &Database, kind: &Kind, term: &str) -> bool {
    let only_texts = kind.spec.search_beyond.is_none()
        && (decode::parse_uuid(term).is_none() || searched(kind).all(is_text))
        && kind.spec.search.iter().all(|name| !name.contains("__"));
    match kind.spec.storage {
        Storage::Table { name, .. } => only_texts && database.has_pieces(name, &text_columns(kind), term),
        Storage::Documents => false,
    }
}

/// Conditions of a statement, all of which must hold.
#[derive(Default)]
pub(super) struct Clauses {
    clauses: Vec<String>,
    pub(super) params: Vec<Param>,
}

/// A query for keys, `SELECT column FROM rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys<'a> {
    pub(super) column: &'a str,
    pub(super) rest: &'a str,
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
            | Lookup::OfDocument(_)
            | Lookup::Values
            | Lookup::Unreferred(_)
            | Lookup::Within(_)
            | Lookup::Ignored => {}
        }
    }

    fn search(&mut self, database: &Database, configuration: &Configuration, kind: &Kind, term: &str) {
        let pattern = format!("%{}%", escape_like(term));
        let key = decode::parse_uuid(term);
        let columns = text_columns(kind);
        // Columns that are looked into together are one condition: from an index of pieces, where there is one.
        let (mut like, mut params) = match kind.spec.storage {
            Storage::Table { name, key, .. } if database.has_pieces(name, &columns, term) => {
                let (sql, params) = database.containing(name, key, &[term]);
                (vec![sql], params)
            }
            _ => {
                let like = columns.iter().map(|column| format!("{column} LIKE $? ESCAPE '\\'"));
                (like.collect::<Vec<_>>(), columns.iter().map(|_| pattern.as_str().into()).collect::<Vec<Param>>())
            }
        };
        if let Some(beyond) = kind.spec.search_beyond {
            like.push(beyond.to_owned());
            params.push(pattern.as_str().into());
        }
        // Keys are found whole.
        for (field, key) in searched(kind).filter(|field| !is_text(field)).filter_map(|field| Some((field, key?))) {
            like.push(format!("{} = $?", field.column));
            params.push(key.into());
        }
        // A text of a document whose key a row holds.
        for (reference, name) in kind.spec.search.iter().filter_map(|name| name.split_once("__")) {
            let Some(field) = kind.field(reference) else { continue };
            let (sql, keys) = among_documents(configuration, field, |one| fold(one.text(name)).contains(term));
            like.push(sql);
            params.extend(keys);
        }
        if !like.is_empty() {
            self.add(&like.join(" OR "), params);
        }
    }

    /// The query for the keys that are asked for, where that is all that is asked: `SELECT column FROM ... WHERE ...`.
    pub(super) fn keys(&self, key: &str) -> Option<Keys<'_>> {
        let [clause] = self.clauses.as_slice() else { return None };
        let query = clause.strip_prefix(&format!("({key} IN ("))?.strip_suffix("))")?;
        let (column, rest) = query.strip_prefix("SELECT ")?.split_once(" FROM ")?;
        let is_word = column.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        let depth = query.chars().try_fold(0_usize, |depth, letter| match letter {
            '(' => Some(depth + 1),
            ')' => depth.checked_sub(1),
            _ => Some(depth),
        });
        // (A pattern is looked for in an index of pieces: once for all rows, not once for each.)
        let is_plain = is_word
            && depth == Some(0)
            && rest.contains(" WHERE ")
            && ![" OR ", " LIKE "].iter().any(|word| rest.contains(word));
        is_plain.then_some(Keys { column, rest })
    }

    /// ` WHERE ...`, or nothing.
    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() { String::new() } else { format!(" WHERE {}", self.clauses.join(" AND ")) }
    }
}
