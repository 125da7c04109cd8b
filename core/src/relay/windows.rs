//! Windows: how many bytes may be under way in each direction of a membership.
//!
//! | sender | receiver | what [`SideSlot::count`](super::slots::SideSlot) of the receiver's side is |
//! |---|---|---|
//! | takes part | takes part | bytes that went into the queue above its bound, less what was granted since |
//! | takes part | existing, or its hello is awaited | bytes that went into the queue and have not been granted |
//! | existing | takes part, or its hello is awaited | bytes that may still be sent |
//! | existing | existing | bytes that were sent, while the receiver may still say hello |

use super::fitting::fitting;
use super::host::{ConnectionId, Host, Membership, Outcome};
use super::slots::{Flags, MembershipSlot, Stage};
use super::tables::Tables;
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::Grant;
use crate::protocol::{MAX_UNIT_PAYLOAD, MAX_USERS};

/// The sides of a membership, as places in [`FlowSlot::sides`](super::slots::FlowSlot).
pub(super) const USER: usize = 0;
pub(super) const SERVER: usize = 1;

/// The sum of grants stays below.
pub(super) const MOST: u32 = (1 << 31) - 1;

/// Bytes that a sender may be above the window of its receiver: the length field of the first
/// chunk.
const LENGTH: u32 = 5;

/// Bytes from an existing sender above which they are not counted any more.
const COUNTED: u32 = 64 * 1024;

/// The other side.
pub(super) const fn other(side: usize) -> usize {
    if side == USER { SERVER } else { USER }
}

/// What is counted in one direction of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    BothPart,
    ToExisting,
    /// Like that, but nothing is granted.
    ToAwaited,
    /// The receiver takes part, or its hello is awaited.
    FromExisting,
    BothExisting,
}

/// How much of a piece may go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Room {
    /// So many bytes, of which nothing is to be known.
    Bytes(usize),
    /// So many bytes, which are to be [counted](Tables::count).
    Counted(usize),
    None(Outcome),
    /// None, and one of the two lies: more was sent than may be, or more granted than was taken.
    Overdrawn,
}

