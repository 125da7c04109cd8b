//! A party's slot while something waits in it.

use super::{PartyKept, Waiting};
use crate::link::flow;
use crate::link::slots::PartySlot;

/// Adds what a party says behind what waits in its slot, `memory`. Returns how many bytes it has
/// room for.
#[cold]
pub(in crate::link) fn store(party: &mut PartySlot, piece: &[u8], memory: &mut [u8]) -> usize {
    if !matches!(party.kept.waiting(), Waiting::Opened | Waiting::Bytes) || party.window.is_outlaw() {
        return piece.len(); // what comes behind a violation or an end says nothing
    }
    let slot_size = memory.len().min(PartyKept::MAX_SLOT);
    let memory = memory.get_mut(..slot_size).unwrap_or_default();
    let stored = party.assembler.stored();
    let mut end = party.kept.start().saturating_add(stored);
    if memory.len().saturating_sub(end) < piece.len() {
        crate::bytes::move_to_front(memory, party.kept.start(), end.min(memory.len()));
        party.kept = PartyKept::new(party.kept.waiting(), 0);
        end = stored;
    }
    let room = memory.get_mut(end..).unwrap_or_default();
    let count = piece.len().min(room.len());
    if count < piece.len() && flow::is_liar(party) {
        // more than its window: what it says from here on cannot be followed
        party.window.outlaw();
        return piece.len();
    }
    crate::bytes::copy_to(room, 0, piece.get(..count).unwrap_or_default());
    party.assembler.add_stored(count);
    count
}

impl PartySlot {
    /// The event at the front of the slot has been dealt with: goes on to the next one. Returns
    /// what waits now.
    pub(super) fn go_on(&mut self, memory: &mut [u8]) -> PartyKept {
        let (len, stored) = self.assembler.take_kept();
        let mut start = self.kept.start().saturating_add(len);
        let mut left = stored.saturating_sub(len);
        let next = if self.limit.is_none() {
            self.assembler.keep(left, left);
            if left > 0 { Waiting::Bytes } else { Waiting::Nothing }
        } else {
            let raw = memory.get(start..start.saturating_add(left)).unwrap_or_default();
            let used = self.assembler.take_length(self.limit, raw);
            start = start.saturating_add(used);
            left = left.saturating_sub(used);
            if self.assembler.is_in_chunk() {
                self.assembler.add_stored(left);
                if self.assembler.kept_len() <= left { Waiting::Bytes } else { Waiting::Nothing }
            } else if self.assembler.take_violation(self.limit).is_some() {
                Waiting::Malicious
            } else {
                Waiting::Nothing
            }
        };
        let next = if next == Waiting::Nothing && self.window.is_outlaw() {
            self.assembler.break_window();
            Waiting::Malicious
        } else {
            next
        };
        if next != Waiting::Nothing {
            return PartyKept::new(next, start);
        }
        if self.is_ending() {
            return PartyKept::new(Waiting::End, 0);
        }
        // the beginning of a chunk, which is put together at the front of the slot
        let end = start.saturating_add(left).min(memory.len());
        crate::bytes::move_to_front(memory, start.min(end), end);
        if self.limit.is_none() {
            self.assembler.keep(0, 0);
        }
        PartyKept::NOTHING
    }
}
