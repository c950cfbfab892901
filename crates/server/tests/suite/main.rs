//! The whole server, from the outside: what every resource, every operation and every stage must hold.
//!
//! Runs on SQLite, and with `VESTIBULE_TEST_DATABASE=postgres` on the server that `VESTIBULE_TEST_POSTGRES` names.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where it is surprised"
)]

mod access_page;
mod administration;
mod app;
mod bad_input;
mod cli;
mod conformance;
mod contract;
mod every_operation;
mod every_permission;
mod examples;
mod fixtures;
mod gates;
mod german;
mod history;
mod large_tables;
mod login;
mod never_advance;
mod oauth2;
mod official_client;
mod official_walk;
mod ordering;
mod people;
mod preview;
mod rbac;
mod rooms;
mod search;
mod security;
mod simulator;
mod source_connections;
mod sources;
mod store;
mod transactional;
mod two_nodes;
