//! `peote-relay`: the relay as a program. See `--help`.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use peote_relay::Relay;

use crate::cli::settings::LogLevel;
use crate::cli::{Loaded, Options, Origin, Task};
use crate::control::Server;
use crate::logging::Logging;
use crate::service::Service;
use crate::signals::Signals;
use crate::sockets::Sockets;
use crate::try_out::Page;

mod cli;
mod control;
mod generate;
mod log_writer;
mod logging;
mod open_files;
mod reload;
mod service;
mod signals;
mod sockets;
#[cfg(feature = "tokens")]
mod token;
#[cfg(feature = "try")]
mod try_out;
#[cfg(not(feature = "try"))]
#[path = "try_none.rs"]
mod try_out;
mod watch;

/// The relay stopped because it was asked to, or what was asked for has been printed.
const STOPPED: u8 = 0;
/// The relay could not run, or not go on.
const COULD_NOT_RUN: u8 = 1;
/// Options, configuration or `RUST_LOG` are wrong.
const WRONG_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let sockets = match sockets::take() {
        Ok(sockets) => sockets,
        Err(problem) => {
            complain(problem);
            return WRONG_SETTINGS.into();
        }
    };
    let code = match cli::task(env::args_os(), &sockets.addresses) {
        Task::Run(loaded, options) => start(*loaded, &options, sockets),
        Task::Control(control) => finish(control.run()),
        Task::Generate(generate) => finish(generate.run(cli::whole())),
        Task::Health(place) => finish(watch::health(&place)),
        Task::Top(place, interval, once) => {
            finish(watch::top(&place, interval, once).map(|()| String::new()))
        }
        #[cfg(feature = "tokens")]
        Task::Token(token) => finish(token.run()),
        Task::Print(text, notes) => {
            say(&text);
            notes.iter().for_each(|note| complain(&note.text));
            STOPPED
        }
        Task::Help(help) => {
            // Whoever closed the pipe wants no help any more.
            let _ = help.print();
            STOPPED
        }
        Task::Complain(problems) => {
            problems.iter().for_each(complain);
            WRONG_SETTINGS
        }
    };
    ExitCode::from(code)
}

/// Says what came of a command.
fn finish(result: Result<String, String>) -> u8 {
    match result {
        Ok(answer) => {
            say(&answer);
            STOPPED
        }
        Err(problem) => {
            complain(problem);
            COULD_NOT_RUN
        }
    }
}

fn start(loaded: Loaded, options: &Options, sockets: Sockets) -> u8 {
    let level_was_option = loaded.origin("log-level") == Origin::Option;
    let settings = &loaded.settings;
    let logging = match logging::start(
        settings.log_level,
        settings.log_format,
        settings.log_bytes_per_day,
        level_was_option,
    ) {
        Ok(logging) => logging,
        Err(problem) => {
            complain(problem);
            return WRONG_SETTINGS;
        }
    };
    if matches!(settings.log_level, LogLevel::Off | LogLevel::Error) {
        // a log that is switched off does not hide what became of the file that says so
        loaded.notes.iter().filter(|note| note.is_warning).for_each(|note| complain(&note.text));
    } else {
        loaded.log_notes();
    }
    match run(loaded, options, sockets, &logging) {
        Ok(()) => STOPPED,
        Err(error) => {
            complain(format!("{error}{}", advice(&error)));
            // what is wrong with a setting stays wrong
            if error.kind() == ErrorKind::InvalidInput { WRONG_SETTINGS } else { COULD_NOT_RUN }
        }
    }
}

/// Runs the relay until it is asked to stop.
fn run(mut loaded: Loaded, options: &Options, sockets: Sockets, logging: &Logging) -> io::Result<()> {
    let mut signals = Signals::install()?;
    let without_tls = loaded.settings.relay.listen.len();
    let page = if options.try_out { Some(Page::open()?) } else { None };
    if let Some(page) = &page {
        page.allow(&mut loaded.settings.relay);
    }
    // with a page there is no file, and nothing to read again
    let may_reload = page.is_none();
    let mut relay = Relay::bind_with(reload::with_room(&loaded.settings.relay), sockets.listeners)?;
    signals.wake(relay.registry(), Relay::FIRST_TOKEN)?;
    let mut control = Server::open(&loaded.settings, &mut relay)?;
    let lines = relay.local_addrs().into_iter().enumerate().map(|(number, address)| {
        let how = if number < without_tls { "" } else { " with TLS" };
        format!("listening on {address}{how}\n")
    });
    let mut said = lines.collect::<String>();
    if let (Some(page), Some(address)) = (page, relay.local_addrs().first()) {
        said += &page.serve(*address)?;
    }
    say(&said);
    let mut service = Service::find();
    service.is_ready();
    while !signals.is_to_stop() && !control.is_to_stop(&relay) {
        service.is_alive();
        let longest_sleep = signals::LONGEST_SLEEP.into_iter().chain(service.may_sleep()).min();
        relay.turn(longest_sleep)?;
        control.serve(&mut relay);
        if signals.is_to_drain() {
            control.drain(&mut relay);
        }
        if signals.is_to_reload() && may_reload {
            service.is_reloading();
            reload::reload(&mut relay, logging, options, &mut loaded);
            control.set_drain_time(loaded.settings.drain_time);
            service.is_ready();
        }
    }
    tracing::info!("stopping");
    service.is_stopping();
    relay.shutdown()?;
    tracing::info!("stopped");
    Ok(())
}

/// Writes to standard output, at once. Somebody who reads only the first lines, or nothing, is no
/// reason to fail.
fn say(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Writes a line to standard error, where there may be nobody either.
fn complain(problem: impl Display) {
    let _ = writeln!(io::stderr(), "peote-relay: {problem}");
}

/// What to do about an error that keeps the relay from running.
fn advice(error: &io::Error) -> &'static str {
    if open_files::ran_out(error) {
        return "; raise the limit of open files (ulimit -n)";
    }
    match error.kind() {
        ErrorKind::AddrInUse => "; stop what is using it, or choose another address with --listen",
        ErrorKind::AddrNotAvailable => {
            "; choose an address of this machine with --listen, or 0.0.0.0 for all"
        }
        ErrorKind::PermissionDenied => {
            "; choose a port from 1024 up with --listen, or give the program the right"
        }
        _ => "",
    }
}
