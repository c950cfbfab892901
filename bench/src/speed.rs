//! How fast a server is, beside what the machine allows in the same minutes.

mod policies;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use tempfile::TempDir;

use crate::Problem;
use crate::admin::{Account, Admin};
use crate::bare::Bare;
use crate::client::Client;
use crate::floor::{self, Memory};
use crate::load::{self, Count, Span};
use crate::login::{Answers, EXECUTOR, log_in};
use crate::process::{Who, number, processors};
use crate::report;
use crate::server::{Server, Target};

/// What to measure, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connections that sign in at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Connections that ask for a first challenge at once
    #[arg(long, default_value_t = 16)]
    challenge_connections: usize,
    /// Users who sign in, in turn
    #[arg(long, default_value_t = 64)]
    users: usize,
    /// Pairs of windows: the work, then what it is compared with
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds a window
    #[arg(long, default_value_t = 4)]
    window: u64,
    /// Logins after which memory is looked at; more than the windows have done are added
    #[arg(long, default_value_t = 10_000)]
    logins: usize,
}

/// How long a server rests before its idle memory is looked at.
const REST: Duration = Duration::from_secs(3);
/// How long work runs before it counts.
const WARM: Duration = Duration::from_millis(700);
/// The share of the processors that the floor must get; otherwise something else runs on this machine.
const QUIET: f64 = 0.95;
/// Logins whose statements are counted.
const COUNTED: u32 = 50;
/// The longest that logins are added for, seconds.
const ADDED: u64 = 300;

/// Measures everything, and prints it.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let target = &options.target;
    let title = format!("Vestibule on {}, {} processors", target.database_name(), processors());
    report::begin(&title);
    if cfg!(debug_assertions) {
        report::line("note", "this is a debug build of the load generator: its floor is not one");
    }
    let size = std::fs::metadata(&target.server)?.len() / 1024;
    report::at_most("release binary", f64::from(u32::try_from(size)?) / 1024.0, 40.0, "MB");
    let folder = tempfile::tempdir()?;
    let server = start(target, &folder)?;
    thread::sleep(REST);
    let idle = server.process().resident().0;
    report::at_most("resident memory, idle", idle, 40.0, "MB");

    let accounts = Admin::new(server.address).accounts(options.users.max(1))?;
    let statements = statements_a_login(&server, &accounts)?;
    report::at_most("SQL statements a login", statements, 12.0, "");
    let done = logins(options, &server, &accounts)?;
    challenges(options, &server)?;
    policies::logins(options, &server, &accounts)?;
    memory(options, &server, &accounts, done)
}

/// Starts on empty folders: a few times where that is possible, since a single start says little.
fn start(target: &Target, folder: &TempDir) -> Result<Server, Problem> {
    let mut seconds = Vec::new();
    if target.database.is_none() {
        for name in ["first", "second"] {
            seconds.push(start_in(target, &folder.path().join(name))?.start.as_secs_f64());
        }
    }
    let server = start_in(target, &folder.path().join("data"))?;
    seconds.push(server.start.as_secs_f64());
    report::at_most("start to ready, empty folder (median)", crate::stats::median(&seconds), 1.0, "s");
    Ok(server)
}

fn start_in(target: &Target, data: &Path) -> Result<Server, Problem> {
    std::fs::create_dir(data)?;
    target.start(data, &[])
}

/// One login after the other, without whatever the server does by itself meanwhile.
fn statements_a_login(server: &Server, accounts: &[Account]) -> Result<f64, Problem> {
    let mut client = Client::new(server.address);
    let count = |work: &mut dyn FnMut() -> Result<(), Problem>| -> Result<(f64, f64), Problem> {
        let (begun, before) = (Instant::now(), server.statements()?);
        work()?;
        Ok((f64::from(server.statements()? - before), begun.elapsed().as_secs_f64()))
    };
    let (idle, seconds) = count(&mut || {
        thread::sleep(REST);
        Ok(())
    })?;
    // Counting is part of both.
    let counting = 1.0;
    let a_second = (idle - counting).max(0.0) / seconds;
    let (all, seconds) = count(&mut || {
        let turn = accounts.iter().cycle().take(usize::try_from(COUNTED)?);
        for account in turn {
            log_in(&mut client, &Answers::of(account))?;
        }
        Ok(())
    })?;
    // What the server does by itself is known on average only.
    Ok((10.0 * (all - counting - a_second * seconds) / f64::from(COUNTED)).round() / 10.0)
}

/// Workers that sign in for ever, each on its own connection.
fn sign_in_workers(
    address: SocketAddr,
    accounts: &[Account],
    connections: usize,
) -> io::Result<Vec<impl FnMut() -> io::Result<()> + Send + use<'_>>> {
    let worker = |number: usize| {
        let mut client = Client::new(address);
        client.open()?;
        let answers: Vec<Answers> = accounts.iter().map(Answers::of).collect();
        let mut turn = number;
        Ok(move || {
            turn += 1;
            match answers.get(turn % answers.len().max(1)) {
                Some(answers) => log_in(&mut client, answers).map(drop),
                None => Err(io::Error::other("nobody to sign in")),
            }
        })
    };
    // Each begins somewhere else.
    (0..connections).map(|connection| worker(connection * accounts.len() / connections.max(1))).collect()
}

