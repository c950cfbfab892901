//! Pages of lists: how long they are, and which one a query asks for.

use serde_json::{Value, json};
use vestibule_kernel::ApiError;
use vestibule_store::{Configuration, Index};

use crate::http::Query;

/// Objects on a page unless the client asks for another number, and at most.
const PAGE_SIZE: usize = 20;
const PAGE_SIZE_MAX: usize = 100;

/// How long pages are, as the settings say.
pub(crate) struct PageSizes {
    usual: usize,
    most: usize,
}

impl Index for PageSizes {
    fn build(configuration: &Configuration) -> Self {
        let settings = configuration.documents("authentik_tenants.tenant").next();
        let size = |name: &str, fallback: usize| {
            let set = settings.and_then(|settings| settings.value.get(name)).and_then(Value::as_u64);
            set.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(fallback)
        };
        let most = size("pagination_max_page_size", PAGE_SIZE_MAX).min(MOST_EVER);
        Self { usual: size("pagination_default_page_size", PAGE_SIZE).min(most), most }
    }
}

/// Whatever the settings say, no page is longer: a page is made in memory.
const MOST_EVER: usize = 10_000;

/// How long a page is that a query asks for.
fn size(configuration: &Configuration, query: &Query) -> usize {
    let sizes = configuration.index::<PageSizes>();
    let size = query.get("page_size").map_or(0, |text| whole(text.trim()));
    if size == 0 { sizes.usual } else { size.min(sizes.most) }
}

/// The page that a query asks for, if it says which without knowing how many there are.
pub(crate) fn asked(configuration: &Configuration, query: &Query) -> Option<std::ops::Range<usize>> {
    let current = match query.get("page") {
        None | Some("") => 1,
        Some(text) => text.trim().parse::<usize>().ok().filter(|page| *page > 0)?,
    };
    let size = size(configuration, query);
    let start = (current - 1).checked_mul(size)?;
    // What no database counts up to is no page.
    Some(start..start.checked_add(size)?).filter(|range| i64::try_from(range.end).is_ok())
}

/// Which objects of `count` the query asks for, and the `pagination` of the answer.
pub fn page(
    configuration: &Configuration,
    query: &Query,
    count: usize,
) -> Result<(std::ops::Range<usize>, Value), ApiError> {
    let size = size(configuration, query);
    let total = count.div_ceil(size).max(1);
    let invalid = || ApiError::NotFound("Invalid page.".into());
    let current = match query.get("page") {
        None | Some("") => 1,
        Some("last") => total,
        Some(text) => text.trim().parse::<usize>().map_err(|_| invalid())?,
    };
    if current == 0 || current > total {
        return Err(invalid());
    }
    let start = (current - 1) * size;
    let end = (start + size).min(count);
    let pagination = json!({
        "next": if current < total { current + 1 } else { 0 },
        "previous": current - 1,
        "count": count,
        "current": current,
        "total_pages": total,
        "start_index": if count == 0 { 0 } else { start + 1 },
        "end_index": end,
    });
    Ok((start..end, pagination))
}

/// A whole number; one out of reach is the largest within, what is none is 0.
fn whole(text: &str) -> usize {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if digits { text.parse().unwrap_or(usize::MAX) } else { 0 }
}
