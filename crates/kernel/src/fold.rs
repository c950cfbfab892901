//! Case folding for search, matching and ordering: done here once, so that both databases agree on `Ü`.

/// The text as it is compared without regard to case: full Unicode lower case of every character, with `ß` and
/// final sigma folded as caseless matching wants them (Unicode 3.13, default caseless matching, simplified).
pub fn fold(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            'ß' | 'ẞ' => Folded::Two('s'),
            'ς' => Folded::One('σ'),
            other => Folded::Lower(other.to_lowercase()),
        })
        .collect()
}

enum Folded {
    One(char),
    Two(char),
    Lower(std::char::ToLowercase),
    Done,
}

impl Iterator for Folded {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::Lower(rest) => rest.next(),
            Self::Done => None,
            Self::One(c) => {
                let c = *c;
                *self = Self::Done;
                Some(c)
            }
            Self::Two(c) => {
                let c = *c;
                *self = Self::One(c);
                Some(c)
            }
        }
    }
}

/// Escapes `%`, `_` and `\` of a text that becomes part of a `LIKE ... ESCAPE '\'` pattern.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_beyond_ascii() {
        assert_eq!(fold("ÜBER Straße ΣΑΣ"), fold("über STRASSE σας"));
        assert_eq!(fold("Alice"), "alice");
    }

    #[test]
    fn patterns_are_literal() {
        assert_eq!(escape_like(r"50%_\"), r"50\%\_\\");
    }
}
