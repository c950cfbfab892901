//! Tasks over a real database: done once, tried again, taken over, given up, by the clock; with several nodes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends when something is wrong"
)]

mod attempts;
mod leases;
mod schedules;
mod world;
