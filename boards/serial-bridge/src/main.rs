#![doc = include_str!("../README.md")]

#[cfg(unix)]
mod options;
#[cfg(unix)]
mod pace;
#[cfg(unix)]
mod port;
#[cfg(unix)]
mod tty;
#[cfg(unix)]
mod upstream;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use clap::Parser as _;

    match run(options::Options::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peote-serial: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("peote-serial: this system's serial lines are not supported; run it on Linux or macOS");
    std::process::ExitCode::FAILURE
}

/// Serves all lines in one thread, for ever.
#[cfg(unix)]
fn run(options: options::Options) -> std::io::Result<()> {
    use peote_net_std::{Clock, Waiter};

    let relay = options.relay()?;
    let clock = Clock::new();
    let mut waiter = Waiter::new(clock)?;
    let mut ports: Vec<_> =
        options.lines.into_iter().map(|line| port::Port::new(line, clock.now())).collect();
    loop {
        let deadline = ports.iter_mut().filter_map(|port| port.turn(&relay, clock.now())).min();
        let mut watches: Vec<_> = ports.iter_mut().flat_map(port::Port::watches).collect();
        waiter.wait(&mut watches, deadline)?;
    }
}
