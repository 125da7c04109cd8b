//! Tries any relay and any endpoint against `docs/PROTOCOL.md`, the specification of the joint
//! protocol.
//!
//! Nothing here uses peote-net: the bytes are written out, and what comes is taken apart by a
//! reader of its own. So it can tell what is wrong with peote-net, too.
//!
//! A [`Case`] is named after the requirement that it tries. [`run()`] runs cases against a [`Peer`]
//! and returns a [`Report`], which has the bytes of each.

#![allow(clippy::cast_possible_truncation, reason = "fields and patterns are the low byte of a number")]

mod case;
mod conn;
mod endpoint;
mod junit;
mod log;
mod relay;
mod report;
mod run;
mod websocket;
mod wire;

pub use case::{Case, Extension, Level, Subject};
pub use junit::{junit, junit_of_nothing};
pub use log::Line;
pub use report::{Outcome, Report, Tried};
pub use run::{Options, Peer, Select, run};

/// Returns all cases for this kind of program, in the order in which they are run.
#[must_use]
pub fn cases(subject: Subject) -> Vec<Case> {
    match subject {
        Subject::Relay => relay::cases(),
        Subject::Endpoint => endpoint::cases(),
    }
}
