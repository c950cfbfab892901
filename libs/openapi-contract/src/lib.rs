//! Holds a server's OpenAPI document against authentik's official one, and its answers against their schema.
//!
//! A development tool, for tests: [`compare()`] says which operations of the official document ours has exactly,
//! [`validate()`] whether a JSON answer is what its schema promises. Both read OpenAPI 3.0 (`nullable`) and 3.1
//! (`type: [x, "null"]`) alike. The crate reads no environment and no network.

mod compare;
mod document;
mod format;
mod official;
mod report;
mod shape;
mod validate;
mod yaml;

pub use compare::{ENTERPRISE, Options, compare};
pub use document::Document;
pub use official::official_schema_path;
pub use report::{Report, Row};
pub use validate::validate;
pub use yaml::{LoadError, load_yaml};