/// Logins and bare hashes in turn; how many logins there were.
fn logins(options: &Options, server: &Server, accounts: &[Account]) -> Result<usize, Problem> {
    let [mut logins, mut hashes, mut huge] = <[Count; 3]>::default();
    let span = Span { warm: WARM, lasts: Duration::from_secs(options.window), server: server.process() };
    for _ in 0..options.rounds {
        logins.add(load::run(sign_in_workers(server.address, accounts, options.connections)?, span)?);
        hashes.add(load::run(floor::workers(processors(), Memory::Plain)?, span)?);
        huge.add(load::run(floor::workers(processors(), Memory::Huge)?, span)?);
    }
    let (memory, passes, lanes) = floor::PARAMETERS;
    report::line("argon2id", format!("{memory} KiB, {passes} passes, {lanes} lane, {} workers", processors()));
    report::line(
        "logins",
        format!("{:.1}/s, {} connections, {}", logins.rate(), options.connections, windows(&logins)),
    );
    report::line("  p50, p99", format!("{:.1} ms, {:.1} ms", logins.percentile(0.5), logins.percentile(0.99)));
    report::line("hashes alone (the floor)", format!("{:.1}/s, {}", hashes.rate(), windows(&hashes)));
    report::at_least("logins to hashes", 100.0 * logins.rate() / hashes.rate(), 90.0, "%");
    report::line("hashes alone in huge pages, as the server's", format!("{:.1}/s, {}", huge.rate(), windows(&huge)));
    report::line("logins to those", format!("{:.2} %", 100.0 * logins.rate() / huge.rate()));
    let (whole, hash) = (logins.each(logins.servers), huge.each(huge.mine));
    report::line("processor time a login, server", format!("{whole:.2} ms, of which the hash is about {hash:.2} ms"));
    let available = logins.seconds * number(processors());
    let client = format!(
        "{:.2} s in {:.0} s of windows, {:.1} % of the processors, {:.2} ms a login",
        logins.mine,
        logins.seconds,
        100.0 * logins.mine / available,
        logins.each(logins.mine),
    );
    report::line("processor time of this client", client);
    let all = whole + logins.each(logins.mine);
    report::line(
        "hash to all processor time of a login",
        format!("{:.1} %, whoever else uses the machine", 100.0 * hash / all),
    );
    let busy = 100.0 * (logins.mine + logins.servers) / available;
    report::line("processors busy with either", format!("{busy:.0} %"));
    let had = hashes.mine / (hashes.seconds * number(processors()));
    if had < QUIET {
        let note =
            format!("others used {:.0} % of the processors: only processor times mean anything", 100.0 - 100.0 * had);
        report::line("note", note);
    }
    report::line("server's processor time while hashes run", format!("{:.2} s", hashes.servers));
    Ok(logins.took.len())
}

fn windows(count: &Count) -> String {
    let rates: Vec<String> = count.rates.iter().map(|rate| format!("{rate:.0}")).collect();
    format!("window by window {}", rates.join(" "))
}

/// First challenges and a bare route in turn, by the same client.
fn challenges(options: &Options, server: &Server) -> Result<(), Problem> {
    let bare = Bare::start()?;
    let (mut challenges, mut nothing) = (Count::default(), Count::default());
    let lasts = Duration::from_secs(options.window.div_ceil(2));
    for _ in 0..options.rounds {
        for (count, address, path, process) in [
            (&mut challenges, server.address, EXECUTOR, server.process()),
            (&mut nothing, bare.address, "/", bare.process()),
        ] {
            let workers = get_workers(address, path, options.challenge_connections)?;
            count.add(load::run(workers, Span { warm: WARM, lasts, server: process })?);
        }
    }
    let figure = |count: &Count| {
        let (server, client) = (count.each(count.servers), count.each(count.mine));
        format!(
            "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms; processor time {server:.3} ms, client's {client:.3} ms",
            count.rate(),
            count.percentile(0.5),
            count.percentile(0.99),
        )
    };
    report::line("first challenges", figure(&challenges));
    report::line("bare axum route", figure(&nothing));
    report::at_least("first challenges to bare route", 100.0 * challenges.rate() / nothing.rate(), 25.0, "%");
    Ok(())
}

/// Workers that ask for a path for ever, always as somebody new.
fn get_workers(
    address: SocketAddr,
    path: &'static str,
    connections: usize,
) -> io::Result<Vec<impl FnMut() -> io::Result<()> + Send>> {
    let worker = |_| {
        let mut client = Client::new(address);
        client.open()?;
        Ok(move || {
            let answer = client.send("GET", path, "User-Agent: vestibule-bench\r\n", None)?;
            let right = answer.status == 200 && answer.contains("ak-stage-identification");
            if right { Ok(()) } else { Err(io::Error::other(answer.text())) }
        })
    };
    (0..connections).map(worker).collect()
}

/// Memory after many logins.
fn memory(options: &Options, server: &Server, accounts: &[Account], mut done: usize) -> Result<(), Problem> {
    let begun = Instant::now();
    while done < options.logins && begun.elapsed() < Duration::from_secs(ADDED) {
        let span = Span { warm: Duration::ZERO, lasts: Duration::from_secs(options.window), server: Who::Me };
        done += load::run(sign_in_workers(server.address, accounts, options.connections)?, span)?.took.len();
    }
    let (at_once, most) = server.process().resident();
    thread::sleep(REST);
    let rested = server.process().resident().0;
    let figure = format!("{at_once:.1} MB, {rested:.1} MB after {} s of rest, {most:.1} MB at most", REST.as_secs());
    report::line(&format!("resident memory after {done} logins"), figure);
    Ok(())
}
