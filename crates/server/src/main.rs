//! The program `vestibule`.

use std::process::ExitCode;

use clap::Parser as _;
use vestibule_server::command::{self, Program};

#[global_allocator]
static ALLOCATOR: vestibule_allocator::Allocator = vestibule_allocator::Allocator;

fn main() -> ExitCode {
    vestibule_allocator::use_small_pages();
    command::run(Program::parse())
}
