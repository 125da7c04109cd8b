//! Runs cases.

use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::case::{Case, Level, Run, Subject};
use crate::endpoint::{self, Tested};
use crate::log::Log;
use crate::relay::Target;
use crate::report::{Outcome, Report, Tried};

/// What is tried.
#[derive(Debug)]
pub enum Peer {
    /// The relay at this address.
    Relay(SocketAddr),
    /// The endpoint that connects to this.
    Endpoint(TcpListener),
}

/// Which cases are run.
#[derive(Clone, Debug)]
pub struct Select {
    /// Up to which level.
    pub level: Level,
    /// With those of extensions.
    pub extensions: bool,
    /// If there are any, only cases whose name has one of these in it.
    pub patterns: Vec<String>,
    /// None whose name has one of these in it.
    pub skip: Vec<String>,
}

impl Default for Select {
    fn default() -> Self {
        Self { level: Level::Strict, extensions: true, patterns: Vec::new(), skip: Vec::new() }
    }
}

impl Select {
    /// Returns the cases for this subject that it stands for.
    #[must_use]
    pub fn of(&self, subject: Subject) -> Vec<Case> {
        let mut cases = crate::cases(subject);
        let named = |case: &Case, patterns: &[String]| {
            patterns.iter().any(|pattern| case.name.contains(pattern.trim_start_matches('§')))
        };
        cases.retain(|case| {
            case.level <= self.level
                && (self.extensions || case.extension.is_none())
                && (self.patterns.is_empty() || named(case, &self.patterns))
                && !named(case, &self.skip)
        });
        cases
    }
}

/// How they are run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a case waits for something. Nothing takes so long that works.
    pub patience: Duration,
    /// How many cases run at the same time; against endpoints it is one.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(10), jobs: 4 }
    }
}

/// Runs these cases and tells `done` after each.
///
/// # Errors
///
/// The relay cannot be reached at all, or no endpoint has connected. The text says so.
pub fn run(
    peer: &Peer,
    cases: &[Case],
    options: Options,
    done: &(dyn Fn(&Tried) + Sync),
) -> Result<Report, String> {
    match peer {
        Peer::Relay(address) => against_relay(*address, cases, options, done),
        Peer::Endpoint(listener) => against_endpoint(listener, cases, options, done),
    }
}

fn against_relay(
    address: SocketAddr,
    cases: &[Case],
    options: Options,
    done: &(dyn Fn(&Tried) + Sync),
) -> Result<Report, String> {
    let capabilities =
        Target::new(address, "capabilities", options.patience, Log::default()).capabilities()?;
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<(usize, Tried)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).map(|case| (at, *case))
                } {
                    let (begin, log) = (Instant::now(), Log::default());
                    let target = Target::new(address, case.name, options.patience, log.clone());
                    let outcome = match (case.run, case.extension) {
                        (_, Some(extension)) if !announces(capabilities, extension.bit()) => {
                            Outcome::Skipped("the relay does not announce it".into())
                        }
                        (Run::Relay(run), _) => outcome(run(&target)),
                        (Run::Endpoint(_), _) => Outcome::Skipped("it is for endpoints".into()),
                    };
                    let tried = Tried { case, outcome, lines: log.lines(), took: begin.elapsed() };
                    done(&tried);
                    if let Ok(mut all) = all.lock() {
                        all.push((at, tried));
                    }
                }
            });
        }
    });
    let mut all = all.into_inner().map_err(|_| "a case has panicked")?;
    all.sort_by_key(|(at, _)| *at);
    Ok(Report { tried: all.into_iter().map(|(_, tried)| tried).collect(), all_bytes: false })
}

fn announces(capabilities: Option<u8>, bits: u8) -> bool {
    capabilities.is_some_and(|capabilities| capabilities & bits == bits)
}

fn outcome(result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed(why),
    }
}

fn against_endpoint(
    listener: &TcpListener,
    cases: &[Case],
    options: Options,
    done: &(dyn Fn(&Tried) + Sync),
) -> Result<Report, String> {
    let mut report = Report::default();
    for case in cases {
        let (begin, log) = (Instant::now(), Log::default());
        let mut tested = match Tested::accept(listener, options.patience, log.clone()) {
            Ok(tested) => tested,
            Err(why) if report.tried.is_empty() => return Err(why),
            Err(why) => {
                let why = format!("the next connection of the endpoint could not be tried: {why}");
                let tried = Tried {
                    case: *case,
                    outcome: Outcome::Failed(why),
                    lines: log.lines(),
                    took: begin.elapsed(),
                };
                done(&tried);
                report.tried.push(tried);
                continue;
            }
        };
        let outcome = match case.run {
            Run::Endpoint(run) => outcome(run(&mut tested)),
            Run::Relay(_) => Outcome::Skipped("it is for relays".into()),
        };
        let outcome = match tested.skipped {
            Some(why) if outcome == Outcome::Passed => Outcome::Skipped(why.into()),
            _ => outcome,
        };
        drop(tested);
        let tried = Tried { case: *case, outcome, lines: log.lines(), took: begin.elapsed() };
        done(&tried);
        report.tried.push(tried);
    }
    endpoint::dismiss(listener, options.patience);
    Ok(report)
}
