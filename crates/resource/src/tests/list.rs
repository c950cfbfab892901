//! Lists: pages, order, search, filters.

use serde_json::{Value, json};

use crate::field::{OnDelete, Shape};
use crate::http::Query;
use crate::list::{filter_value, order, terms};
use crate::page::page;

fn paged(query: &str, count: usize) -> Result<(std::ops::Range<usize>, Value), Value> {
    page(&vestibule_store::Configuration::default(), &Query::parse(query), count).map_err(|error| error.body())
}

fn pagination(numbers: [usize; 7]) -> Value {
    let [next, previous, count, current, total_pages, start_index, end_index] = numbers;
    json!({
        "next": next, "previous": previous, "count": count, "current": current,
        "total_pages": total_pages, "start_index": start_index, "end_index": end_index,
    })
}

#[test]
fn pages_are_counted_as_recorded() {
    for (query, count, range, numbers) in [
        ("page_size=2", 22, 0..2, [2, 0, 22, 1, 11, 1, 2]),
        ("page_size=2&page=2", 22, 2..4, [3, 1, 22, 2, 11, 3, 4]),
        ("page=last&page_size=2", 22, 20..22, [0, 10, 22, 11, 11, 21, 22]),
        ("page_size=0", 22, 0..20, [2, 0, 22, 1, 2, 1, 20]),
        ("page_size=-5", 22, 0..20, [2, 0, 22, 1, 2, 1, 20]),
        ("page_size=abc", 22, 0..20, [2, 0, 22, 1, 2, 1, 20]),
        ("page_size=100000", 22, 0..22, [0, 0, 22, 1, 1, 1, 22]),
        ("page_size=99999999999999999999999", 22, 0..22, [0, 0, 22, 1, 1, 1, 22]),
        ("page_size=3", 22, 0..3, [2, 0, 22, 1, 8, 1, 3]),
        ("page=8&page_size=3", 22, 21..22, [0, 7, 22, 8, 8, 22, 22]),
        ("", 0, 0..0, [0, 0, 0, 1, 1, 0, 0]),
        ("page=last", 0, 0..0, [0, 0, 0, 1, 1, 0, 0]),
        ("page=", 1, 0..1, [0, 0, 1, 1, 1, 1, 1]),
    ] {
        assert_eq!(paged(query, count), Ok((range, pagination(numbers))), "{query}");
    }
}

#[test]
fn a_page_that_is_not_there_is_not_found() {
    for query in ["page=9999", "page=0", "page=abc", "page=-1", "page=1.5", "page=2&page_size=22"] {
        assert_eq!(paged(query, 22), Err(json!({ "detail": "Invalid page." })), "{query}");
    }
    assert!(paged("page=2", 0).is_err());
}

#[test]
fn the_order_is_what_is_asked_for_of_what_is_known() {
    let known = |name: &str| ["name", "pk"].contains(&name);
    let order = |query: &str| order(&Query::parse(query), &["name"], &known);
    let by = |name: &str, descending| (name.to_owned(), descending);
    assert_eq!(order(""), [by("name", false)]);
    assert_eq!(order("ordering=-name"), [by("name", true)]);
    assert_eq!(order("ordering=bogus"), [by("name", false)]);
    assert_eq!(order("ordering=-pk,bogus, name"), [by("pk", true), by("name", false)]);
    assert_eq!(order("ordering=--name"), [by("name", false)]);
}

#[test]
fn search_is_by_words_folded() {
    assert_eq!(terms(&Query::parse("search=+Ärger,%20X%00y+")), ["ärger", "x", "y"]);
    assert_eq!(terms(&Query::parse("search=")), Vec::<String>::new());
}

#[test]
fn filters_read_their_type() {
    let uuid = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    for (shape, text, expected) in [
        (Shape::Boolean, "True", Ok(Some(json!(true)))),
        (Shape::Boolean, "1", Ok(Some(json!(true)))),
        (Shape::Boolean, "banana", Ok(None)),
        (Shape::Uuid, "3FA85F64-5717-4562-B3FC-2C963F66AFA6", Ok(Some(json!(uuid)))),
        (Shape::Uuid, "abc", Err("“abc” is not a valid UUID.".to_owned())),
        (Shape::INTEGER, "7", Ok(Some(json!(7)))),
        (Shape::INTEGER, "x", Err("Enter a number.".to_owned())),
        (Shape::INTEGER, "nan", Err("Enter a number.".to_owned())),
        (Shape::INTEGER, "inf", Err("Enter a number.".to_owned())),
        (Shape::Reference("authentik_core.user", OnDelete::Cascade), "7", Ok(Some(json!(7)))),
        (
            Shape::Reference("authentik_core.user", OnDelete::Cascade),
            "x",
            Err("Select a valid choice. That choice is not one of the available choices.".to_owned()),
        ),
        (Shape::Time, "2026-01-02 03:04", Ok(Some(json!("2026-01-02T03:04:00.000000Z")))),
        (Shape::Time, "soon", Err("Enter a valid date/time.".to_owned())),
        (Shape::TEXT, "x", Ok(Some(json!("x")))),
        (Shape::Uuid.list(), uuid, Ok(Some(json!([uuid])))),
    ] {
        assert_eq!(filter_value(&shape, text), expected, "{shape:?} {text}");
    }
}
