//! From an expression to a condition in SQL, with a parameter for every value and every name inside of JSON.

use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde_json::json;
use vestibule_kernel::fold::{escape_like, fold};
use vestibule_store::Param;

use super::fields::Searchable;
use super::parser::{Comparison, Expression, Operator, Value};
use crate::decode::{parse_time, parse_uuid};
use crate::field::{Field, Shape};
use crate::kind::Kind;

/// A condition, with `$?` where the next parameter goes.
type Condition = (String, Vec<Param>);

/// The condition; `None`: a field does not exist, or cannot be compared so.
pub(super) fn compile(kind: &Kind, expression: &Expression) -> Option<Condition> {
    let both = |left, word, right| {
        let ((left, mut params), (right, more)) = (compile(kind, left)?, compile(kind, right)?);
        params.extend(more);
        Some((format!("({left} {word} {right})"), params))
    };
    match expression {
        Expression::And(left, right) => both(left, "AND", right),
        Expression::Or(left, right) => both(left, "OR", right),
        Expression::Comparison(comparison) => compare(kind, comparison),
    }
}

fn compare(kind: &Kind, comparison: &Comparison) -> Option<Condition> {
    let (name, inside) = comparison.path.split_first()?;
    let searchable = kind.spec.searchable.iter().find(|searchable| searchable.name == *name)?;
    let field = kind.field(searchable.field)?;
    let one = |value: &Value| one(searchable, field, inside, comparison.operator, value);
    let mut conditions = Vec::new();
    let mut params = Vec::new();
    for (sql, more) in comparison.values.iter().map(one).collect::<Option<Vec<_>>>()? {
        conditions.push(format!("({sql})"));
        params.extend(more);
    }
    let not = if comparison.negated { "NOT " } else { "" };
    Some((format!("{not}({})", conditions.join(" OR ")), params))
}

/// The comparison with one value.
fn one(
    searchable: &Searchable,
    field: &Field,
    inside: &[String],
    operator: Operator,
    value: &Value,
) -> Option<Condition> {
    if matches!(field.shape, Shape::Map | Shape::Json) {
        return json_value(field.column, inside, operator, value);
    }
    if !inside.is_empty() {
        return None;
    }
    let column = field.column;
    match (value, &field.shape) {
        (Value::Nothing, _) => searchable.nullable.then(|| (format!("{column} IS NULL"), vec![])),
        (Value::Boolean(wanted), Shape::Boolean) => Some((format!("{column} = $?"), vec![(*wanted).into()])),
        (Value::Text(text), Shape::Time) => time(column, operator, text),
        (Value::Text(text), Shape::Uuid) if operator == Operator::Is => {
            Some((format!("{column} = $?"), vec![parse_uuid(text)?.into()]))
        }
        (Value::Text(text), Shape::Text { .. }) => Some(text_column(field, operator, text)),
        (Value::Text(text), Shape::Choice(choices)) => {
            // What people call a choice is understood as well.
            let known = choices.values.iter().find(|(value, label)| value == text || label == text);
            Some(text_column(field, operator, known.map_or(text, |(value, _)| *value)))
        }
        _ => None,
    }
}

/// The sign of an operator that compares by order.
fn sign(operator: Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::Is => "=",
        Operator::Greater => ">",
        Operator::AtLeast => ">=",
        Operator::Less => "<",
        Operator::AtMost => "<=",
        Operator::Contains | Operator::Begins | Operator::Ends => return None,
    })
}

fn text_column(field: &Field, operator: Operator, text: &str) -> Condition {
    let column = field.column;
    match sign(operator) {
        Some(sign) => (format!("{column} {sign} $?"), vec![text.into()]),
        None if field.folded => {
            (format!("{column}_folded LIKE $? ESCAPE '\\'"), vec![pattern(operator, &fold(text)).into()])
        }
        None => loose(column, operator, text),
    }
}

/// A text without a folded column beside it: whatever the case of its ASCII letters.
fn loose(text_sql: &str, operator: Operator, text: &str) -> Condition {
    let sql = format!("LOWER({text_sql}) LIKE LOWER($?) ESCAPE '\\'");
    (sql, vec![pattern(operator, text).into()])
}

fn pattern(operator: Operator, text: &str) -> String {
    let text = escape_like(text);
    match operator {
        Operator::Begins => format!("{text}%"),
        Operator::Ends => format!("%{text}"),
        _ => format!("%{text}%"),
    }
}

/// A value inside of JSON. What is not there is neither equal nor unequal.
fn json_value(column: &str, inside: &[String], operator: Operator, value: &Value) -> Option<Condition> {
    let (_, way) = inside.split_last()?;
    let names: Vec<Param> = inside.iter().map(|name| name.as_str().into()).collect();
    let parent = format!("{{json}}{column}{{/json}}{}", " -> {name}$?{/name}".repeat(way.len()));
    let value_sql = format!("{parent} -> {{name}}$?{{/name}}");
    let text_sql = format!("CAST({parent} ->> {{name}}$?{{/name}} AS TEXT)");
    let with = |value: Param| [names.clone(), vec![value]].concat();
    let equal =
        |value: serde_json::Value| Some((format!("{value_sql} = {{json}}$?{{/json}}"), with(value.to_string().into())));
    match (operator, value) {
        (Operator::Is, Value::Text(text)) => equal(json!(text)),
        (Operator::Is, Value::Boolean(wanted)) => equal(json!(wanted)),
        (Operator::Is, Value::Nothing) => {
            let sql = format!("{value_sql} IS NULL OR {value_sql} = {{json}}'null'{{/json}}");
            Some((sql, [names.clone(), names].concat()))
        }
        (operator, Value::Integer(_) | Value::Number(_)) => {
            let number = match value {
                Value::Integer(number) => number.to_string().parse().ok()?,
                Value::Number(number) => *number,
                _ => return None,
            };
            let sign = sign(operator)?;
            Some((format!("{{number}}{value_sql}{{/number}} {sign} $?"), with(Param::Float(Some(number)))))
        }
        (operator, Value::Text(text)) => match sign(operator) {
            Some(sign) => Some((format!("{text_sql}{{bytewise}} {sign} $?"), with(text.as_str().into()))),
            None => {
                let (sql, params) = loose(&text_sql, operator, text);
                Some((sql, [names, params].concat()))
            }
        },
        _ => None,
    }
}

/// A moment; `~` asks for everything within a year, month, day or minute.
fn time(column: &str, operator: Operator, text: &str) -> Option<Condition> {
    if operator == Operator::Contains {
        let (from, to) = span(text)?;
        return Some((format!("{column} >= $? AND {column} < $?"), vec![from.into(), to.into()]));
    }
    Some((format!("{column} {} $?", sign(operator)?), vec![moment(text)?.into()]))
}

/// `2026-11-25`, with hours, minutes and seconds where they are given; or a moment as the API writes it.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let minute = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok();
    let second = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
    let local = day().or_else(minute).or_else(second).map(|time| time.and_utc());
    local.or_else(|| parse_time(text))
}

fn span(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let length = text.len();
    let from = match length {
        4 => moment(&format!("{text}-01-01"))?,
        7 => moment(&format!("{text}-01"))?,
        10 | 16 | 19 => moment(text)?,
        _ => return None,
    };
    let to = match length {
        4 => from.checked_add_months(Months::new(12))?,
        7 => from.checked_add_months(Months::new(1))?,
        10 => from.checked_add_signed(TimeDelta::days(1))?,
        16 => from.checked_add_signed(TimeDelta::minutes(1))?,
        _ => from.checked_add_signed(TimeDelta::seconds(1))?,
    };
    Some((from, to))
}
