//! Measures a running Vestibule: how fast it is, whether its times tell who exists, and what survives a crash.
//!
//! Everything stays on loopback and is bounded in count and time. The server under test is a process of its own, on a
//! data folder that is removed afterwards.

mod admin;
mod bare;
mod client;
mod crash;
mod crash_load;
mod floor;
mod lists;
mod load;
mod login;
mod oauth;
mod people;
mod process;
mod report;
mod server;
mod speed;
mod stats;
mod timing;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What goes wrong in a measurement: shown and the end of it.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// The server's allocator: memory that hashes use is to come from the same place on both sides of a comparison.
#[global_allocator]
static ALLOCATOR: vestibule_allocator::Allocator = vestibule_allocator::Allocator;

#[derive(Debug, Parser)]
#[command(about = "Measures a Vestibule server on loopback.")]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Logins and first challenges a second, beside what the machine allows; memory, start-up, statements
    Speed(speed::Options),
    /// Whether the time of a refusal tells who exists
    Timing(timing::Options),
    /// What a page of a list costs among 100,000 users, beside what it costs among 1,000
    Lists(lists::Options),
    /// Tokens a second, beside the signatures that the machine makes
    Oauth(oauth::Options),
    /// Kills the server under load, again and again: nothing that was answered may be missing afterwards
    Crash(crash::Options),
    /// A route that does nothing, to compare with; prints its address and serves until it is killed
    Bare,
}

fn main() -> ExitCode {
    vestibule_allocator::use_small_pages();
    let done = match Program::parse().command {
        Command::Speed(options) => speed::run(&options),
        Command::Timing(options) => timing::run(&options),
        Command::Lists(options) => lists::run(&options),
        Command::Oauth(options) => oauth::run(&options),
        Command::Crash(options) => crash::run(&options),
        Command::Bare => bare::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
