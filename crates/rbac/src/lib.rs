//! Who may do what: roles, the permissions they have over every object or over single ones, and who has the roles.
//!
//! A user has roles of their own, and those of their groups and of every group above these. Nobody gives away more than
//! they have: every path to a role or a permission passes [`guard`].

mod app;
mod assign;
mod assigned;
pub mod entry;
mod grant;
mod initial;
mod permission;
mod role;

use vestibule_resource::{Kind, Operation};

pub use app::verbose_name;
pub use grant::{Holder, assign_to_user, exceeds, guard, holdings_sql, own_role, roles_of, unassign_from_user};
pub use role::Role;

/// Every kind of this crate.
pub fn kinds() -> Vec<Kind> {
    vec![initial::kind(), role::kind()]
}

/// Every operation of this crate that belongs to no kind.
pub fn operations() -> Vec<Operation> {
    [permission::operations(), assigned::operations(), assign::operations()].concat()
}
