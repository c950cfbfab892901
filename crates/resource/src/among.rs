//! Filters whose values name something: what names nothing is refused.

use vestibule_kernel::FieldErrors;
use vestibule_store::{Database, Param, StoreError};

use crate::decode;
use crate::field::Shape;
use crate::filter::Filter;

/// Adds an error for the first value that names nothing in the filter's table. Values that are no keys are the filter's
/// own to refuse.
pub(crate) async fn check(
    database: &Database,
    filter: &Filter,
    values: &str,
    errors: &mut FieldErrors,
) -> Result<(), StoreError> {
    let Some((table, column)) = filter.among else { return Ok(()) };
    let Some(Shape::List(item)) = &filter.shape else { return Ok(()) };
    for value in values.split(',').filter(|value| !value.is_empty()) {
        if value.contains('\0') {
            errors.add(filter.name, "Null characters are not allowed.");
            return Ok(());
        }
        let param = match item.as_ref() {
            Shape::Uuid => decode::parse_uuid(value.trim()).map(Param::from),
            Shape::Integer { .. } => value.trim().parse::<i64>().ok().map(Param::from),
            _ => Some(value.into()),
        };
        let Some(param) = param else { continue };
        let sql = format!("SELECT {column} FROM {table} WHERE {column} = $1");
        if database.query_one(sql, vec![param]).await?.is_none() {
            let message = format!("Select a valid choice. {value} is not one of the available choices.");
            errors.add(filter.name, message);
            return Ok(());
        }
    }
    Ok(())
}
