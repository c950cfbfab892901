//! Log entries: for people or as JSON, on standard error.

mod lines;

use std::io::{IsTerminal as _, Stderr};
use std::sync::LazyLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use vestibule_kernel::settings::Settings;

use self::lines::{Lines, To};

/// Libraries that speak at every level about what only their developers want to know.
const QUIET: &str = "sqlx=error,hyper=warn,hyper_util=warn,rustls=warn,h2=warn";

static LINES: LazyLock<Lines<Stderr>> = LazyLock::new(|| Lines::new(std::io::stderr()));

/// What `log_level` means: a level, authentik's name for one, or a filter of its own.
fn filter(level: &str) -> Result<EnvFilter, String> {
    let level = match level.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "exception" | "fatal" => "error".to_owned(),
        _ => level.to_owned(),
    };
    let wrong = |level: &str| format!("setting `log_level`: cannot read `{level}`");
    let directives = if level.contains([',', '=']) {
        level
    } else {
        // A lone word that is no level would be the name of a part of the program, and silence all others.
        level.parse::<LevelFilter>().map_err(|_| wrong(&level))?;
        format!("{level},{QUIET}")
    };
    EnvFilter::try_new(&directives).map_err(|_| wrong(&directives))
}

/// Starts logging for this process. A second start in the same process changes nothing.
///
/// # Errors
/// The level cannot be read.
pub(crate) fn start(settings: &Settings) -> Result<(), String> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.log_level)?)
        .with_writer(To(&LINES))
        .with_ansi(std::io::stderr().is_terminal());
    let started = if settings.log_json {
        builder.json().flatten_event(true).with_span_list(false).try_init()
    } else {
        builder.with_target(false).try_init()
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let error = panic.payload_as_str().unwrap_or_default();
            tracing::error!(error, place, "panic");
        }));
    }
    Ok(())
}

/// Sends off what has not left yet.
pub(crate) fn end() {
    LINES.flush();
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn levels_and_filters_are_read_and_others_refused() {
        for level in ["error", "WARN", "warning", "info", "debug", "trace", "off", "info,vestibule_flow=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["bogus", "???", "info,=", "vestibule=loud"] {
            assert!(filter(level).unwrap_err().contains("log_level"), "{level}");
        }
    }
}
