//! Sources: where users may come from besides this server's own directory. One folder a kind.
//!
//! A source is stored and referred to; signing in through it comes later, so no page shows one yet.

mod built_in;
mod connections;
mod oauth;
mod source;
#[cfg(test)]
mod tests;

pub use built_in::ensure_built_in;
pub use oauth::{CodeAuthentication, OAuthSource, Pkce, ProviderType};
pub use source::{GroupMatchingMode, SOURCES, SourceBase, UserMatchingMode};

use vestibule_resource::{Family, Kind, Operation};

/// Every kind of source and of connection to one, as a resource.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![built_in::kind(), oauth::kind()];
    kinds.extend(connections::kinds());
    kinds
}

/// The family of all sources.
pub fn families() -> Vec<&'static Family> {
    vec![&SOURCES]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    source::operations()
}
