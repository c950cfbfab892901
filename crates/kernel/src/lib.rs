//! What everything else stands on: time and randomness as arguments, errors, actors, settings, secrets, addresses.
//! No input or output happens here, apart from the one clock and the one generator that a running server uses.

pub mod actor;
pub mod address;
pub mod context;
pub mod duration;
pub mod error;
pub mod fold;
pub mod requeue;
pub mod secret;
pub mod settings;

pub use actor::Actor;
pub use context::Ctx;
pub use error::{ApiError, FieldErrors};

/// A JSON object, keys in the order in which they were written.
pub type Object = serde_json::Map<String, serde_json::Value>;
