//! A party's slot while something waits in it.

use super::state::{PartyKept, Waiting};
use crate::link::flow;
use crate::link::slots::PartySlot;

/// Adds what a party says behind what waits in its slot, `memory`. Returns how many bytes it has
/// room for.
#[cold]
pub(in crate::link) fn store(party: &mut PartySlot, piece: &[u8], memory: &mut [u8]) -> usize {
    if !matches!(party.kept.waiting(), Waiting::Opened | Waiting::Bytes) || party.window.is_outlaw() {
        return piece.len(); // what comes behind a violation or an end says nothing
    }
    // Behind what has no bytes the first length is taken at once. So a chunk has room whatever its
    // size, as it may go to a window that is full.
    let mut field = 0usize;
    if !party.limit.is_none() && !party.assembler.is_in_chunk() {
        field = party.assembler.take_length(party.limit, piece);
        if !party.assembler.is_in_chunk() {
            return piece.len();
        }
    }
    let piece = piece.get(field..).unwrap_or_default();
    let slot_size = memory.len().min(PartyKept::MAX_SLOT);
    let memory = memory.get_mut(..slot_size).unwrap_or_default();
    let stored = party.assembler.stored();
    let mut end = party.kept.start().saturating_add(stored);
    if memory.len().saturating_sub(end) < piece.len() {
        crate::bytes::move_to_front(memory, party.kept.start(), end.min(memory.len()));
        party.kept = party.kept.at_front();
        end = stored;
    }
    let room = memory.get_mut(end..).unwrap_or_default();
    let count = piece.len().min(room.len());
    if count < piece.len() && flow::is_liar(party) {
        // more than its window: what it says from here on cannot be followed
        party.window.outlaw();
        return field.saturating_add(piece.len());
    }
    crate::bytes::copy_to(room, 0, piece.get(..count).unwrap_or_default());
    party.assembler.add_stored(count);
    field.saturating_add(count)
}

impl PartySlot {
    /// The event at the front of the slot has been dealt with: goes on to the next one. Returns
    /// what waits now.
    pub(super) fn go_on(&mut self, memory: &mut [u8]) -> PartyKept {
        let (mut start, mut left) = (self.kept.start(), self.assembler.stored());
        if self.kept.waiting() == Waiting::Bytes {
            let (len, _) = self.assembler.take_kept();
            start = start.saturating_add(len);
            left = left.saturating_sub(len);
            let raw = memory.get(start..start.saturating_add(left)).unwrap_or_default();
            if !self.limit.is_none() {
                let used = self.assembler.take_length(self.limit, raw);
                start = start.saturating_add(used);
                left = left.saturating_sub(used);
                if self.assembler.is_in_chunk() {
                    self.assembler.add_stored(left);
                }
            }
        }
        let next = if self.limit.is_none() {
            self.assembler.keep(left, left);
            if left > 0 { Waiting::Bytes } else { Waiting::Nothing }
        } else if self.assembler.is_in_chunk() {
            if self.assembler.kept_len() <= left { Waiting::Bytes } else { Waiting::Nothing }
        } else if self.assembler.take_violation(self.limit).is_some() {
            Waiting::Malicious
        } else {
            Waiting::Nothing
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
