//! The program `vestibule`.

use std::process::ExitCode;

use clap::Parser as _;
use vestibule_server::command::{self, Program};

/// Keeps little memory that nobody uses, and is quick about it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::run(Program::parse())
}
