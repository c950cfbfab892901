//! The server: everything the other crates offer, put together, and the commands of the `vestibule` program.
//!
//! [`registry`] is the only place that names every family. [`start`] opens the data and makes what a first start needs,
//! [`http`] surrounds every request, [`command`] is the program.

pub mod command;
mod geoip;
pub mod http;
mod jobs;
mod logging;
mod login_link;
pub mod registry;
mod secret_key;
pub mod serve;
pub mod settings;
pub mod start;
#[cfg(test)]
mod test_support;