impl Tables<'_> {
    fn way(&self, to: &MembershipSlot, side: usize) -> Way {
        let (user, server) = (to.flags.has(Flags::USER_PART), to.flags.has(Flags::SERVER_PART));
        let (from, part, receiver) =
            if side == USER { (server, user, to.user) } else { (user, server, to.server) };
        match (from, part, self.stage(receiver) == Stage::Awaited) {
            (true, true, _) => Way::BothPart,
            (true, false, true) => Way::ToAwaited,
            (true, false, false) => Way::ToExisting,
            (false, true, _) | (false, false, true) => Way::FromExisting,
            (false, false, false) => Way::BothExisting,
        }
    }

    /// How much of a piece of `len` bytes may go to one side of a membership.
    #[inline]
    pub(super) fn room<H: Host>(
        &self,
        index: u32,
        to: &MembershipSlot,
        side: usize,
        len: usize,
        cut: usize,
        host: &H,
    ) -> Room {
        let receiver = if side == USER { to.user } else { to.server };
        let fits = fitting(len, host.free(receiver), cut);
        let counted = if side == USER { Flags::TO_USER } else { Flags::TO_SERVER };
        match fits {
            Some(fits) if fits == len && !to.flags.has(counted) => Room::Bytes(fits),
            _ => self.room_by_window(index, to, side, len, fits, host),
        }
    }

    #[cold]
    fn room_by_window<H: Host>(
        &self,
        index: u32,
        to: &MembershipSlot,
        side: usize,
        len: usize,
        fits: Option<usize>,
        host: &H,
    ) -> Room {
        let receiver = if side == USER { to.user } else { to.server };
        let count = self.side(index, side).map_or(0, |slot| slot.count);
        let whole = len.min(MAX_UNIT_PAYLOAD);
        let sum = count.saturating_add(narrow(whole));
        match (self.way(to, side), fits) {
            (Way::BothPart, _) if sum <= self.promised(receiver, host).saturating_add(LENGTH) => {
                Room::Counted(whole)
            }
            (Way::BothPart, None) => Room::Overdrawn,
            (Way::ToExisting | Way::ToAwaited, _) if sum <= host.window() => Room::Counted(whole),
            (Way::FromExisting, _) if count == 0 => {
                Room::None(Outcome::WaitForWindow(Membership { index, sequence: to.sequence }))
            }
            (Way::FromExisting, _) => Room::Counted(whole.min(count as usize)),
            (_, Some(fits)) => Room::Counted(fits),
            (_, None) => Room::None(Outcome::WaitFor(receiver)),
        }
    }

    /// How many bytes may go to one side of a membership where all of them are counted, as one side
    /// takes part.
    pub(super) fn countable<H: Host>(
        &self,
        index: u32,
        to: &MembershipSlot,
        side: usize,
        host: &H,
    ) -> Option<usize> {
        let count = self.side(index, side)?.count;
        match self.way(to, side) {
            Way::FromExisting => Some(count as usize),
            Way::ToExisting | Way::ToAwaited => Some(host.window().saturating_sub(count) as usize),
            Way::BothPart | Way::BothExisting => None,
        }
    }

    /// The most that is queued for an endpoint that takes part although its queue has no room. It
    /// may be more than its window: a chunk goes whole where nothing else is under way, and before
    /// its hello more was promised.
    fn promised<H: Host>(&self, receiver: ConnectionId, host: &H) -> u32 {
        self.window(receiver).max(host.window())
    }

    /// Counts bytes that are about to be pushed to one side of a membership.
    #[cold]
    pub(super) fn count<H: Host>(&mut self, index: u32, side: usize, len: usize, host: &mut H) {
        let Some(to) = self.membership(index) else { return };
        let (receiver, way) = (if side == USER { to.user } else { to.server }, self.way(to, side));
        let free = host.free(receiver);
        let is_fresh = self.stage(receiver).may_say_hello();
        let Some(slot) = self.side_mut(index, side) else { return };
        let len = narrow(len);
        match way {
            Way::BothPart if free >= (len as usize).saturating_add(4) => {}
            Way::BothPart | Way::ToAwaited => slot.count = slot.count.saturating_add(len),
            Way::FromExisting => slot.count = slot.count.saturating_sub(len),
            Way::BothExisting => {
                slot.count = slot.count.saturating_add(len);
                if slot.count > COUNTED || !is_fresh {
                    self.set_counted(index, side, false);
                }
            }
            Way::ToExisting => {
                slot.count = slot.count.saturating_add(len);
                self.owe(index, side, host);
            }
        }
    }

    /// Grants for an existing receiver, now or when its queue has drained, if it is time for that.
    /// For one whose hello is awaited it is not.
    pub(super) fn owe<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(receiver) = self.connection_at(index, side) else { return };
        let Some(slot) = self.side(index, side) else { return };
        let is_time = slot.is_asked || slot.count >= host.window() / 2;
        if !is_time || self.stage(receiver) == Stage::Awaited {
            return;
        }
        if !host.is_drained(receiver) {
            return self.wait(index, side, host);
        }
        self.grant_for(index, side, host);
    }

    pub(super) fn set_counted(&mut self, index: u32, side: usize, is_counted: bool) {
        let flag = if side == USER { Flags::TO_USER } else { Flags::TO_SERVER };
        if let Some(membership) = self.membership_mut(index) {
            membership.flags = membership.flags.set(flag, is_counted);
        }
    }

    /// A membership begins.
    pub(super) fn begin_flow<H: Host>(&mut self, index: u32, host: &H) {
        let Some((user, server)) = self.membership(index).map(|to| (to.user, to.server)) else { return };
        if !self.capabilities(host).contains(Capabilities::HELLO) {
            return;
        }
        let (user, server) = (self.stage(user), self.stage(server));
        if let Some(membership) = self.membership_mut(index) {
            let flags = membership.flags.set(Flags::USER_PART, user == Stage::Part);
            membership.flags = flags.set(Flags::SERVER_PART, server == Stage::Part);
        }
        for (side, receiver) in [(USER, user), (SERVER, server)] {
            let Some(way) = self.membership(index).map(|to| self.way(to, side)) else { return };
            let count = if way == Way::FromExisting { self.window_at(index, side, host) } else { 0 };
            if let Some(slot) = self.side_mut(index, side) {
                slot.count = count.min(MOST);
            }
            self.set_counted(index, side, Self::is_always_counted(way, receiver));
        }
    }

    const fn is_always_counted(way: Way, receiver: Stage) -> bool {
        match way {
            Way::BothPart => false,
            Way::ToExisting | Way::ToAwaited | Way::FromExisting => true,
            Way::BothExisting => receiver.may_say_hello(),
        }
    }

    /// What may be under way to one side of a membership.
    pub(super) fn window_at<H: Host>(&self, index: u32, side: usize, host: &H) -> u32 {
        self.connection_at(index, side).map_or(0, |id| self.first_window(id, host))
    }

    /// What may be under way to a connection in each channel, as far as is known now.
    pub(super) fn first_window<H: Host>(&self, id: ConnectionId, host: &H) -> u32 {
        match self.stage(id) {
            Stage::Part | Stage::Awaited => self.window(id),
            Stage::New | Stage::Fresh | Stage::Existing => host.window(),
        }
    }

    /// The sender on one side of a membership may have waited for its window.
    pub(super) fn resume<H: Host>(&self, index: u32, sender: usize, host: &mut H) {
        if let Some(id) = self.connection_at(index, sender) {
            host.resume(id);
        }
    }

    /// One side of a membership takes part from now on. Returns what it may send, and what it may
    /// still receive. The other side was told that `told` bytes may be under way to it.
    pub(super) fn raise_flow<H: Host>(
        &mut self,
        index: u32,
        side: usize,
        told: u32,
        host: &mut H,
    ) -> (u32, u32) {
        // on whatever list it is: it owes no grant any more
        self.wait_no_more(index, side, host);
        let own = self.connection_at(index, side).map_or(0, |id| self.window(id));
        let flag = if side == USER { Flags::TO_USER } else { Flags::TO_SERVER };
        let was_counted = self.membership(index).is_some_and(|membership| membership.flags.has(flag));
        let count = self.side(index, side).map_or(0, |slot| slot.count);
        let is_from_part = self.takes_part_at(index, other(side));
        // less was told only where this was awaited
        let was_awaited = told < host.window();
        let receive = match (is_from_part, was_counted) {
            (true, _) if was_awaited => own.max(told).saturating_sub(count),
            (true, _) => told.saturating_sub(count),
            (false, _) if was_awaited => own.saturating_sub(told.saturating_sub(count)),
            (false, true) => own.saturating_sub(count),
            (false, false) => 0,
        };
        self.begin_flow(index, host);
        if is_from_part && was_awaited {
            self.widen(index, other(side), own.saturating_sub(told), host);
        } else if !is_from_part {
            if let Some(slot) = self.side_mut(index, side) {
                slot.count = receive.min(MOST);
            }
            self.resume(index, other(side), host);
        }
        (self.window_at(index, other(side), host), receive)
    }

    /// Ends the memberships in which a connection may send nothing. Returns how many.
    pub(super) fn end_used_up<H: Host>(&mut self, sender: ConnectionId, host: &mut H) -> usize {
        let mut ended = 0usize;
        self.for_each_side(sender, |tables, index, side| {
            if ended < MAX_USERS && tables.is_used_up(index, other(side)) {
                tables.end_too_slow(index, host);
                ended = ended.saturating_add(1);
            }
        });
        ended
    }

    /// Whether a sender that does not take part may send nothing to that side.
    fn is_used_up(&self, index: u32, side: usize) -> bool {
        let way = self.membership(index).map(|to| self.way(to, side));
        way == Some(Way::FromExisting) && self.side(index, side).is_some_and(|slot| slot.count == 0)
    }

    /// A membership is gone from the tables of numbers: takes it off all lists.
    pub(super) fn end_flow<H: Host>(&mut self, index: u32, membership: &MembershipSlot, host: &mut H) {
        if membership.flags.has(Flags::KNOCKS) {
            self.end_knock(index, membership);
            return;
        }
        self.unlink(index, USER, membership.user, host);
        self.unlink(index, SERVER, membership.server, host);
        // one that does not take part may have waited for a window
        for (side, sender) in [(USER, membership.server), (SERVER, membership.user)] {
            if self.way(membership, side) == Way::FromExisting {
                host.resume(sender);
            }
        }
    }

    /// An endpoint that takes part grants, or asks for a grant.
    pub(super) fn granted<H: Host>(&mut self, sender: ConnectionId, grant: Option<Grant>, host: &mut H) {
        let (index, side, bytes) = match grant {
            Some(Grant::Server { channel, bytes }) => (self.entered(sender, channel), USER, bytes),
            Some(Grant::User { channel, user, bytes }) => {
                (self.own(sender, channel).and_then(|channel| self.user(channel, user)), SERVER, bytes)
            }
            None => return,
        };
        let Some(index) = index.filter(|index| !self.knocks(*index)) else { return };
        let bytes = bytes.min(MOST);
        let to = other(side);
        match (self.takes_part_at(index, to), bytes) {
            (true, 0) => self.grant_to(index, to, 0, host),
            (true, _) => {
                if let Some(slot) = self.side_mut(index, side) {
                    slot.count = slot.count.saturating_sub(bytes);
                }
                self.grant_to(index, to, bytes, host);
            }
            // the relay answers for it
            (false, 0) => self.asked(index, to, host),
            (false, _) => {
                if let Some(slot) = self.side_mut(index, side) {
                    slot.count = slot.count.saturating_add(bytes).min(MOST);
                }
                if let Some(id) = self.connection_at(index, to) {
                    host.resume(id);
                }
            }
        }
    }

    /// A side that does not take part is asked for a grant.
    fn asked<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(slot) = self.side_mut(index, side) else { return };
        if slot.count == 0 {
            return;
        }
        slot.is_asked = true;
        self.owe(index, side, host);
    }

    /// A channel's server changes which users are left out of broadcasts to those that are ready.
    pub(super) fn leave_out(&mut self, sender: ConnectionId, payload: &[u8]) {
        let [channel, users @ ..] = payload else { return };
        let Some(channel) = self.own(sender, channel & 127) else { return };
        for user in users {
            let index = self.user(channel, *user);
            if let Some(membership) = index.and_then(|index| self.membership_mut(index))
                && !membership.flags.has(Flags::KNOCKS)
            {
                membership.flags = membership.flags.toggled(Flags::LEFT_OUT);
            }
        }
    }
}

/// A length of a payload, which fits.
#[expect(clippy::cast_possible_truncation, reason = "at most a unit's payload")]
const fn narrow(len: usize) -> u32 {
    len as u32
}
