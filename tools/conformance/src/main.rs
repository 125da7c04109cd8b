//! `peote-conformance`: tries a relay or an endpoint against docs/PROTOCOL.md.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use peote_conformance::{Level, Options, Peer, Report, Select, Subject, Tried, junit, junit_of_nothing, run};

/// Tries a relay or an endpoint against the specification of the joint protocol
/// (docs/PROTOCOL.md). Exits with 0 if all that was tried passed, with 1 if something failed, and
/// with 2 if nothing was tried.
#[derive(Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Tries the relay at an address. It should have no limits on connections, commands and bytes
    Relay {
        /// Where the relay is, such as localhost:7680
        #[arg(required_unless_present = "list")]
        address: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Tries an endpoint, which connects here and does what docs/CONFORMANCE.md says
    Endpoint {
        /// The address to listen on, such as 127.0.0.1:7680
        #[arg(required_unless_present = "list")]
        listen: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Args)]
struct How {
    /// Lists the cases and tries nothing
    #[arg(long)]
    list: bool,
    /// Only cases with this in their names, such as 3.4 or cut; can be given several times
    #[arg(long = "only", value_name = "PATTERN")]
    only: Vec<String>,
    /// No cases with this in their names; can be given several times
    #[arg(long, value_name = "PATTERN")]
    skip: Vec<String>,
    /// tolerant: what works with existing peers; strict: also what is said about wrong bytes
    #[arg(long, value_enum, default_value_t = LevelName::Strict)]
    level: LevelName,
    /// Without the cases of extensions (section 11)
    #[arg(long)]
    no_extensions: bool,
    /// Shows the bytes of all cases, not only of those that fail
    #[arg(long)]
    bytes: bool,
    #[arg(long, value_name = "FILE", help = "Writes JUnit XML to this file, with the bytes of all cases")]
    junit: Option<PathBuf>,
    /// Seconds that a case waits for something. Relays may take 5 s for what they do about those
    /// that hold others up, so with less than 10 a good one may fail
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Cases at the same time; 1 for a relay that allows few connections
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    jobs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum LevelName {
    Tolerant,
    Strict,
}

fn main() -> ExitCode {
    let (subject, place, how) = match Program::parse().what {
        What::Relay { address, how } => (Subject::Relay, address, how),
        What::Endpoint { listen, how } => (Subject::Endpoint, listen, how),
    };
    match work(subject, place.as_deref().unwrap_or_default(), how) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("peote-conformance: {why}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether nothing failed.
fn work(subject: Subject, place: &str, how: How) -> Result<bool, String> {
    let level = match how.level {
        LevelName::Tolerant => Level::Tolerant,
        LevelName::Strict => Level::Strict,
    };
    let select = Select { level, extensions: !how.no_extensions, patterns: how.only, skip: how.skip };
    let cases = select.of(subject);
    if cases.is_empty() {
        return Err("no case has such a name; --list shows all".into());
    }
    if how.list {
        for case in cases {
            println!("{:<9} {}: {}", case.group(), case.name, case.title);
        }
        return Ok(true);
    }
    let peer = peer(subject, place, Duration::from_secs(how.patience))?;
    // before minutes of trying, and not behind them
    let unwritable = |error| format!("{}: {error}", how.junit.as_deref().unwrap_or(Path::new("")).display());
    let file = how.junit.as_deref().map(File::create).transpose().map_err(unwritable)?;
    let options = Options { patience: Duration::from_secs(how.patience), jobs: how.jobs };
    let all_bytes = how.bytes;
    let done = move |tried: &Tried| {
        let one = Report { tried: vec![tried.clone()], all_bytes }.to_string();
        // without the line of sums
        let lines = one.trim_end().rsplit_once('\n').map_or("", |(lines, _)| lines);
        println!("{lines}");
    };
    let report = run(&peer, &cases, options, &done);
    if let Some(mut file) = file {
        let xml = report.as_ref().map_or_else(|why| junit_of_nothing(why), junit);
        file.write_all(xml.as_bytes()).map_err(unwritable)?;
    }
    let report = report?;
    let [passed, failed, skipped] = report.counts();
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if passed + failed == 0 {
        return Err("nothing was tried: all cases were skipped".into());
    }
    Ok(failed == 0)
}

fn peer(subject: Subject, place: &str, patience: Duration) -> Result<Peer, String> {
    match subject {
        Subject::Relay => {
            let found = place.to_socket_addrs();
            let found = found
                .map_err(|error| format!("{place}: {error}; write HOST:PORT, such as localhost:7680"))?;
            let found: Vec<_> = found.collect();
            // localhost is ::1 first on many systems, and many relays listen on 127.0.0.1 only
            let reached = |address: &&SocketAddr| TcpStream::connect_timeout(address, patience).is_ok();
            let address = match &found[..] {
                [only] => Some(only),
                several => several.iter().find(reached).or(several.first()),
            };
            Ok(Peer::Relay(*address.ok_or_else(|| format!("{place}: no such host"))?))
        }
        Subject::Endpoint => {
            let listener = TcpListener::bind(place).map_err(|error| format!("{place}: {error}"))?;
            if let Ok(address) = listener.local_addr() {
                println!("waiting for the endpoint on {address}");
            }
            Ok(Peer::Endpoint(listener))
        }
    }
}
