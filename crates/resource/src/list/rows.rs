//! Which rows of a table a page shows: counted, ordered, and found from whichever end is nearer.

use std::ops::Range;

use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Database, Param};

use super::clauses::Keys;
use super::ends_descending;
use crate::field::Shape;
use crate::kind::{Kind, Storage};
use crate::table;

/// Up to so many rows are found first and ordered then. More are walked through in their order until the page is full:
/// the databases do not know how many there will be, here it is known.
const FEW: usize = 20_000;

/// One of what rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    column: String,
    descending: bool,
    nullable: bool,
}

impl Term {
    /// As SQL, forwards or backwards. Null comes first going up, on both databases.
    fn sql(&self, backwards: bool) -> String {
        let direction = match (self.descending != backwards, self.nullable) {
            (false, false) => "ASC",
            (false, true) => "ASC NULLS FIRST",
            (true, false) => "DESC",
            (true, true) => "DESC NULLS LAST",
        };
        format!("{} {direction}", self.column)
    }
}

/// A kind's table, and its key.
pub(super) fn place(kind: &Kind) -> Result<(&'static str, &'static str), ApiError> {
    match kind.spec.storage {
        Storage::Table { name, key, .. } => Ok((name, key)),
        Storage::Documents => Err(ApiError::internal("not a table")),
    }
}

/// The columns that fields order by: texts by their folded form before themselves, and the key where all else is equal.
pub(super) fn terms(kind: &Kind, order: &[(String, bool)]) -> Result<Vec<Term>, ApiError> {
    let mut terms: Vec<Term> = Vec::new();
    let mut add = |column: String, descending: bool, nullable: bool| {
        if terms.iter().all(|term| term.column != column) {
            terms.push(Term { column, descending, nullable });
        }
    };
    // The usual order has an index, which knows nothing of folding.
    let usual = kind.spec.ordering.iter().map(|name| name.trim_start_matches('-'));
    let is_usual = usual.eq(order.iter().map(|(name, _)| name.as_str()));
    for (name, descending) in order {
        let Some(field) = kind.field(name) else { continue };
        if field.folded {
            add(format!("{}_folded", field.column), *descending, field.nullable);
        } else if !is_usual && matches!(field.shape, Shape::Text { .. }) {
            add(format!("LOWER({})", field.column), *descending, field.nullable);
        }
        add(field.column.to_owned(), *descending, field.nullable);
    }
    add(place(kind)?.1.to_owned(), ends_descending(order), false);
    Ok(terms)
}

/// How many rows of a kind's table a filter selects.
pub(super) async fn count(database: &Database, kind: &Kind, filter: &str, params: &[Param]) -> Result<usize, ApiError> {
    let (name, _) = place(kind)?;
    let count = if filter.is_empty() {
        database.count_rows(name).await?
    } else {
        let rows = database.scan(format!("SELECT COUNT(*) AS count FROM {name}{filter}"), params.to_vec()).await?;
        rows.first().map(|row| row.int("count")).transpose()?.unwrap_or_default()
    };
    Ok(usize::try_from(count).unwrap_or_default())
}

/// How many rows have one of the keys that a query finds, and those in `range` of them: walked through in their order, each
/// held against the query, until the page is full. `None`: it takes fewer looks to find them all and order them then.
///
/// PostgreSQL alone would do so for a query whose number of keys it does not know. SQLite finds thousands as soon.
pub(super) async fn walked(
    database: &Database,
    kind: &Kind,
    keys: Keys<'_>,
    params: &[Param],
    terms: &[Term],
    range: &Range<usize>,
) -> Result<Option<(usize, Vec<Object>)>, ApiError> {
    let (name, key) = place(kind)?;
    if database.is_sqlite() {
        return Ok(None);
    }
    let Keys { column, rest } = keys;
    let sql = format!("SELECT COUNT(*) AS count FROM (SELECT DISTINCT {column} FROM {rest}) AS found");
    let rows = database.scan(sql, params.to_vec()).await?;
    let count = rows
        .first()
        .map(|row| row.int("count"))
        .transpose()?
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0);
    let all = usize::try_from(database.count_rows(name).await?).unwrap_or(usize::MAX);
    if range.end.saturating_mul(all) >= count.saturating_mul(count) {
        return Ok(None);
    }
    let order: Vec<String> = terms.iter().map(|term| term.sql(false)).collect();
    let (order, limit, offset) = (order.join(", "), range.len(), range.start);
    let tail = format!(
        " WHERE {key} IN (SELECT {key} FROM {name} WHERE (SELECT TRUE FROM {rest} AND {column} = {name}.{key} LIMIT 1) \
         ORDER BY {order} LIMIT {limit} OFFSET {offset}) ORDER BY {order}"
    );
    Ok(Some((count, table::scan(database, kind, &tail, params.to_vec()).await?)))
}

/// How many rows a filter selects and those in `range` of them, found in one pass. `None`: there are more than are ordered
/// once they are found, or none in the range.
pub(super) async fn few(
    database: &Database,
    kind: &Kind,
    (filter, params): (&str, &[Param]),
    terms: &[Term],
    range: &Range<usize>,
) -> Result<Option<(usize, Vec<Object>)>, ApiError> {
    let (name, key) = place(kind)?;
    let order: Vec<String> = terms.iter().map(|term| term.sql(false)).collect();
    let order = order.join(", ");
    let columns: Vec<&str> = terms.iter().map(|term| term.column.as_str()).collect();
    let sql = format!(
        "WITH found AS MATERIALIZED (SELECT {} FROM {name}{filter} LIMIT {}) \
         SELECT {}, (SELECT COUNT(*) FROM found) AS found_rows FROM {name} \
         WHERE {key} IN (SELECT {key} FROM found ORDER BY {order} LIMIT {} OFFSET {}) ORDER BY {order}",
        columns.join(", "),
        FEW + 1,
        table::columns(kind),
        range.len(),
        range.start,
    );
    let rows = database.scan(sql, params.to_vec()).await?;
    let count = match rows.first() {
        Some(row) => usize::try_from(row.int("found_rows")?).unwrap_or_default(),
        None if range.start == 0 => return Ok(Some((0, Vec::new()))),
        None => return Ok(None),
    };
    let objects = rows.iter().map(|row| table::object(kind, row)).collect::<Result<_, _>>()?;
    Ok(Some((count, objects)).filter(|_| count <= FEW))
}

/// What follows `SELECT ... FROM ...` for the rows in `range` of the `count` that a filter selects, in their order. Keys
/// are found first, which an index has all of, and only the page's rows are read.
pub(super) fn window(
    kind: &Kind,
    filter: &str,
    terms: &[Term],
    count: usize,
    range: &Range<usize>,
) -> Result<String, ApiError> {
    let (name, key) = place(kind)?;
    let order = |backwards: bool| terms.iter().map(|term| term.sql(backwards)).collect::<Vec<_>>().join(", ");
    let backwards = range.start > count / 2;
    let skipped = if backwards { count.saturating_sub(range.end) } else { range.start };
    let page = format!("ORDER BY {} LIMIT {} OFFSET {skipped}", order(backwards), range.len());
    let keys = if filter.is_empty() || count > FEW {
        format!("SELECT {key} FROM {name}{filter} {page}")
    } else {
        let columns: Vec<&str> = terms.iter().map(|term| term.column.as_str()).collect();
        let found = format!("SELECT {} FROM {name}{filter}", columns.join(", "));
        format!("WITH found AS MATERIALIZED ({found}) SELECT {key} FROM found {page}")
    };
    Ok(format!(" WHERE {key} IN ({keys}) ORDER BY {}", order(false)))
}
