//! From page to page of a list.

use serde_json::{Value, json};

use crate::content::part;

/// A path with parameters.
pub(crate) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Where the pages before and after lead, and which one this is: from an answer of the API and the parameters to keep.
pub(crate) fn links(path: &str, kept: &[(&str, &str)], answer: &Value) -> Value {
    let pagination = part(answer, "pagination");
    let to = |name: &str| {
        let page = pagination[name].as_u64().filter(|page| *page > 0)?;
        let kept = kept.iter().filter(|(_, text)| !text.is_empty());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept).append_pair("page", &page.to_string());
        Some(format!("{path}?{}", query.finish()))
    };
    json!({
        "previous": to("previous"), "next": to("next"), "count": part(pagination, "count"),
        "from": part(pagination, "start_index"), "to": part(pagination, "end_index"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::links;

    #[test]
    fn what_was_searched_for_is_kept() {
        let answer = json!({"pagination": {"next": 3, "previous": 1, "count": 60, "start_index": 26, "end_index": 50}});
        let shown = links("/x/", &[("search", "a&b"), ("status", "")], &answer);
        assert_eq!(shown["next"], "/x/?search=a%26b&page=3");
        assert_eq!(shown["previous"], "/x/?search=a%26b&page=1");
        let last = json!({"pagination": {"next": 0, "previous": 0}});
        assert!(links("/x/", &[], &last)["next"].is_null());
    }
}
