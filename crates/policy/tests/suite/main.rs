//! Policies, asked through the API and met in flows.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends when something is wrong")]

mod all;
mod app;
mod engine;
mod event_matcher;
mod expression;
mod geoip;
mod lockout;
mod password;
mod password_expiry;
mod reputation;
