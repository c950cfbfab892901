//! What expressions see of this server: users, groups, requests, and the functions that ask the directory or others.

mod check;
mod circumstances;
mod document;
mod documents;
mod entitlement;
mod event;
mod group;
mod host;
mod jwt;
mod model;
mod outside;
mod request;
mod save;
pub mod send_email;
mod user;

pub use check::python;
pub use circumstances::{Circumstances, Withheld};
pub use document::DocumentObject;
pub use group::{GroupObject, Groups};
pub use host::DirectoryHost;
pub use outside::{Outside, ProviderName, TokenMaker};
pub use request::{HttpRequestObject, RequestObject};
pub use user::UserObject;

use vestibule_expression::Failure;
use vestibule_store::StoreError;

/// What a program is told when the database fails: nothing of its words.
pub fn database_failed(error: StoreError) -> Failure {
    tracing::warn!(error = %error, "an expression could not ask the database");
    Failure::runtime("the database did not answer")
}
