//! The server under test: a process of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use crate::Problem;
use crate::client::Client;
use crate::process::Who;

/// The administrator's API token.
pub(crate) const TOKEN: &str = "bench-token-of-an-administrator-on-loopback";
/// The header that it goes in.
pub(crate) const SUPERUSER: &str = "Authorization: Bearer bench-token-of-an-administrator-on-loopback\r\n";
/// The administrator's password.
const PASSWORD: &str = "bench-Password-of-an-administrator-1!";
/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What every measurement needs to know.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// The server's program
    #[arg(long, value_name = "FILE", default_value = "target/release/vestibule")]
    pub server: PathBuf,
    /// An empty PostgreSQL database, postgres://... [default: SQLite in a folder that is removed afterwards]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

impl Target {
    /// The database's name, for people.
    pub(crate) fn database_name(&self) -> &'static str {
        if self.database.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// A command of the server's program over `data`.
    fn command(&self, data: &Path, settings: &[(&str, String)]) -> Result<Command, Problem> {
        let program = fs::canonicalize(&self.server).map_err(|error| format!("{}: {error}", self.server.display()))?;
        let mut command = Command::new(program);
        // Its settings file would be read from the folder it runs in.
        command.current_dir(data).stdin(Stdio::null()).arg("--data").arg(data);
        if let Some(url) = &self.database {
            command.arg("--database").arg(url);
        }
        command.env("VESTIBULE_RATE_LIMIT", "off");
        command.env("VESTIBULE_BOOTSTRAP_PASSWORD", PASSWORD).env("VESTIBULE_BOOTSTRAP_TOKEN", TOKEN);
        command.envs(settings.iter().map(|(name, value)| (*name, value.as_str())));
        Ok(command)
    }

    /// Starts a server on the folder `data` and waits until it is ready.
    pub(crate) fn start(&self, data: &Path, settings: &[(&str, String)]) -> Result<Server, Problem> {
        let (address, metrics) = (free_address()?, free_address()?);
        let log = data.join("log");
        let mut command = self.command(data, settings)?;
        command.args(["serve", "--listen", &address.to_string()]);
        command.env("VESTIBULE_LISTEN_METRICS", metrics.to_string());
        command.stdout(Stdio::null()).stderr(File::options().create(true).append(true).open(&log)?);
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut server = Server { child, address, metrics, log, start: Duration::ZERO };
        server.wait(begun)?;
        server.start = begun.elapsed();
        Ok(server)
    }

    /// Runs `vestibule check` over `data`: what it says, and whether it found nothing wrong.
    pub(crate) fn check(&self, data: &Path) -> Result<(bool, String), Problem> {
        let output = self.command(data, &[])?.arg("check").output()?;
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok((output.status.success(), text.trim().to_owned()))
    }
}

/// A running server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    metrics: SocketAddr,
    log: PathBuf,
    /// From the start of the process until it was ready.
    pub start: Duration,
}

impl Server {
    fn wait(&mut self, begun: Instant) -> Result<(), Problem> {
        loop {
            let answer = Client::new(self.address).send("GET", "/-/health/ready/", "", None);
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended ({status}):\n{}", self.log_end()).into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the server is not ready after {PATIENCE:?}:\n{}", self.log_end()).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last lines that the server has logged.
    pub(crate) fn log_end(&self) -> String {
        let text = fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
    }

    /// The process, for its figures.
    pub(crate) fn process(&self) -> Who {
        Who::Process(self.child.id())
    }

    /// SQL statements sent so far, with the ones that counting them takes.
    pub(crate) fn statements(&self) -> Result<u32, Problem> {
        let answer = Client::new(self.metrics).send("GET", "/-/metrics/", "", None)?;
        let text = String::from_utf8_lossy(&answer.body);
        let line = text.lines().find_map(|line| line.strip_prefix("vestibule_sql_statements_total "));
        let number = line.and_then(|number| number.trim().parse().ok());
        number.ok_or_else(|| "the metrics have no vestibule_sql_statements_total".into())
    }

    /// Ends the process at once, as a power cut would: it gets no chance to put anything in order.
    pub(crate) fn kill(mut self) -> Result<(), Problem> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr, Problem> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
