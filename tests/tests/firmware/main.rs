//! The firmware of examples/firmware on emulated boards with real network controllers, against a
//! real relay and desktop peers, and against each other.
//!
//! The images are built by `scripts/firmware`, which also sees to QEMU; set `PEOTE_FIRMWARE` to a
//! folder with images to use those.
#![cfg(unix)]

mod addresses;
mod cable;
mod calls;
mod echo;
mod faults;
mod hostile;
mod image;
#[path = "../../../examples/firmware/roles/src/lamp.rs"]
#[allow(dead_code, reason = "the board has the other half")]
mod lamp;
mod machine;
mod peer;
mod reconnect;
mod relay_board;
mod relay_thread;
mod roles;
mod runner;
#[path = "../common/running.rs"]
#[allow(dead_code, reason = "other tests run programs with it")]
mod running;
mod tls;
#[path = "../browser/tools.rs"]
#[allow(dead_code, reason = "other tests need a browser")]
mod tools;

use std::time::Duration;

/// How long anything may take. Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
