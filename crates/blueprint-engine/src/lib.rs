//! Blueprints against the store: applied in one change, planned without one, kept as instances, watched in a folder; and
//! the configuration written as one.
//!
//! [`Applier`] does the work: it reads entries, asks the store through their tags, and writes as the principal it was
//! given. Everything else calls it: [`import`], [`plan`], [`instance`], [`watch`] and [`apply_defaults`]. The format
//! itself is `vestibule-blueprints`, which knows no store.

mod apply;
mod beyond;
mod defaults;
mod edit;
mod error;
pub mod export;
mod identify;
mod import;
pub mod instance;
mod library;
mod links;
mod lookup;
mod meta;
mod names;
mod permissions;
pub mod plan;
#[cfg(test)]
mod tests;
mod transfer;
mod wanted;
mod watch;

pub use apply::Applier;
pub use defaults::apply_defaults;
pub use error::{Applied, ApplyError};
pub use library::{Environment, File, Library, Origin};
pub use transfer::{apply_all, plan_all};
pub use watch::{discover, watch};

use vestibule_resource::{Kind, Operation, Principal};

/// The server itself, as one who writes.
pub fn system() -> Principal {
    let here = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    Principal { actor: vestibule_kernel::Actor::System, superuser: true, ..Principal::anonymous(here) }
}

/// The server itself at its first start: what it brings along is no news, so no event tells of it.
pub fn first_start() -> Principal {
    let mut principal = system();
    principal.request.quiet = true;
    principal
}

/// The kind of blueprint instances.
pub fn kinds() -> Vec<Kind> {
    vec![Kind::document::<instance::BlueprintInstance>()]
}

/// Operations that belong to no resource.
pub fn operations() -> Vec<Operation> {
    vec![import::operation(), plan::operation()]
}
