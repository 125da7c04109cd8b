//! The whole relay lives: its own loop, queues, timers, limits, reload, drain and end, behind
//! simulated sockets and a virtual clock, with an operator, and endpoints that come and go over a
//! network that makes life hard.
//!
//! - What was accepted arrives whole, in order, once, and at nobody else; in the end nothing is
//!   missing.
//! - Each channel and each user is told once when it comes and once when it goes.
//! - Who asks for a channel, or knocks at one, has an answer.
//! - Who keeps to the rules and has a good line is never closed, however long the process stood
//!   still.
//! - Memory stays within its bound, queues within theirs, sockets within their limit.
//! - A user that grants nothing holds nobody up for ever.
//! - When all is quiet everybody can say the longest message to everybody.
//! - Whenever the relay sleeps there is nothing that it could do. When all is quiet it does sleep, and
//!   when all are gone it has forgotten everything.
//! - A life that is repeated with its seed is the same.
//!
//! A life is one seed. One that fails is printed with the command that repeats it. `PEOTE_NET_RUNS`
//! is the number of lives of each test, `PEOTE_NET_SEED` the first seed.

/// Prints what happens, if a single life is repeated.
macro_rules! trace {
    ($($what:tt)*) => {
        if crate::is_single() {
            println!("{:9} us: {}", simulated_system::now_micros(), format_args!($($what)*));
        }
    };
}

mod cast;
mod life;
mod message;
mod operator;
mod party;
mod tables;
mod terms;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use life::Kind;

/// Every so many lives, one is repeated.
const REPEATED: u64 = 10;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn is_single() -> bool {
    static IS_SINGLE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IS_SINGLE.get_or_init(|| {
        number("PEOTE_NET_SEED").is_some() && number("PEOTE_NET_RUNS").is_none_or(|runs| runs == 1)
    })
}

fn lives(kind: Kind, test: &str, count: u64) {
    let seed = number("PEOTE_NET_SEED");
    let count = number("PEOTE_NET_RUNS").unwrap_or(if seed.is_some() { 1 } else { count });
    let first = seed.unwrap_or_default();
    let mut heard = 0;
    for seed in first..first + count {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let end = life::live(seed, kind);
            if seed % REPEATED == 0 {
                assert_eq!(life::live(seed, kind), end, "repeated, the life is another one");
            }
            end.heard
        }));
        match result {
            Ok(messages) => heard += messages,
            Err(panic) => {
                eprintln!("\nseed {seed} fails; to repeat it:");
                eprintln!("PEOTE_NET_SEED={seed} cargo test -p peote-relay-simulation --test lives {test}\n");
                resume_unwind(panic);
            }
        }
    }
    println!("{count} lives, {heard} messages heard");
    assert!(count < 50 || heard > count * 20, "the lives have hardly anything to check");
}

#[test]
fn good_lines() {
    lives(Kind::Good, "good_lines", 60);
}

#[test]
fn lines_that_break() {
    lives(Kind::Breaking, "lines_that_break", 60);
}

#[test]
fn scarce_memory_and_descriptors() {
    lives(Kind::Scarce, "scarce_memory_and_descriptors", 60);
}

#[test]
fn ends() {
    lives(Kind::Ending, "ends", 60);
}
