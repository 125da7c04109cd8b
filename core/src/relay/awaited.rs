//! Endpoints whose first command has said that a hello will come.
//!
//! Such an endpoint has little room, and says how much. Until its hello has come, no more than that
//! may be under way to it in each channel, and nothing is granted for it. Then it is told its
//! windows, and what it has not got yet is not in front of that.

use super::host::{ConnectionId, Host};
use super::knocks::low;
use super::slots::{ConnectionSlot, Stage};
use super::tables::Tables;
use super::windows::other;
use crate::protocol::items;
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::Command;
use crate::time::{Duration, Instant};

/// Milliseconds for which a hello is awaited. A program that chose its tags otherwise is not held
/// up for longer.
const AWAITED_MILLIS: u32 = 3_000;

impl Tables<'_> {
    /// A connection gives a command. The first one may say that a hello will come.
    pub(super) fn begin<H: Host>(&mut self, id: ConnectionId, command: Command, tag: u8, host: &mut H) {
        if self.stage(id) != Stage::New {
            return;
        }
        let is_known = self.capabilities(host).contains(Capabilities::HELLO);
        let window = match command {
            Command::Create | Command::Enter if is_known => items::first_window(tag),
            _ => None,
        };
        // the other sides are told no more than the host's window in any case
        let window = window.filter(|window| *window < host.window());
        let Some(slot) = self.connection(id) else { return };
        let Some(window) = window else {
            slot.stage = Stage::Fresh;
            return;
        };
        (slot.stage, slot.window) = (Stage::Awaited, window);
        slot.until = low(host.now()).wrapping_add(AWAITED_MILLIS);
        let this = id.index.saturating_add(1);
        let before = core::mem::replace(&mut self.counters.last_awaited, this);
        if let Some(slot) = self.connection(id) {
            (slot.before, slot.next) = (before, 0);
        }
        match self.linked_connection(before) {
            Some(slot) => slot.next = this,
            None => self.counters.first_awaited = this,
        }
    }

    fn linked_connection(&mut self, link: u32) -> Option<&mut ConnectionSlot> {
        self.parts.connections.get_mut(link.checked_sub(1)? as usize)
    }

    /// Takes a connection off the list of those whose hello is awaited, if it is there.
    pub(super) fn forget_awaited(&mut self, id: ConnectionId) {
        let Some(slot) = self.connection(id).filter(|slot| slot.stage == Stage::Awaited) else { return };
        slot.stage = Stage::Fresh;
        let (before, next) = (core::mem::take(&mut slot.before), core::mem::take(&mut slot.next));
        match self.linked_connection(before) {
            Some(slot) => slot.next = next,
            None => self.counters.first_awaited = next,
        }
        match self.linked_connection(next) {
            Some(slot) => slot.before = before,
            None => self.counters.last_awaited = before,
        }
    }

    /// A connection has said hello, and takes part.
    pub(super) fn takes_part_from_now(&mut self, id: ConnectionId, window: u32) {
        self.forget_awaited(id);
        if let Some(slot) = self.connection(id) {
            (slot.stage, slot.window) = (Stage::Part, window);
        }
    }

    /// A connection has sent something that cannot stand in front of a hello, or a hello that says
    /// that it does not take part.
    pub(super) fn is_no_longer_fresh<H: Host>(&mut self, id: ConnectionId, host: &mut H) {
        if self.stage(id).may_say_hello() {
            self.be_existing(id, host);
        }
    }

    /// How much work it is when a connection's hello is awaited no more.
    pub(super) fn work_of_stage(&self, id: ConnectionId) -> usize {
        if self.stage(id) == Stage::Awaited { self.memberships_of(id) } else { 0 }
    }

    /// A connection is an existing endpoint from now on.
    fn be_existing<H: Host>(&mut self, id: ConnectionId, host: &mut H) {
        let was_awaited = self.stage(id) == Stage::Awaited;
        self.forget_awaited(id);
        let Some(slot) = self.connection(id) else { return };
        slot.stage = Stage::Existing;
        if was_awaited {
            let window = core::mem::take(&mut slot.window);
            self.for_each_side(id, |tables, index, side| tables.await_no_more(index, side, window, host));
        }
    }

    /// The hello of one side of a membership is awaited no more, and it is an existing endpoint.
    /// The other side was told that `told` bytes may be under way to it.
    fn await_no_more<H: Host>(&mut self, index: u32, side: usize, told: u32, host: &mut H) {
        if self.takes_part_at(index, other(side)) {
            self.widen(index, other(side), host.window().saturating_sub(told), host);
            return self.owe(index, side, host);
        }
        if let Some(slot) = self.side_mut(index, side) {
            slot.count = 0;
        }
        self.set_counted(index, side, false);
        self.resume(index, other(side), host);
    }

    /// The sender on one side of a membership may send more than it was told at first.
    pub(super) fn widen<H: Host>(&mut self, index: u32, sender: usize, bytes: u32, host: &mut H) {
        if bytes > 0 && self.takes_part_at(index, sender) {
            self.grant_to(index, sender, bytes, host);
        }
    }

    /// Awaits no hello any more that has not come in time. It does not count when it comes: the
    /// other sides have been granted what an existing endpoint may be sent, which is more than has
    /// room.
    pub(super) fn end_old_awaits<H: Host>(&mut self, host: &mut H) {
        let now = low(host.now());
        // each round takes one off the list
        for _ in 0..self.counters.connections.now() {
            let index = self.counters.first_awaited;
            let Some(slot) = self.linked_connection(index) else { return };
            if left(slot, now) > 0 {
                return;
            }
            let id = ConnectionId { index: index.saturating_sub(1), generation: slot.generation };
            self.be_existing(id, host);
        }
    }

    /// When the next hello is awaited no more.
    pub(super) fn next_await_ends(&mut self, now: Instant) -> Option<Instant> {
        let slot = self.linked_connection(self.counters.first_awaited)?;
        Some(now.saturating_add(Duration::from_millis(left(slot, low(now)).into())))
    }
}

/// Milliseconds for which a hello is still awaited. The deadlines are near to each other, so the
/// difference says whether it is over.
const fn left(slot: &ConnectionSlot, now: u32) -> u32 {
    let left = slot.until.wrapping_sub(now);
    if left > AWAITED_MILLIS { 0 } else { left }
}
