//! From a party's data to events: raw data as it comes, chunks as they are complete.

use super::Event;
use super::front::Queued;
use super::slots::{OwnSlot, PartyRef, PartySlot};
use super::tables::source;
use crate::chunk::{ChunkLimit, Step};

/// Takes in a piece of a party's data, up to the first event in it. Returns how many bytes were
/// used, and the event. Without the party the bytes are stale.
///
/// `at` is where the piece starts in the receive scratch.
#[cfg_attr(feature = "speed", inline(always))]
pub(super) fn take_in(
    from: PartyRef,
    piece: &[u8],
    at: usize,
    own: &[OwnSlot],
    parties: &mut [PartySlot],
    chunks: &mut [u8],
    chunk_size: usize,
) -> (usize, Queued) {
    let party = parties.get_mut(usize::from(from.slot));
    let Some(party) = party.filter(|party| party.generation == from.generation) else {
        return (piece.len(), Queued::None);
    };
    let (used, step) = match party.limit {
        ChunkLimit::NONE => (piece.len(), Step::Whole { start: 0, end: piece.len() }),
        // a limit's maximum is at most the chunk size
        limit => {
            let slot = usize::from(from.slot).wrapping_mul(chunk_size);
            party.assembler.feed_in(limit, piece, chunks, slot)
        }
    };
    match step {
        Step::More => (used, Queued::None),
        Step::Whole { start, end } => {
            (used, Queued::Received { from, start: at.wrapping_add(start), end: at.wrapping_add(end) })
        }
        Step::Completed { len } => (used, Queued::Assembled { from, len }),
        Step::Violation(violation) => {
            warning!("a peer broke the rules of chunks");
            let event = source(own, parties, from).map(|(from, _)| Event::Malicious { from, violation });
            (piece.len(), event.map_or(Queued::None, Queued::Notice))
        }
    }
}
