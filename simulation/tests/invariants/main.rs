//! Random programs over a network that makes life hard: whatever happens, everything that arrives
//! is right, and nothing is missing.
//!
//! - In each channel and direction everything arrives whole, in order, and once; while the
//!   connections live, nothing is lost.
//! - Nothing reaches somebody it is not for: no other user, none who has left, none who has the
//!   number of one who has left.
//! - Every channel and every user is told once when it comes and once when it goes, in the order of
//!   what the relay did.
//! - The relay's queues stay within their bounds; a link's memory is fixed anyway.
//! - Every stall ends: programs are woken by nothing but what their links say they wait for, and
//!   all is delivered in the end; a busy loop is an error.
//! - A run that is repeated with its seed has the same history, byte for byte.
//! - In the end everybody goes, and the relay has forgotten everything.
//!
//! A run is one seed. One that fails is printed with the command that repeats it and shows its
//! history. `PEOTE_NET_RUNS` is the number of runs of each test, `PEOTE_NET_SEED` the first seed.

mod memory;
mod message;
mod model;
mod node;
mod run;
mod weather;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use weather::Weather;

/// Every so many runs, one is repeated.
const REPEATED: u64 = 10;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn runs(weather: Weather, test: &str, runs: u64) {
    let seed = number("PEOTE_NET_SEED");
    let count = number("PEOTE_NET_RUNS").unwrap_or(if seed.is_some() { 1 } else { runs });
    let first = seed.unwrap_or_default();
    let print = seed.is_some() && count == 1;
    let mut messages = 0;
    for seed in first..first + count {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let end = run::run(seed, weather, print);
            if seed % REPEATED == 0 {
                assert_eq!(run::run(seed, weather, false), end, "repeated, the run has another history");
            }
            end
        }));
        match result {
            Ok(end) => messages += end.received,
            Err(panic) => {
                eprintln!("\nseed {seed} fails; to repeat it and see its history:");
                eprintln!(
                    "PEOTE_NET_SEED={seed} cargo test -p peote-net-simulation --test invariants {test}\n"
                );
                resume_unwind(panic);
            }
        }
    }
    println!("{count} runs, {messages} messages received");
    assert!(count < 100 || messages > count * 10, "the runs have hardly anything to check");
}

#[test]
fn lines_that_cut_and_delay() {
    runs(Weather::Calm, "lines_that_cut_and_delay", 200);
}

#[test]
fn lines_that_stall_and_change() {
    runs(Weather::Unsteady, "lines_that_stall_and_change", 400);
}

#[test]
fn lines_that_break() {
    runs(Weather::Breaking, "lines_that_break", 800);
}

#[test]
fn relays_that_restart() {
    runs(Weather::Restarting, "relays_that_restart", 600);
}
