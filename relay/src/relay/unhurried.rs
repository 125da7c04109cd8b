//! Connections that are looked at once in a millisecond.
//!
//! Where many talk to one, as the players in a room of a game do, each message wakes the relay up
//! and is written to the one by itself, which costs ten times as much as all else about the
//! message. So connections that talk to one that is [written often](crate::pace) are asked for
//! events by themselves, and what has come from them is served in one go. Whoever says something to
//! anybody else is in a hurry again.

use std::io;

use super::Relay;
use crate::system::{Event, Events, Interest, Poll, Registry, Token};

/// Microseconds between two looks at connections that are in no hurry. The system counts
/// milliseconds and rounds up, so a look that is due in less than half of that comes at once. While
/// there is something to do it comes later, by so much at most.
const EVERY: u64 = 1000;
const LATER: u64 = 1000;

/// How often nothing has come of all of them before they are in a hurry again.
const IDLE: u32 = 20;

/// How often a connection that has said something only to those who are written often is in a hurry
/// still.
const HURRIED: u8 = 2;

/// What tells of events of connections that are in no hurry.
#[derive(Debug)]
pub(super) struct Unhurried {
    poll: Poll,
    count: usize,
    /// When it was asked, in microseconds, and up to when everything that was ready is noted, in
    /// milliseconds.
    asked_at: u64,
    noted: u64,
    /// How often nothing had come since something had.
    idle: u32,
}

impl Unhurried {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, count: 0, asked_at: 0, noted: 0, idle: 0 })
    }

    /// When to look, in microseconds.
    pub(super) fn next(&self) -> Option<u64> {
        (self.count > 0).then_some(self.asked_at + EVERY)
    }
}

impl Relay {
    /// Where the socket of a connection is registered.
    pub(super) fn registry_of(&self, is_unhurried: bool) -> &Registry {
        if is_unhurried { self.unhurried.poll.registry() } else { self.poll.registry() }
    }

    /// A connection that was in no hurry goes.
    pub(super) fn count_off_unhurried(&mut self) {
        self.unhurried.count = self.unhurried.count.saturating_sub(1);
    }

    /// Looks at those that are in no hurry, if it is time.
    ///
    /// Returns the time up to which everything that was ready has been noted, which is `before` at
    /// most.
    pub(super) fn ask_unhurried(
        &mut self,
        events: &mut Events,
        before: u64,
        note: &impl Fn(&mut Self, &Event),
    ) -> io::Result<u64> {
        let Some(next) = self.unhurried.next() else { return Ok(before) };
        let now = self.connections.now_micros;
        if now + EVERY / 2 < next || self.has_work() && now < next + LATER {
            return Ok(before.min(self.unhurried.noted));
        }
        let count = self.ask(events, |relay| &mut relay.unhurried.poll, note)?;
        self.unhurried.asked_at = now;
        self.unhurried.noted = before;
        self.unhurried.idle = if count > 0 { 0 } else { self.unhurried.idle + 1 };
        if self.unhurried.idle >= IDLE {
            self.hurry_all();
        }
        Ok(before)
    }

    /// Says how much of a hurry a connection is in that was served: to whom it has said something
    /// is known.
    pub(super) fn note_hurry(&mut self, index: u32) {
        let (is_calm, is_urgent) = (self.connections.is_calm, self.connections.is_urgent);
        let Some(connection) = self.connections.get(index) else { return };
        if is_urgent {
            connection.calm = 0;
        } else if is_calm {
            connection.calm = (connection.calm + 1).min(HURRIED);
        }
        let is_unhurried = connection.calm == HURRIED;
        if is_unhurried != connection.flags.unhurried {
            self.set_hurry(index, is_unhurried);
        }
    }

    fn hurry_all(&mut self) {
        for index in 0..self.connections.slots.len() {
            let index = crate::places::narrow(index);
            if self.connections.get(index).is_some_and(|connection| connection.flags.unhurried) {
                self.set_hurry(index, false);
            }
        }
        self.unhurried.idle = 0;
    }

    fn set_hurry(&mut self, index: u32, is_unhurried: bool) {
        let Self { poll, unhurried, connections, .. } = self;
        let Some(connection) = connections.get(index) else { return };
        let (from, to) = match is_unhurried {
            true => (poll.registry(), unhurried.poll.registry()),
            false => (unhurried.poll.registry(), poll.registry()),
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(index as usize);
        connection.flags.unhurried = is_unhurried;
        connection.calm = if is_unhurried { HURRIED } else { 0 };
        unhurried.count = if is_unhurried { unhurried.count + 1 } else { unhurried.count.saturating_sub(1) };
        // whatever is ready is told anew
        let moved = from
            .deregister(connection.socket())
            .and_then(|()| to.register(connection.socket(), token, interest));
        if moved.is_err() {
            // the system is out of memory: what is not told any more has to be looked at
            connection.flags.readable = true;
            connection.flags.read_closed = true;
            connections.list(index);
        }
    }
}
