//! What administrators write: it runs, it stops, it is refused.

#![expect(clippy::unwrap_used, reason = "tests; helpers count as such only with an attribute each")]

mod corpus;
mod properties;
mod run;
mod support;

/// Budgets of memory stand on it.
#[global_allocator]
static ALLOCATOR: vestibule_allocator::Allocator = vestibule_allocator::Allocator;
