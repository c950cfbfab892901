//! What the pages promise: texts from the catalogue, forms that work without scripts, nothing inline, small.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests panic too")]

#[path = "../../examples/samples/mod.rs"]
mod samples;

mod markup;
mod pages;
mod texts;
