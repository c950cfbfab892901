//! Administrators' Python: policies and property mappings, run in a sandbox.
//!
//! [`Program::parse`] takes the text as an administrator wrote it and refuses, with line and column, what will not run.
//! [`Program::run`] runs it: what the text may know comes from its inputs and from a [`Host`], what it may use up is a
//! [`Budget`]. There is no file, socket, process or environment to reach; whatever goes wrong is a [`RunError`].
//!
//! The interpreter behind it is `monty`; nothing of it shows in this interface.

mod bridge;
mod budget;
mod cache;
mod evaluate;
mod functions;
mod object;
mod plain;
mod program;
mod rewrite;
mod value;

pub use budget::Budget;
pub use evaluate::{Outcome, RunError};
pub use object::{Arguments, Failure, HOST_FUNCTIONS, Host, HttpRequest, HttpResponse, Object};
pub use program::{Program, SyntaxError};
pub use value::Value;

// The tests of both kinds share what they are run against.
#[cfg(test)]
extern crate self as vestibule_expression;
