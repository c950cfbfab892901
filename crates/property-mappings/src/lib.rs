//! Property mappings: expressions that make the attributes which are handed on to an application, or taken from a source.
//!
//! A mapping can be tried out; whoever needs its attributes runs it by [`Mappings`].

mod evaluate;
mod mapping;
pub mod provider;
pub mod source;
mod test;

pub use evaluate::{MappingFailure, Mappings};
pub use mapping::{MappingBase, PROPERTY_MAPPINGS};
pub use provider::ScopeMapping;

use vestibule_resource::{Family, Kind, Operation};

/// Every kind of mapping.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = provider::kinds();
    kinds.extend(source::kinds());
    kinds
}

/// The family of all mappings.
pub fn families() -> Vec<&'static Family> {
    vec![&PROPERTY_MAPPINGS]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    mapping::operations()
}
