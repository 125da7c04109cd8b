//! Cases for endpoints. This program is the relay, and all other endpoints.

mod chunks;
mod commands;
mod data;
mod events;
mod extensions;
mod flow;
pub(crate) mod tested;

use crate::case::{Case, Level, Outcome, Run};

pub(crate) use tested::{Tested, dismiss};

pub(crate) fn cases() -> Vec<Case> {
    [commands::CASES, data::CASES, events::CASES, chunks::CASES, extensions::CASES, flow::CASES].concat()
}

const fn tolerant(name: &'static str, title: &'static str, run: fn(&mut Tested) -> Outcome) -> Case {
    Case::new(name, Level::Tolerant, title, Run::Endpoint(run))
}

const fn strict(name: &'static str, title: &'static str, run: fn(&mut Tested) -> Outcome) -> Case {
    Case::new(name, Level::Strict, title, Run::Endpoint(run))
}
