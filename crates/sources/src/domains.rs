//! Whose e-mail addresses belong to a source ("home realm"): whoever types one is sent there.

use serde_json::Value;
use uuid::Uuid;
use vestibule_kernel::FieldErrors;
use vestibule_resource::{Fields, Kind, Resource, Spec, Validation};
use vestibule_store::DocumentType;

/// A domain of e-mail addresses that belong to a source.
#[derive(Clone, Debug, Fields)]
pub struct SourceDomain {
    /// Key.
    #[field(read_only)]
    pub pk: Uuid,
    /// The domain: what follows the `@`. Upper and lower case are the same.
    #[field(unique = "This domain belongs to a source already.", max = 253)]
    pub domain: String,
    /// The source. An identification stage sends people there if it shows the source.
    #[field(references = "authentik_core.source", on_delete = Cascade)]
    pub source: Uuid,
}

impl DocumentType for SourceDomain {
    const KIND: &'static str = "vestibule_sources.sourcedomain";
}

impl Resource for SourceDomain {
    fn spec() -> Spec {
        Spec::new("/api/vestibule/v1/source_domains", Self::KIND, "SourceDomain")
            .verbose("Domain of a source", "Domains of sources")
            .lookup("pk", "source_domain_uuid")
            .filter(&["domain", "source"])
            .search(&["domain"])
            .order(&["domain"])
            .describe(|object| object.get("domain").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn validate(cx: &Validation<'_>, errors: &mut FieldErrors) {
        let domain = cx.text("domain");
        if !domain.is_empty() && !is_domain(domain) {
            errors.add("domain", "Enter a domain in lower case, such as example.com.");
        }
    }
}

/// Labels of letters, digits and hyphens (RFC 1123, section 2.1), as they are compared: in lower case.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter == '-' || (letter.is_alphanumeric() && !letter.is_uppercase()))
    };
    text.split('.').all(is_label)
}

/// The kind.
pub(crate) fn kind() -> Kind {
    Kind::document::<SourceDomain>()
}

#[cfg(test)]
mod tests {
    use super::is_domain;

    #[test]
    fn domains_are_labels_in_lower_case() {
        for good in ["example.com", "a", "x-1.example", "bücher.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in ["Example.com", "@example.com", "example..com", ".com", "-a.com", "a b", "a/b", ""] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
