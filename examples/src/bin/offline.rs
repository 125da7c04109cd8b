//! A game's server and its players in one program: without any network, or over a relay. The two
//! differ in one line. The game itself is `examples/game`, which a page plays as well (`web/game`).

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use peote_net::time::Duration as Millis;
use peote_net_examples::Failure;
use peote_net_examples::options::{between, seconds};
use peote_net_examples::report::print;
use peote_net_game::{Game, Mistake, Settings};
use peote_net_std::{DesktopLink, LinkError};

/// A game's server and players in one program, offline with a simulated network, or over a relay.
#[derive(Debug, Parser)]
#[command(name = "offline", version, after_help = AFTER_HELP)]
struct Options {
    /// Play over this relay, instead of offline
    #[arg(long, value_name = "HOST:PORT")]
    relay: Option<String>,
    /// Players
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = between(1..=50))]
    players: u32,
    /// Simulated time from a player to the server and back
    #[arg(long, default_value_t = 80, value_name = "MILLISECONDS", value_parser = between(0..=10_000))]
    round_trip: u32,
    /// Simulated bandwidth of each player, each way; 0: without limit
    #[arg(long, default_value_t = 20_000, value_name = "BYTES/SECOND", value_parser = between(0..=1_000_000_000))]
    bandwidth: u32,
    /// How long to play
    #[arg(long, default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    duration: Duration,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  every move and every state arrived, in order
  1  they did not
  2  wrong options
  3  the relay was not reached, or the connection to it was lost";

fn main() -> ExitCode {
    peote_net_examples::failure::main("offline", run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let mut link = match &options.relay {
        None => DesktopLink::offline()?,
        Some(relay) => DesktopLink::connect(relay)?,
    };
    let start = link.now();
    let end = start + options.duration.into();
    let settings = Settings {
        players: options.players,
        round_trip: Millis::from_millis(options.round_trip.into()),
        bytes_per_second: options.bandwidth,
    };
    let mut game = Game::new(&mut link.out(), &settings, start).map_err(failed)?;
    let mut report = start + Millis::from_secs(1);
    loop {
        let now = link.now();
        match link.poll(|event, out| game.hear(&event, out, now)) {
            Ok(_) => {}
            Err(LinkError::Handler(mistake) | LinkError::Channel { error: mistake, .. }) => {
                return Err(failed(mistake));
            }
            Err(lost) => return Err(Failure::Lost(lost.to_string())),
        }
        if now >= end {
            break;
        }
        game.frame(&mut link.out(), now).map_err(failed)?;
        if now >= report {
            report = report + Millis::from_secs(1);
            print(game.report(now))?;
        }
        link.wait_for(&mut [], Some(game.next_tick().min(end)))?;
    }
    let report = game.report(end);
    print(format_args!("{} moves and {} states, all in order", report.moves, report.states))
}

fn failed(mistake: Mistake) -> Failure {
    Failure::Failed(mistake.to_string())
}
