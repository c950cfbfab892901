//! Takes templates and pages apart, just far enough for the tests.

/// A template without its syntax: comments, statements and expressions each become one space.
pub(crate) fn without_syntax(template: &str) -> String {
    let mut plain = String::new();
    let mut rest = template;
    while let Some((at, end)) = [("{#", "#}"), ("{%", "%}"), ("{{", "}}")]
        .iter()
        .filter_map(|(start, end)| rest.find(start).map(|at| (at, *end)))
        .min_by_key(|(at, _)| *at)
    {
        plain.push_str(&rest[..at]);
        plain.push(' ');
        rest = rest[at..].split_once(end).expect("syntax that ends").1;
    }
    plain + rest
}

/// The statements and expressions of a template, without its comments.
pub(crate) fn syntax(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((at, end)) = [("{#", "#}"), ("{%", "%}"), ("{{", "}}")]
        .iter()
        .filter_map(|(start, end)| rest.find(start).map(|at| (at, *end)))
        .min_by_key(|(at, _)| *at)
    {
        let (inside, after) = rest[at + 2..].split_once(end).expect("syntax that ends");
        if end != "#}" {
            found.push(inside);
        }
        rest = after;
    }
    found
}

/// Splits markup into what is between tags and the tags themselves (without their brackets).
pub(crate) fn split_tags(markup: &str) -> (String, Vec<String>) {
    let (mut text, mut tags) = (String::new(), Vec::new());
    let mut rest = markup;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let mut quoted = false;
        let end = after.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        });
        let end = end.map_or_else(|| panic!("a tag that ends: {}", &after[..after.len().min(80)]), |(at, _)| at);
        tags.push(after[..end].to_owned());
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    (text, tags)
}

/// The name of a tag; that of a closing one begins with a slash.
pub(crate) fn name(tag: &str) -> &str {
    tag.split([' ', '\n']).next().unwrap_or_default()
}

/// The value of a tag's attribute; empty for one without a value.
pub(crate) fn attribute<'a>(tag: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = tag.split_once([' ', '\n'])?.1;
    loop {
        rest = rest.trim_start();
        let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() {
            return None;
        }
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(after) => {
                let (value, after) = after.split_once('"').expect("a quoted value");
                rest = after;
                value
            }
            None => "",
        };
        if name == wanted {
            return Some(value);
        }
    }
}

/// Character references removed.
pub(crate) fn without_entities(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        rest = after.split_once(';').map_or(after, |(_, tail)| tail);
    }
    plain + rest
}
