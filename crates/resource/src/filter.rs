//! Filters of lists: how they are declared, and how they compare.

use serde_json::Value;
use vestibule_kernel::{FieldErrors, Object};
use vestibule_store::{Configuration, Param};

use crate::field::Shape;
use crate::http::Query;

/// Makes a table's own condition of a parameter's text; `None`: it selects everything.
pub type SqlFilter = fn(&str) -> Result<Option<(String, Vec<Param>)>, FieldErrors>;

/// Makes a table's own condition of a query of which it is a part.
pub type QueryFilter = fn(&Query) -> Result<Option<(String, Vec<Param>)>, FieldErrors>;

/// Whether a document's own condition holds for the parameter's value.
pub type DocumentFilter = fn(&Object, &Value) -> bool;

/// The same of a condition that looks at the rest of the configuration.
pub type ConfigurationFilter = fn(&Configuration, &Object, &Value) -> bool;

/// How a filter compares.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Equal.
    Exact,
    /// Contained, whatever the case.
    Contains,
    /// Greater.
    Greater,
    /// Less.
    Less,
    /// Null or not.
    IsNull,
    /// Begins with.
    StartsWith,
    /// Equal to a column of the row, in another table, whose `pk` a document's field names.
    Named {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// For tables: equal to a field of the document whose key the row holds.
    OfDocument(&'static str),
    /// One of several.
    In,
    /// The same, of values that some document has.
    Values,
    /// Whether no document of a model has it in a field: `pk<app.model.field`.
    Unreferred(&'static str),
    /// The documents' own condition, which looks at others too.
    Within(ConfigurationFilter),
    /// The table's own condition, with `$?` where the next parameter goes.
    Sql(SqlFilter),
    /// The same, of everything that the request asks for.
    SqlOf(QueryFilter),
    /// The documents' own condition.
    Holds(DocumentFilter),
    /// Understood and of no effect on the selection (`include_groups`).
    Ignored,
}

/// A filter of a list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The query parameter.
    pub name: &'static str,
    /// The field it compares.
    pub field: &'static str,
    /// How.
    pub lookup: Lookup,
    /// The parameter's type, where it is not the field's.
    pub shape: Option<Shape>,
    /// The table and its column that each value must be in.
    pub(crate) among: Option<(&'static str, &'static str)>,
}

impl Filter {
    /// From its declaration: `name`, `date_joined__gt`, or `stage_uuid=pk` where the names differ;
    /// `bindings__isnull=pk<authentik_policies.policybinding.policy` asks whether nothing refers to an object.
    pub fn parse(text: &'static str) -> Self {
        let (name, target) = text.split_once('=').unwrap_or((text, text));
        if let Some((field, referrer)) = target.split_once('<') {
            return Self {
                name,
                field,
                lookup: Lookup::Unreferred(referrer),
                shape: Some(Shape::Boolean),
                among: None,
            };
        }
        let (field, lookup) = match target.rsplit_once("__") {
            Some((field, "in")) => (field, Lookup::In),
            Some((field, "values")) => (field, Lookup::Values),
            Some((field, "gt")) => (field, Lookup::Greater),
            Some((field, "lt")) => (field, Lookup::Less),
            Some((field, "isnull")) => (field, Lookup::IsNull),
            Some((field, "icontains")) => (field, Lookup::Contains),
            Some((field, "startswith")) => (field, Lookup::StartsWith),
            _ => (target, Lookup::Exact),
        };
        let shape = match lookup {
            Lookup::IsNull => Some(Shape::Boolean),
            Lookup::In | Lookup::Values => Some(Shape::TEXT.list()),
            _ => None,
        };
        Self { name, field, lookup, shape, among: None }
    }
}
