//! From a party's data to events: raw data as it comes, chunks as they are complete.

use super::front::Queued;
use super::kept::store;
use super::slots::{PartyRef, PartySlot};

/// Takes in a piece of a party's data, up to the first event in it, which becomes `event`. Returns
/// how many bytes were used. Without the party the bytes are stale.
///
/// `at` is where the piece starts in the receive scratch.
#[cfg_attr(feature = "speed", inline(always))]
pub(super) fn take_in(
    from: PartyRef,
    piece: &[u8],
    at: usize,
    parties: &mut [PartySlot],
    chunks: &mut [u8],
    window: usize,
    event: &mut Queued,
) -> usize {
    let party = parties.get_mut(usize::from(from.slot));
    let Some(party) = party.filter(|party| party.generation == from.generation) else {
        return piece.len();
    };
    let slot = usize::from(from.slot).wrapping_mul(window);
    if party.kept.is_waiting() {
        let memory = chunks.get_mut(slot..).and_then(|chunks| chunks.get_mut(..window));
        return store(party, piece, memory.unwrap_or_default());
    }
    let limit = party.limit;
    let received = |start: usize, end: usize| {
        let (start, end) = (at.wrapping_add(start), at.wrapping_add(end));
        Queued::Received { from, start, end }
    };
    if limit.is_none() {
        #[cfg(feature = "flow")]
        if party.assembler.is_broken() {
            return piece.len();
        }
        // what a slot could not keep is an event of its own
        let len = if cfg!(feature = "flow") { piece.len().min(window) } else { piece.len() };
        *event = received(0, len);
        return len;
    }
    let start = party.assembler.take_length(limit, piece);
    if !party.assembler.is_in_chunk() {
        if party.assembler.take_violation(limit).is_some() {
            warning!("a peer broke the rules of chunks");
            *event = Queued::Malicious { from };
        }
        return piece.len();
    }
    let rest = piece.get(start..).unwrap_or_default();
    if let Some(len) = party.assembler.take_whole(rest) {
        let end = start.wrapping_add(len);
        *event = received(start, end);
        return end;
    }
    // a limit's maximum is at most the chunk size, so a chunk fits its slot
    let (count, len) = party.assembler.take_piece(rest, chunks, slot);
    if let Some(len) = len {
        *event = Queued::Assembled { from, len };
    }
    start.wrapping_add(count)
}
