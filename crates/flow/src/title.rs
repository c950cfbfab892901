//! A flow's title with its places filled in: `%(app)s` is the application that somebody wants to reach, `%(user)s` who
//! walks through the flow, `%%` a per cent sign.

/// The title, filled in; as it is where it holds anything else after a per cent sign.
pub(crate) fn filled(title: &str, application: &str, user: &str) -> String {
    fill(title, application, user).unwrap_or_else(|| title.to_owned())
}

fn fill(title: &str, application: &str, user: &str) -> Option<String> {
    let mut filled = String::with_capacity(title.len());
    let mut rest = title;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        let places = [("%", "%"), ("(app)s", application), ("(user)s", user)];
        let (text, tail) = places.iter().find_map(|(place, text)| Some((*text, after.strip_prefix(place)?)))?;
        filled.push_str(text);
        rest = tail;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn places_are_filled_once_and_other_titles_stay_as_they_are() {
        assert_eq!(filled("On to %(app)s, %(user)s: 100%%", "Wiki", "%(app)s"), "On to Wiki, %(app)s: 100%");
        for title in ["50% off", "%(nobody)s", "%", "%(app)d and %(app)s", "Plain"] {
            assert_eq!(filled(title, "Wiki", "alice"), title);
        }
    }
}
