//! The languages that pages speak, and how one is chosen for a visitor.

/// A language that the catalogue has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Locale(Language);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Language {
    #[default]
    English,
    German,
}

impl Locale {
    /// English, which is also what is spoken when nothing better is known.
    pub const EN: Self = Self(Language::English);
    /// German.
    pub const DE: Self = Self(Language::German);
    /// Every language of the catalogue.
    pub const ALL: [Self; 2] = [Self::EN, Self::DE];

    /// The language tag (BCP 47), as in `<html lang>` and `Content-Language`.
    pub const fn code(self) -> &'static str {
        match self.0 {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// The language of a tag such as `de`, `de-AT` or `de_DE`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|locale| locale.code().eq_ignore_ascii_case(primary))
    }
}

impl serde::Serialize for Locale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// The message catalogue as a whole.
#[derive(Debug)]
pub struct Catalogue;

impl Catalogue {
    /// Chooses a language: the user's own setting first, then the best of `Accept-Language` (RFC 9110, section 12.5.4),
    /// then English.
    pub fn negotiate(accept_language: Option<&str>, user_locale: Option<&str>) -> Locale {
        user_locale.and_then(Locale::from_tag).or_else(|| accept_language.and_then(best_accepted)).unwrap_or_default()
    }
}

/// The language of the highest weight; of equals the first.
fn best_accepted(header: &str) -> Option<Locale> {
    let mut best: Option<(Locale, f32)> = None;
    for range in header.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(text) => text.trim().parse().unwrap_or(0.0),
            None => 1.0,
        };
        let locale = if tag.trim() == "*" { Some(Locale::EN) } else { Locale::from_tag(tag.trim()) };
        if let Some(locale) = locale
            && weight > best.map_or(0.0, |(_, weight)| weight)
        {
            best = Some((locale, weight));
        }
    }
    best.map(|(locale, _)| locale)
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, Locale};

    fn accepted(header: &str) -> Locale {
        Catalogue::negotiate(Some(header), None)
    }

    #[test]
    fn the_browser_decides_by_weight_then_by_order() {
        assert_eq!(accepted("de-DE,de;q=0.9,en;q=0.8"), Locale::DE);
        assert_eq!(accepted("en;q=0.5, de;q=0.7"), Locale::DE);
        assert_eq!(accepted("en, de"), Locale::EN);
        assert_eq!(accepted("de-AT"), Locale::DE);
        assert_eq!(accepted("fr, de;q=0.3"), Locale::DE);
    }

    #[test]
    fn what_is_refused_or_unreadable_is_not_chosen() {
        assert_eq!(accepted("de;q=0"), Locale::EN);
        assert_eq!(accepted("de;q=lots"), Locale::EN);
        assert_eq!(accepted(""), Locale::EN);
        assert_eq!(accepted("fr, *"), Locale::EN);
        assert_eq!(accepted(",;;,q=,de"), Locale::DE);
    }

    #[test]
    fn the_users_own_language_comes_first() {
        assert_eq!(Catalogue::negotiate(Some("en"), Some("de_DE")), Locale::DE);
        assert_eq!(Catalogue::negotiate(Some("de"), Some("fr")), Locale::DE);
        assert_eq!(Catalogue::negotiate(Some("de"), Some("")), Locale::DE);
        assert_eq!(Catalogue::negotiate(None, None), Locale::EN);
    }
}
