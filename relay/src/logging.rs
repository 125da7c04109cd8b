//! Log lines on standard error.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::cli::settings::LogLevel;

/// Variable that says what is logged, as level or by module.
const VARIABLE: &str = "RUST_LOG";

/// Starts to log. `level` holds unless `RUST_LOG` is set; if `level_was_option` it holds in any case.
///
/// # Errors
/// What is wrong with `RUST_LOG`, as one line.
pub(crate) fn start(level: LogLevel, level_was_option: bool) -> Result<(), String> {
    let variable = env::var(VARIABLE).ok().filter(|text| !text.is_empty() && !level_was_option);
    let filter = match &variable {
        Some(text) => EnvFilter::try_new(text).map_err(|error| {
            format!("{VARIABLE}={text}: {error}; write a level, or MODULE=LEVEL with commas between them")
        })?,
        None => EnvFilter::new(level.name()),
    };
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
        // It would report a standard error that nobody reads any more on that very standard error, and panic.
        .log_internal_errors(false)
        .init();
    Ok(())
}
