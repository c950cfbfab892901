//! Blueprints: the YAML format that describes objects, read, resolved and written. Pure: text in, values out.
//!
//! The way of a file: [`yaml::parse`] makes a tree of [`yaml::Node`]s with lines, [`Blueprint::parse`] gives that
//! tree its shape, [`tags::resolve`] turns the nodes of an entry into JSON, asking the database through
//! [`tags::Lookup`]. Back again, [`write::write`] prints a [`write::Output`] so that both YAML 1.1 and YAML 1.2 readers
//! see what was meant.
//!
//! What is absent: no database, no file system, no environment, no clock.

pub mod blueprint;
pub mod defaults;
pub mod error;
pub mod tags;
pub mod write;
pub mod yaml;

pub use blueprint::{Blueprint, Entry, Metadata, Permission, State};
pub use defaults::{defaults, examples, shipped};
pub use error::BlueprintError;
pub use tags::{Context, Key, Lookup, Scope, resolve};
pub use write::Output;
pub use yaml::{Node, NodeValue};
