//! What this crate serves.

pub mod avatar;
pub mod brand;
mod fields;
pub mod group;
mod merged;
mod roles;
mod session;
pub mod settings;
pub mod system;
pub mod token;
pub mod user;

use vestibule_resource::{Kind, Operation};

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    vec![
        user::kind(),
        group::kind(),
        token::kind(),
        session::kind(),
        brand::kind(),
        settings::kind(),
        crate::identifiers::kind(),
    ]
}

/// Every operation of this crate that belongs to no kind.
pub fn operations() -> Vec<Operation> {
    let mut operations = system::operations();
    operations.extend(settings::operations());
    operations.extend(crate::identifiers::operations());
    operations
}
