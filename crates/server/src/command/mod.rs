//! The commands of the program.

mod check;
pub(crate) mod transfer;
mod user;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use vestibule_kernel::settings::{SETTINGS, Settings, environment_name};

use crate::start::StartError;
use crate::{logging, settings};

/// An identity provider, wire-compatible with authentik.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    about,
    max_term_width = 100,
    after_help = "See `vestibule serve --help` for every setting."
)]
pub struct Program {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where settings and data are.
#[derive(Debug, Args)]
struct Place {
    /// Settings file [default: vestibule.yaml in the current folder, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the SQLite database, the secret key and backups [default: data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<String>,
    /// PostgreSQL address [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "postgres://USER:PASSWORD@HOST/NAME")]
    database: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    #[command(after_long_help = settings_help())]
    Serve {
        /// Address and port to listen on [default: 127.0.0.1:9000]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Read settings and database, change nothing, and say what is wrong
    Check,
    /// Write the configuration as YAML: flows, stages, brands and all else that administrators arrange
    ///
    /// The same configuration gives the same text, so it can be kept under version control. Roles and groups are part of
    /// it, and the users that something refers to; tokens, sessions and events are not. Secrets are replaced by the
    /// placeholder !Secret.
    Export {
        #[command(flatten)]
        with: transfer::With,
        /// File to write [default: standard output]
        path: Option<PathBuf>,
    },
    /// Read configuration as YAML: what `export` wrote, or any blueprint
    ///
    /// All of it is applied, or nothing; `plan` says first what would change. The file may read files beside it and
    /// below with !File, and the environment with !Env. Objects that are not in the file are left alone. Where !Secret stands, the
    /// present secret is kept; if there is none, the import lists what is missing and changes nothing.
    Import {
        /// File to read; - is standard input
        path: PathBuf,
    },
    /// Say what `import` of a file would change, and change nothing
    ///
    /// One line for each object that would be created (+), changed (~) or deleted (-), and below it one for each of
    /// its fields. The same file and configuration give the same text. Secrets are not shown.
    Plan {
        /// File to read; - is standard input
        path: PathBuf,
    },
    /// Manage users from the command line
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
}

/// Every setting with its names, for `serve --help`.
fn settings_help() -> String {
    let mut text = String::from(
        "Settings, each as an environment variable, or in vestibule.yaml by its name without VESTIBULE_\n\
         in lower case. The command line comes before the environment, the environment before the file.\n\
         A value file:///path stands for the content of that file.\n",
    );
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "unset" } else { setting.default };
        let _ = write!(text, "\n  {}\n      {} [default: {default}]\n", environment_name(setting.name), setting.help);
        for alias in setting.authentik {
            let _ = writeln!(text, "      Also: AUTHENTIK_{alias}");
        }
    }
    text
}

/// Runs a command.
pub fn run(program: Program) -> ExitCode {
    let Program { place, command } = program;
    let mut given = BTreeMap::new();
    given.extend(place.data.map(|data| ("data".to_owned(), data)));
    given.extend(place.database.map(|database| ("database".to_owned(), database)));
    if let Command::Serve { listen: Some(listen) } = &command {
        given.insert("listen".to_owned(), listen.to_string());
    }
    let mut settings = match settings::load(&given, place.config.as_deref()) {
        Ok(settings) => settings,
        Err(errors) => return complain(&errors),
    };
    vestibule_stages::email::use_templates(&settings.email_templates);
    if !matches!(command, Command::Serve { .. }) && settings.log_level == "info" {
        // Commands speak for themselves.
        "warn".clone_into(&mut settings.log_level);
    }
    if let Err(error) = logging::start(&settings) {
        return complain(&[error]);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&[format!("the runtime does not start: {error}")]),
    };
    let result = runtime.block_on(perform(command, settings));
    // What still runs (a password being hashed, say) is not waited for.
    runtime.shutdown_background();
    logging::end();
    match result {
        Ok(code) => code,
        Err(error) => complain(&[error.to_string()]),
    }
}

fn complain(errors: &[String]) -> ExitCode {
    for error in errors {
        eprintln!("error: {error}");
    }
    ExitCode::FAILURE
}

async fn perform(command: Command, settings: Settings) -> Result<ExitCode, StartError> {
    match command {
        Command::Serve { .. } => crate::serve::serve(settings).await?,
        Command::Check => return check::check(&settings).await,
        Command::Export { with, path } => transfer::export(&settings, &with, path.as_deref()).await?,
        Command::Import { path } => transfer::import(&settings, &path).await?,
        Command::Plan { path } => transfer::plan(&settings, &path).await?,
        Command::User { command } => user::run(&settings, command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_explains_every_setting() {
        Program::command().debug_assert();
        let help = settings_help();
        assert!(SETTINGS.iter().all(|setting| help.contains(&environment_name(setting.name))));
    }
}
