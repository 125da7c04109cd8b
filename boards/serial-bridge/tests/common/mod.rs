//! The parts of the tests.

#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

mod board;
mod bridge;
mod machine;
mod pty;
mod server;

use std::time::{Duration, Instant};

pub(crate) use board::{Board, Noise, Wire};
pub(crate) use bridge::{Bridge, Folder};
pub(crate) use machine::Machine;
pub(crate) use pty::Pty;
pub(crate) use server::{Served, Server};

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
