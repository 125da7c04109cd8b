//! Log lines on standard error.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::settings::{LogFormat, LogLevel};
use crate::log_writer::LogWriter;

/// Variable that says what is logged, as level or by module.
const VARIABLE: &str = "RUST_LOG";

type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), String>>;

/// The log, of which the level can be changed.
pub(crate) struct Logging {
    set_filter: Option<SetFilter>,
    writer: LogWriter,
}

/// Starts to log, so many bytes a day at most. `level` holds unless `RUST_LOG` is set; if
/// `level_was_option` it holds in any case.
///
/// # Errors
/// What is wrong with `RUST_LOG`, as one line.
pub(crate) fn start(
    level: LogLevel,
    format: LogFormat,
    bytes_per_day: usize,
    level_was_option: bool,
) -> Result<Logging, String> {
    let variable = env::var(VARIABLE).ok().filter(|text| !text.is_empty() && !level_was_option);
    let filter = match &variable {
        Some(text) => EnvFilter::try_new(text).map_err(|error| {
            format!("{VARIABLE}={text}: {error}; write a level, or MODULE=LEVEL with commas between them")
        })?,
        None => EnvFilter::new(level.name()),
    };
    let is_terminal = io::stderr().is_terminal();
    let writer = LogWriter::new(format, bytes_per_day);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer.clone())
        .with_ansi(is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
        // It would report a standard error that nobody reads any more on that very standard error,
        // and panic.
        .log_internal_errors(false);
    let set_filter: SetFilter = match format {
        LogFormat::Text => {
            let builder = builder.compact().with_filter_reloading();
            let handle = builder.reload_handle();
            builder.finish().init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(false).with_span_list(false);
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            builder.finish().init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
    };
    // the variable goes before the file, at the start as later
    Ok(Logging { set_filter: variable.is_none().then_some(set_filter), writer })
}

impl Logging {
    /// Whether `RUST_LOG` says what is logged.
    pub(crate) fn is_fixed(&self) -> bool {
        self.set_filter.is_none()
    }

    /// Changes how many bytes may be logged in a day; 0: no limit.
    pub(crate) fn set_bytes_per_day(&self, bytes_per_day: usize) {
        self.writer.set_bytes_per_day(bytes_per_day);
    }

    /// Changes what is logged, unless `RUST_LOG` says that.
    ///
    /// # Errors
    /// Only if the log is broken.
    pub(crate) fn set_level(&self, level: LogLevel) -> Result<(), String> {
        match &self.set_filter {
            Some(set) => set(EnvFilter::new(level.name())),
            None => Ok(()),
        }
    }
}
