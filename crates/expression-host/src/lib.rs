//! What expressions see of this server: users, groups, requests, and the functions that ask the directory or others.

mod check;
mod circumstances;
mod document;
mod entitlement;
mod event;
mod group;
mod host;
mod model;
mod request;
mod save;
mod user;

pub use check::python;
pub use circumstances::Circumstances;
pub use document::DocumentObject;
pub use group::{GroupObject, Groups};
pub use host::DirectoryHost;
pub use request::{HttpRequestObject, RequestObject};
pub use user::UserObject;

use vestibule_expression::Failure;
use vestibule_store::StoreError;

/// What a program is told when the database fails: nothing of its words.
pub fn database_failed(error: StoreError) -> Failure {
    tracing::warn!(error = %error, "an expression could not ask the database");
    Failure::runtime("the database did not answer")
}
