//! Events with words, which lie in a party's slot.

use crate::Reason;
#[cfg(all(feature = "admission", feature = "server"))]
use crate::link::send::OutParts;
use crate::link::slots::{PartyRef, PartySlot, PartyState, generation};
use crate::link::{Channel, Event};

/// Returns the event that tells that a party knocks, whose words are the first `len` bytes of its
/// slot. `None` if it does not any more.
#[cfg(all(feature = "admission", feature = "server"))]
pub(in crate::link) fn knock<'a>(
    parts: &OutParts<'_>,
    from: PartyRef,
    chunks: &'a [u8],
    len: usize,
) -> Option<Event<'a>> {
    let party = parts.parties.get(usize::from(from.slot))?;
    if party.generation != from.generation {
        return None;
    }
    let (slot, user) = match party.state {
        PartyState::Knocking { own, user, .. } => (own, crate::link::User::new(user)),
        #[cfg(feature = "local")]
        PartyState::LocalKnocking { own, user } => (own, crate::link::User::local(user)),
        _ => return None,
    };
    let generation = parts.own.get(usize::from(slot))?.generation;
    let channel = crate::link::OwnChannel { slot, generation };
    Some(Event::Knock { channel, user, words: words(chunks, parts.window, from.slot, len) })
}

/// Returns the event that tells of a refusal, whose words are the first `len` bytes of the slot
/// that the party had, unless another one has that now.
pub(in crate::link) fn refused<'a>(
    parties: &[PartySlot],
    window: usize,
    from: PartyRef,
    code: u8,
    chunks: &'a [u8],
    len: usize,
) -> Event<'a> {
    let len = if is_last_of(parties, from) { len } else { 0 };
    Event::Refused {
        channel: Channel::Entered(from.into()),
        reason: Reason::of_enter(code),
        words: words(chunks, window, from.slot, len),
    }
}

fn words(chunks: &[u8], window: usize, slot: u16, len: usize) -> &[u8] {
    let at = usize::from(slot).wrapping_mul(window);
    chunks.get(at..).and_then(|slot| slot.get(..len)).unwrap_or_default()
}

/// Returns true if no other party has had the slot since.
pub(in crate::link) fn is_last_of(parties: &[PartySlot], party: PartyRef) -> bool {
    parties.get(usize::from(party.slot)).is_some_and(|slot| match slot.state {
        PartyState::Free => slot.generation == generation::next(party.generation),
        PartyState::Away => slot.generation == party.generation,
        _ => false,
    })
}
