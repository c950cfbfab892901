//! Signing in through other providers, as browsers meet it.

mod believing;
mod connecting;
mod groups;
mod matching;
mod pages;
mod provider;
mod two_servers;
mod types;
