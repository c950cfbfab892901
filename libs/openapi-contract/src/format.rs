//! Whether a text has a schema's format, loosely.

/// Whether `text` looks like `format`. A format not known here fits every text.
///
/// An empty `uri` or `email` fits: authentik's models leave both blank.
pub(crate) fn fits(format: &str, text: &str) -> bool {
    match format {
        "uuid" => is_uuid(text),
        "date" => is_date(text),
        "date-time" => is_date_time(text),
        "uri" => text.is_empty() || is_uri(text),
        "email" => text.is_empty() || is_email(text),
        _ => true,
    }
}

fn is_uuid(text: &str) -> bool {
    let mut lengths = [8, 4, 4, 4, 12].into_iter();
    let parts_fit = text
        .split('-')
        .all(|part| lengths.next() == Some(part.len()) && part.bytes().all(|character| character.is_ascii_hexdigit()));
    parts_fit && lengths.next().is_none()
}

/// A number of exactly so many digits, within its bounds.
fn is_number(text: Option<&str>, digits: usize, least: u16, most: u16) -> bool {
    text.filter(|text| text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|text| text.parse::<u16>().ok())
        .is_some_and(|number| (least..=most).contains(&number))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    is_number(parts.next(), 4, 0, 9999)
        && is_number(parts.next(), 2, 1, 12)
        && is_number(parts.next(), 2, 1, 31)
        && parts.next().is_none()
}

/// RFC 3339: a date, `T`, a time with or without a fraction, and always an offset.
fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else { return false };
    let time = if let Some(time) = rest.strip_suffix('Z') {
        time
    } else {
        let Some((time, offset)) = rest.rfind(['+', '-']).and_then(|at| rest.split_at_checked(at)) else {
            return false;
        };
        let mut parts = offset.trim_start_matches(['+', '-']).split(':');
        if !(is_number(parts.next(), 2, 0, 23) && is_number(parts.next(), 2, 0, 59) && parts.next().is_none()) {
            return false;
        }
        time
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = whole.split(':');
    is_date(date)
        && is_number(parts.next(), 2, 0, 23)
        && is_number(parts.next(), 2, 0, 59)
        && is_number(parts.next(), 2, 0, 60)
        && parts.next().is_none()
        && !fraction.is_empty()
        && fraction.bytes().all(|digit| digit.is_ascii_digit())
}

/// A scheme, a colon and something without white space.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|character| character.is_ascii_alphanumeric() || b"+-.".contains(&character))
        && !rest.is_empty()
        && !rest.contains(|character: char| character.is_whitespace() || character.is_control())
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::fits;

    fn check(format: &str, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(fits(format, text), "{text} is a {format}");
        }
        for text in bad {
            assert!(!fits(format, text), "{text} is no {format}");
        }
    }

    #[test]
    fn identifiers() {
        let good = ["0190163d-8694-739b-aea5-966c26f8ad91", "0190163D-8694-739B-AEA5-966C26F8AD91"];
        let bad =
            ["", "1", "0190163d8694739baea5966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad9g", "0190163d-8694-739b"];
        check("uuid", &good, &bad);
        check("uuid", &[], &["0190163d-8694-739b-aea5-966c26f8ad91-", "-0190163d-8694-739b-aea5-966c26f8ad91"]);
    }

    #[test]
    fn times() {
        check("date", &["2026-02-28"], &["", "2026-13-01", "2026-2-28", "2026-02-28T00:00:00Z", "2026-02-00"]);
        let good = ["2026-02-28T23:59:60Z", "2026-02-28T00:00:00.123456Z", "2026-02-28T00:00:00.1-02:30"];
        let bad = [
            "",
            "2026-02-28",
            "2026-02-28T00:00:00",
            "2026-02-28 00:00:00Z",
            "2026-02-28T24:00:00Z",
            "2026-02-28T00:00Z",
            "2026-02-28T00:00:00.Z",
            "2026-02-28T00:00:00+0200",
            "2026-02-28T00:00:00+25:00",
            "2026-02-28T00:00:00Zé",
        ];
        check("date-time", &good, &bad);
    }

    #[test]
    fn addresses() {
        check("uri", &["", "https://a.test/b?c", "ldaps://a.test", "urn:a:b"], &["a", "/a", "https:", "1a:b", "a:b c"]);
        check("email", &["", "a@b.test", "a@b"], &["a", "@b", "a@", "a b@c"]);
        check("other", &["", "a"], &[]);
    }
}
