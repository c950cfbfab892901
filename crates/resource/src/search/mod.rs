//! The language of searches: `username = "akadmin" and attributes.team startswith "s"`. A `search` that is no expression
//! of it, or does not fit the fields of its list, is a search for words.

mod compile;
mod fields;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use vestibule_store::{Database, Param};

use crate::http::Query;
use crate::kind::Kind;

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
