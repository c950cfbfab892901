//! Kills the server under load, again and again: what it answered must be there afterwards.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use clap::Args;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::Problem;
use crate::admin::Admin;
use crate::client::Client;
use crate::crash_load::{self, Ledger, Written};
use crate::login::{Answers, log_in, session_headers};
use crate::report;
use crate::server::{Server, Target};

/// How often, and under how much load.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// Connections that sign in meanwhile
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seed of the moments at which it is killed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Between the start of the load and the end of the server, milliseconds.
const MOMENTS: std::ops::Range<u64> = 300..2500;
/// The SQLite file in the data folder.
const SQLITE: &str = "vestibule.sqlite3";

/// What was looked for, and what was not there.
#[derive(Default)]
struct Found {
    logins: usize,
    passwords: usize,
    users: usize,
    configuration: usize,
    databases: usize,
    lost: Vec<String>,
}

/// Kills and looks; fails when anything is lost.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let target = &options.target;
    let folder = tempfile::tempdir()?;
    let mut server = target.start(folder.path(), &[])?;
    let accounts = Admin::new(server.address).accounts(16)?;
    let database = target.database_name();
    report::begin(&format!("Killed under load {} times, on {database}", options.times));
    let mut random = StdRng::seed_from_u64(options.seed);
    let (mut all, mut found) = (Ledger::default(), Found::default());
    for round in 0..options.times {
        let moment = Duration::from_millis(random.random_range(MOMENTS));
        let load = crash_load::start(server.address, &accounts, options.connections, round);
        thread::sleep(moment);
        load.ending();
        server.kill()?;
        let answered = load.join()?;
        let (logins, users, documents) = (answered.logins.len(), answered.users.len(), answered.documents.len());
        server = target.start(folder.path(), &[])?;
        look(&server, &answered, &mut found)?;
        integrity(target, folder.path(), &mut found)?;
        let (start, lost) = (server.start.as_secs_f64(), found.lost.len());
        let after = format!("{moment:.1?}: {logins} logins, {users} users, {documents} stages");
        report::line(&format!("{}. after", round + 1), format!("{after}; ready again in {start:.2} s; lost {lost}"));
        all.extend(answered);
    }
    // What was there after one crash must have survived the later ones too.
    look(&server, &all, &mut found)?;
    let Found { logins, passwords, users, configuration, databases, lost } = found;
    report::line(
        "looked for",
        format!("{logins} logins, {passwords} passwords, {users} users, {configuration} stages"),
    );
    report::line("databases examined", databases);
    report::line("lost or broken (to be 0)", lost.len());
    for what in lost.iter().take(20) {
        println!("    {what}");
    }
    if lost.is_empty() { Ok(()) } else { Err(format!("{} things were lost or broken", lost.len()).into()) }
}

/// Looks for everything that was answered.
fn look(server: &Server, answered: &Ledger, found: &mut Found) -> Result<(), Problem> {
    let mut client = Client::new(server.address);
    for (cookie, username) in &answered.logins {
        found.logins += 1;
        let answer = client.send("GET", "/api/v3/core/users/me/", &session_headers(cookie), None)?;
        let json = answer.json();
        if answer.status != 200 || json.pointer("/user/username").and_then(Value::as_str) != Some(username) {
            found.lost.push(format!("login of {username}: {}", answer.text()));
        }
    }
    for (username, password) in &answered.passwords {
        found.passwords += 1;
        if let Err(error) = log_in(&mut client, &Answers::new(username, password)) {
            found.lost.push(format!("password of {username}: {error}"));
        }
    }
    let mut admin = Admin::new(server.address);
    found.users += written(&mut admin, &answered.users, &mut found.lost)?;
    found.configuration += written(&mut admin, &answered.documents, &mut found.lost)?;
    Ok(())
}

fn written(admin: &mut Admin, objects: &[Written], lost: &mut Vec<String>) -> Result<usize, Problem> {
    for object in objects {
        let answer = admin.send("GET", &object.path, None)?;
        let json = answer.json();
        let name = json.get("name").and_then(Value::as_str).unwrap_or_default();
        if answer.status != 200 || !object.names.iter().any(|one| one == name) {
            lost.push(format!("{} as one of {:?}: {}", object.path, object.names, answer.text()));
        }
    }
    Ok(objects.len())
}

/// Whether the database is sound: by the server's own program, and by SQLite's where it is installed.
fn integrity(target: &Target, data: &Path, found: &mut Found) -> Result<(), Problem> {
    found.databases += 1;
    let (sound, said) = target.check(data)?;
    if !sound {
        found.lost.push(format!("vestibule check: {said}"));
    }
    let file = data.join(SQLITE);
    if target.database.is_none() && file.exists() {
        let command = "PRAGMA integrity_check; PRAGMA foreign_key_check;";
        match Command::new("sqlite3").arg("-readonly").arg(&file).arg(command).output() {
            Ok(output) if output.stdout.trim_ascii() == b"ok" => {}
            Ok(output) => found.lost.push(format!("sqlite3: {}", String::from_utf8_lossy(&output.stdout).trim())),
            Err(_) if found.databases > 1 => {}
            Err(error) => println!("  sqlite3 cannot be run ({error}): the database is examined by the server alone"),
        }
    }
    Ok(())
}
