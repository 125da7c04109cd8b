//! Cases for relays. This program is the endpoints.

mod admission;
mod broadcast;
mod channels;
mod cuts;
mod data;
mod events;
mod extensions;
mod hello;
mod illegal;
mod names;
mod partner;
mod peer;
mod strain;
pub(crate) mod target;
mod websocket;
mod windows;

use crate::case::{Case, Level, Outcome, Run};

pub(crate) use peer::Peer;
pub(crate) use target::{Pair, Target};

pub(crate) fn cases() -> Vec<Case> {
    [
        names::CASES,
        channels::CASES,
        data::CASES,
        broadcast::CASES,
        events::CASES,
        cuts::CASES,
        illegal::CASES,
        websocket::CASES,
        strain::CASES,
        extensions::CASES,
        hello::CASES,
        windows::CASES,
        admission::CASES,
    ]
    .concat()
}

const fn tolerant(name: &'static str, title: &'static str, run: fn(&Target) -> Outcome) -> Case {
    Case::new(name, Level::Tolerant, title, Run::Relay(run))
}

const fn strict(name: &'static str, title: &'static str, run: fn(&Target) -> Outcome) -> Case {
    Case::new(name, Level::Strict, title, Run::Relay(run))
}
