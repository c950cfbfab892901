//! The language of searches: `username = "akadmin" and attributes.team startswith "s"`. A `search` that is no expression
//! of it, or does not fit the fields of its list, is a search for words.

mod compile;
mod fields;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use vestibule_store::{Database, Param, StoreError};

use crate::http::Query;
use crate::kind::{Kind, Storage};

pub(crate) use fields::autocomplete;
pub use fields::{Inside, Searchable, Suggest};

/// The condition that a query's `search` is, with `$?` where the next parameter goes; `None`: it is words.
pub(crate) fn condition(database: &Database, kind: &Kind, query: &Query) -> Option<(String, Vec<Param>)> {
    if kind.spec.searchable.is_empty() {
        return None;
    }
    let expression = parser::parse(query.get("search")?)?;
    let (sql, params) = compile::compile(kind, &expression)?;
    Some((database.speak(&sql), params))
}

/// Whether the row of a kind's table that has this key is found by an expression; `None`: it is no expression of the
/// language, or does not fit the fields.
///
/// # Errors
/// The database.
pub async fn row_matches(
    database: &Database,
    kind: &Kind,
    key: Param,
    expression: &str,
) -> Result<Option<bool>, StoreError> {
    let Storage::Table { name, key: column, .. } = kind.spec.storage else { return Ok(None) };
    let compiled = parser::parse(expression).and_then(|expression| compile::compile(kind, &expression));
    let Some((sql, mut params)) = compiled else { return Ok(None) };
    params.insert(0, key);
    let condition = database.speak(&sql);
    let mut numbered = String::new();
    for (number, part) in condition.split("$?").enumerate() {
        // The first parameter is the key.
        if number > 0 {
            numbered.push_str(&format!("${}", number + 1));
        }
        numbered.push_str(part);
    }
    let sql = format!("SELECT {column} FROM {name} WHERE {column} = $1 AND ({numbered})");
    Ok(Some(database.query_one(sql, params).await?.is_some()))
}
