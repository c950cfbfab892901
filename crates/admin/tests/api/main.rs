//! What administrators see of the server and tell it, asked through the API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends when something is wrong")]

mod app;
mod events;
mod files;
mod notifications;
mod security;
mod settings;
mod system;
mod tasks;
