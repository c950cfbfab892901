//! The engine's parts, each by itself.

mod decode;
mod http;
mod list;
