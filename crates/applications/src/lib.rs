//! Applications: what people sign in to, who may, and the providers that speak to them. A provider's own protocol is in
//! a crate of its own.

pub mod access;
mod application;
mod consent;
mod entitlement;
mod launch;
pub mod object_attribute;
mod provider;
pub mod schema;
pub mod shown;
mod transactional;

pub use application::{APPLICATION, Application, tile};
pub use consent::UserConsent;
pub use entitlement::ApplicationEntitlement;
pub use provider::{PROVIDERS, ProviderBase, application_of};

use vestibule_resource::{Family, Kind, Operation};

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    vec![
        Kind::document::<Application>(),
        Kind::document::<ApplicationEntitlement>(),
        consent::kind(),
        Kind::document::<object_attribute::ObjectAttribute>(),
    ]
}

/// The family of all providers.
pub fn families() -> Vec<&'static Family> {
    vec![&PROVIDERS]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    let mut operations = provider::operations();
    operations.extend(transactional::operations());
    operations
}
