//! Users on the same link as the channel's server: what they say goes from one to the other without
//! the relay.
//!
//! Each local user has two lines, to its server and from it. A line is a ring of records: a head
//! (what it is, how long, when it is due) and the bytes that would have been a unit's payload. A
//! program that asks for lag or bandwidth gets it here.

mod delivery;
#[cfg(feature = "admission")]
mod door;
mod line;
mod membership;
mod sending;
mod simulated;
mod slots;

pub use simulated::SimulatedLine;
pub use slots::{LocalParts, LocalUserSlot, NameSlot};

pub(super) use delivery::Surroundings;
pub(super) use line::{LineRef, MAX_LINE};
pub(super) use membership::ChannelIs;
pub(super) use sending::{LocalPayload, LocalRoute};

use crate::time::Instant;

/// The first number of local users; those below come from the relay.
pub(super) const FIRST_LOCAL_USER: u16 = 256;

/// What a link keeps about its local users, besides their slots.
#[derive(Debug)]
pub(in crate::link) struct LocalState {
    /// The line behind which the search for the next one that has something starts.
    cursor: LineRef,
    /// Where the search for a free place starts, so that numbers are reused late.
    fresh: u16,
    /// Places that are taken.
    live: u16,
    /// Something was queued, or became possible, since the last round.
    wake: bool,
    /// Nothing more is due in this round.
    exhausted: bool,
    /// An event has been dealt with in this round.
    progressed: bool,
    /// The relay's events come first.
    is_behind_relay: bool,
    /// A name is being deleted.
    deleting: bool,
    /// Lines whose event is kept for the next round.
    kept: u16,
    /// When the next record is due, as of the end of the last round.
    next_due: Option<Instant>,
}

impl LocalState {
    pub(in crate::link) const fn new() -> Self {
        Self {
            cursor: LineRef { user: 0, to_server: false },
            fresh: 0,
            live: 0,
            wake: false,
            exhausted: false,
            progressed: false,
            is_behind_relay: false,
            deleting: false,
            kept: 0,
            next_due: None,
        }
    }

    /// Whether there are no local users. Then nothing of all this is set.
    pub(in crate::link) const fn is_idle(&self) -> bool {
        self.live == 0
    }

    /// Returns true if the relay's events come before those of local users in this round.
    pub(in crate::link) const fn is_behind_relay(&self) -> bool {
        self.is_behind_relay
    }

    /// The program takes no more events in this round. If the last one was not the relay's, the
    /// relay comes first in the next round.
    pub(in crate::link) const fn take_turns(&mut self, is_relay: bool) {
        self.is_behind_relay = !is_relay;
    }

    /// Returns true if an event of a line is kept.
    pub(in crate::link) const fn has_kept(&self) -> bool {
        self.kept > 0
    }

    /// When the link has to be polled for its local users.
    pub(in crate::link) fn next_deadline(&self) -> Option<Instant> {
        if self.wake { Some(Instant::ZERO) } else { self.next_due }
    }
}

/// The local users of a link, for the length of one call.
#[derive(Debug)]
pub(in crate::link) struct Local<'a> {
    state: &'a mut LocalState,
    parts: LocalParts<'a>,
}

impl<'a> Local<'a> {
    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) const fn new(state: &'a mut LocalState, parts: LocalParts<'a>) -> Self {
        Self { state, parts }
    }
}
