//! What is to be said or granted when a queue has drained: a list for each connection.

use super::host::{ConnectionId, Host};
use super::slots::{Flags, SideSlot};
use super::tables::Tables;
use super::windows::{MOST, SERVER, USER, other};
use crate::protocol::to_endpoint;

/// Room for a grant.
const GRANT: usize = to_endpoint::grant_from_user(0, 0, 0).len();

impl Tables<'_> {
    /// One side of a membership.
    pub(super) fn side(&self, index: u32, side: usize) -> Option<&SideSlot> {
        self.flow(index)?.sides.get(side)
    }

    pub(super) fn side_mut(&mut self, index: u32, side: usize) -> Option<&mut SideSlot> {
        self.flow_mut(index)?.sides.get_mut(side)
    }

    /// The connection on that side of a membership.
    pub(super) fn connection_at(&self, index: u32, side: usize) -> Option<ConnectionId> {
        let membership = self.membership(index)?;
        Some(if side == USER { membership.user } else { membership.server })
    }

    /// Whether that side of a membership takes part.
    pub(super) fn takes_part_at(&self, index: u32, side: usize) -> bool {
        let flag = if side == USER { Flags::USER_PART } else { Flags::SERVER_PART };
        self.membership(index).is_some_and(|membership| membership.flags.has(flag))
    }

    /// Puts a side on the list of its connection.
    pub(super) fn wait<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(id) = self.connection_at(index, side) else { return };
        let this = link(index, side);
        match self.side_mut(index, side) {
            Some(slot) if !slot.is_waiting => slot.is_waiting = true,
            _ => return,
        }
        let Some(connection) = self.parts.connections.get_mut(id.index()) else { return };
        let next = core::mem::replace(&mut connection.waiting, this);
        let is_first = next == 0;
        if let Some(slot) = self.side_mut(index, side) {
            (slot.next, slot.before) = (next, 0);
        }
        if let Some(slot) = self.linked(next) {
            slot.before = this;
        }
        if is_first {
            host.waits(id, true);
        }
    }

    /// Takes a side off the list of its connection.
    pub(super) fn wait_no_more<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(id) = self.connection_at(index, side) else { return };
        self.unlink(index, side, id, host);
    }

    /// The same where the membership may be gone from the tables.
    pub(super) fn unlink<H: Host>(&mut self, index: u32, side: usize, id: ConnectionId, host: &mut H) {
        let Some(slot) = self.side_mut(index, side).filter(|slot| slot.is_waiting) else { return };
        slot.is_waiting = false;
        let (before, next) = (core::mem::take(&mut slot.before), core::mem::take(&mut slot.next));
        if let Some(slot) = self.linked(next) {
            slot.before = before;
        }
        if let Some(slot) = self.linked(before) {
            slot.next = next;
            return;
        }
        let Some(connection) = self.parts.connections.get_mut(id.index()) else { return };
        connection.waiting = next;
        if next == 0 {
            host.waits(id, false);
        }
    }

    fn linked(&mut self, link: u32) -> Option<&mut SideSlot> {
        let (index, side) = unlinked(link)?;
        self.side_mut(index, side)
    }

    /// The queue of a connection has drained: says what waits for that, as far as there is room.
    pub(super) fn drained<H: Host>(&mut self, id: ConnectionId, host: &mut H) {
        // each round takes one off the list
        for _ in 0..self.counters.memberships.now().saturating_mul(2) {
            let Some((index, side)) = self.connection(id).and_then(|slot| unlinked(slot.waiting)) else {
                return;
            };
            if self.takes_part_at(index, side) {
                if host.free(id) < GRANT {
                    return;
                }
                self.wait_no_more(index, side, host);
                self.tell_grant(index, side, host);
            } else {
                if !host.is_drained(id) {
                    return;
                }
                self.wait_no_more(index, side, host);
                self.grant_for(index, side, host);
            }
        }
    }

    /// Tells a side that takes part of a grant, or of being asked for one (0 bytes), at once or
    /// when its queue has room.
    pub(super) fn grant_to<H: Host>(&mut self, index: u32, side: usize, bytes: u32, host: &mut H) {
        let Some(slot) = self.side_mut(index, side) else { return };
        slot.grant = slot.grant.saturating_add(bytes).min(MOST);
        slot.is_asked |= bytes == 0;
        let Some(id) = self.connection_at(index, side) else { return };
        if host.free(id) < GRANT {
            return self.wait(index, side, host);
        }
        self.tell_grant(index, side, host);
    }

    fn tell_grant<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(slot) = self.side_mut(index, side) else { return };
        let (bytes, is_asked) = (core::mem::take(&mut slot.grant), core::mem::take(&mut slot.is_asked));
        let Some(membership) = self.membership(index) else { return };
        for (bytes, is_said) in [(bytes, bytes > 0), (0, is_asked)] {
            if is_said && side == USER {
                host.push(membership.user, &to_endpoint::grant_from_server(membership.at_user, bytes), &[]);
            } else if is_said {
                let grant = to_endpoint::grant_from_user(membership.at_server, membership.number, bytes);
                host.push(membership.server, &grant, &[]);
            }
        }
    }

    /// Grants all for a side that does not take part.
    pub(super) fn grant_for<H: Host>(&mut self, index: u32, side: usize, host: &mut H) {
        let Some(slot) = self.side_mut(index, side) else { return };
        slot.is_asked = false;
        let bytes = core::mem::take(&mut slot.count);
        if bytes > 0 {
            self.grant_to(index, other(side), bytes, host);
        }
    }
}

/// What stands for a side in a list: never 0.
const fn link(index: u32, side: usize) -> u32 {
    (index.wrapping_shl(1) | (side == SERVER) as u32).saturating_add(1)
}

const fn unlinked(link: u32) -> Option<(u32, usize)> {
    match link.checked_sub(1) {
        Some(both) => Some((both >> 1, if both & 1 == 0 { USER } else { SERVER })),
        None => None,
    }
}
