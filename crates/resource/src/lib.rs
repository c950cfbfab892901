//! A resource is declared once; its API, its errors, its permissions, its schema and its storage follow from it.
//!
//! A struct with `#[derive(Fields)]` is the declaration of the data, [`Resource`] names it and says how it behaves,
//! [`Kind`] is the same without its type, and the engine serves kinds.

pub mod access;
mod among;
mod audit;
pub mod call;
mod decode;
mod engine;
mod event_action;
mod field;
mod filter;
pub mod http;
mod kind;
mod language;
mod list;
mod models;
pub mod object_permission;
pub mod openapi;
mod options;
mod page;
mod permission;
mod registry;
mod related;
mod represent;
mod restore;
mod search;
pub mod shapes;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod used_by;
mod value;
mod write;

pub use access::{Authenticate, Principal, SIGN_IN_AGAIN};
pub use audit::{difference, name_object, write_failure};
pub use call::{Api, Call, Handler, Operation, Parameter};
pub use decode::{decode_boolean, parse_time, python_type};
pub use engine::routes;
pub use event_action::EventAction;
pub use field::{Access, Choices, Compute, Field, Format, OnDelete, Shape};
pub use filter::{ConfigurationFilter, DocumentFilter, Filter, Lookup, QueryFilter, SqlFilter};
pub use kind::{Family, Hooks, Kind, Resource, Storage, Verb};
pub use language::{Fault, Language};
pub use list::{exists, memory_list, selection};
pub use models::MODELS;
pub use object_permission::ObjectKey;
pub use page::page;
pub use permission::Permission;
pub use registry::Registry;
pub use represent::Represent;
pub use restore::{Restored, Wanted, restore};
pub use search::{Inside, Searchable, Suggest, row_matches};
pub use serde_json::Value as __Value;
pub use serde_json::json;
pub use spec::Spec;
pub use table::{find, load_next, load_one, load_where, select};
pub use value::{Computed, FieldValue, Fields, read_field};
pub use vestibule_kernel::{FieldErrors, Object};
pub use vestibule_resource_derive::Fields;
pub use write::{Mode, Validation, WriteCx, delete_object, write_object};
