//! What parties may send, and granting more.

use super::state::FlowState;
use super::window::Window;
use crate::link::ring::Ring;
use crate::link::send::Out;
use crate::link::slots::{Key, PartyRef, PartySlot, PartyState};
use crate::protocol::to_relay;

/// Bytes of the longest grant.
pub(super) const GRANT: usize = 10;

/// Queues a grant of `bytes` for a party, for which there is room; 0 asks for one. Returns false if
/// the party has no number on the wire.
pub(super) fn push_grant(ring: &mut Ring, memory: &mut [u8], party: PartyState, bytes: u32) -> bool {
    match party {
        PartyState::Entered { number, .. } => ring.push(memory, &to_relay::grant_server(number, bytes)),
        PartyState::User { number, user, .. } if cfg!(feature = "server") => {
            ring.push(memory, &to_relay::grant_user(number, user, bytes));
        }
        _ => return false,
    }
    true
}

/// Bytes of a slot as a window, which are as many as the other end is told.
pub(super) fn own_window(slot: usize) -> u32 {
    u32::try_from(slot).map_or(Window::MAX, |slot| slot.min(Window::MAX))
}

/// Bytes of a slot, which has at most 2^28.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most 2^28")]
const fn bytes(of_slot: usize) -> i32 {
    of_slot as i32
}

impl PartySlot {
    /// Takes note of `used` bytes that have come, of which the slot had `stored` before.
    fn count(&mut self, used: usize, stored: usize) {
        let taken = used.wrapping_add(stored).saturating_sub(PartySlot::stored(self));
        self.taken = self.taken.saturating_add(i32::try_from(taken).unwrap_or(i32::MAX));
    }

    /// Returns true if it is time to grant what has been taken, of a slot of `size` bytes.
    fn is_due(&self, size: usize) -> bool {
        if self.window.is_none() || self.taken <= 0 {
            return false;
        }
        // a slot has at most 2^28 bytes
        let untaken = own_window(size).wrapping_sub(self.taken.unsigned_abs()).cast_signed();
        let may_still_come = untaken.wrapping_sub(bytes(PartySlot::stored(self)));
        self.window.has(Window::EAGER)
            || self.taken >= untaken
            || may_still_come < bytes(self.assembler.left())
    }
}

/// Takes note of what a party has sent: `used` bytes, of which the slot had `stored` before.
#[inline]
pub(in crate::link) fn came(
    state: &mut FlowState,
    party: &mut PartySlot,
    used: usize,
    stored: usize,
    size: usize,
) {
    if !party.window.is_none() {
        party.count(used, stored);
        state.is_due |= party.is_due(size);
    }
}

/// Takes note of an event that is kept after all: its `len` bytes are in the slot.
pub(in crate::link) fn kept(party: &mut PartySlot, len: usize) {
    if !party.window.is_none() {
        party.taken = party.taken.saturating_sub(i32::try_from(len).unwrap_or(i32::MAX));
    }
}

/// The same for the party in a slot.
#[inline]
pub(in crate::link) fn stored_of(parties: &[PartySlot], party: PartyRef) -> usize {
    parties.get(usize::from(party.slot)).map_or(0, stored)
}

/// Returns how many bytes of a party's slot are in use.
#[inline]
pub(in crate::link) fn stored(party: &PartySlot) -> usize {
    party.stored()
}

/// Returns true if a party whose slot is full has sent more than it may.
pub(in crate::link) fn is_liar(party: &PartySlot) -> bool {
    !party.window.is_none() && party.taken >= 0
}

impl Out<'_> {
    /// Queues the grants that are due, as far as there is room.
    #[inline]
    pub(in crate::link) fn pay_grants(&mut self) {
        if self.state.flow.is_due {
            self.pay_all_grants();
        }
    }

    #[cold]
    fn pay_all_grants(&mut self) {
        let size = self.parts.window;
        let used = self.used_slots();
        let parties = self.parts.parties.iter_mut().take(used);
        for party in parties.filter(|party| party.is_due(size)) {
            if self.state.ring.free(self.parts.transmit) < GRANT {
                return;
            }
            let bytes = party.taken.unsigned_abs();
            push_grant(&mut self.state.ring, self.parts.transmit, party.state, bytes);
            party.taken = 0;
            if party.stored() == 0 {
                party.window.set(Window::EAGER, false);
            }
        }
        self.state.flow.is_due = false;
    }

    /// A party has windows from now on: `send` bytes may be sent to it, less those that were sent
    /// since the hello, and it may send `receive` bytes more; as many as its slot has if that is
    /// not said.
    pub(in crate::link) fn raise(&mut self, party: PartyRef, send: u32, receive: Option<u32>) {
        let size = own_window(self.parts.window);
        let receive = receive.map_or(size, |receive| receive.min(Window::MAX));
        let Some(slot) = self.parts.parties.get_mut(usize::from(party.slot)) else { return };
        slot.window.begin(send);
        slot.taken = size.wrapping_sub(receive).cast_signed().wrapping_sub(bytes(PartySlot::stored(slot)));
        self.state.flow.in_force = true;
        self.state.flow.is_due |= slot.is_due(self.parts.window);
        // what is kept may wait for this
        self.state.room.written();
    }

    /// A party grants more bytes.
    pub(in crate::link) fn granted(&mut self, key: Key, bytes: u32) {
        let Some(party) = self.tables().find(key) else { return };
        let Some(slot) = self.parts.parties.get_mut(usize::from(party.slot)) else { return };
        if slot.window.is_none() {
            return;
        }
        if bytes == 0 {
            slot.window.set(Window::EAGER, true);
            self.state.flow.is_due = true;
            return;
        }
        slot.window.set(Window::ASKED, false);
        slot.outstanding = slot.outstanding.saturating_sub_unsigned(bytes);
        if slot.outstanding < 0 {
            // It entered before its hello, or before that of this link, and began with the relay's
            // window. Its own is greater.
            slot.window.grow(slot.outstanding.unsigned_abs());
            slot.outstanding = 0;
        }
        // what is kept may wait for this
        self.state.room.written();
    }
}
