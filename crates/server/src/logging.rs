//! Log entries: for people or as JSON, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use vestibule_kernel::settings::Settings;

/// Libraries that speak at every level about what only their developers want to know.
const QUIET: &str = "sqlx=error,hyper=warn,hyper_util=warn,rustls=warn,h2=warn";

/// What `log_level` means: a level, authentik's name for one, or a filter of its own.
fn filter(level: &str) -> EnvFilter {
    let level = match level.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "exception" | "fatal" => "error".to_owned(),
        _ => level.to_owned(),
    };
    let directives = if level.contains([',', '=']) { level } else { format!("{level},{QUIET}") };
    EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new(format!("info,{QUIET}")))
}

/// Starts logging for this process. A second start in the same process changes nothing.
pub(crate) fn start(settings: &Settings) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.log_level))
        .with_writer(std::io::stderr)
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
}
