//! How parties are found: one after the other. Less code than hash chains, for machines that have little memory, and so few parties.

use core::ops::Range;

use super::{Key, PartySlot, PartyState, Tables};

/// What a party is found by, beside what it is: one comparison for each.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// Its key plus 1, so that a free place is all zero; 0 if it is not found.
    key: u32,
}

impl Thread {
    pub(super) const NONE: Self = Self { key: 0 };

    fn of(key: Option<Key>) -> Self {
        Self { key: key.map_or(0, |key| u32::from(key.0).wrapping_add(1)) }
    }
}

/// Which places are free: the places themselves say.
#[derive(Debug)]
pub(super) struct Places;

impl Places {
    pub(super) const fn new() -> Self {
        Self
    }
}

/// The first place with this property.
#[inline]
fn position(parties: &[PartySlot], wanted: impl Fn(&PartySlot) -> bool) -> Option<u16> {
    u16::try_from(parties.iter().position(wanted)?).ok()
}

/// The party that `key` means, if there is one. (A relay that talks nonsense can give one number to two channels; here the first place has it then.)
#[inline(never)]
pub(in crate::link) fn find(parties: &[PartySlot], key: Key) -> Option<u16> {
    let Thread { key } = Thread::of(Some(key));
    position(parties, |party| party.thread.key == key)
}

impl Tables<'_> {
    /// All places.
    pub(super) fn places(&self) -> Range<u16> {
        0..u16::try_from(self.parties.len()).unwrap_or(u16::MAX)
    }

    fn free_place(&self) -> Option<u16> {
        position(self.parties, |party| party.state == PartyState::Free)
    }

    /// Whether there is no free place for a party.
    pub(in crate::link) fn is_full(&self) -> bool {
        self.free_place().is_none()
    }

    /// Takes a free place.
    pub(super) fn take_place(&mut self) -> Option<u16> {
        self.free_place()
    }

    /// Changes what a party is, and what it is found by.
    pub(in crate::link) fn set_party(&mut self, slot: u16, state: PartyState) {
        if let Some(party) = self.party_mut(slot) {
            party.state = state;
            party.thread = Thread::of(Key::of(state));
        }
    }

    pub(in crate::link) fn free_party(&mut self, slot: u16) {
        self.set_party(slot, PartyState::Free);
        if let Some(party) = self.party_mut(slot) {
            party.generation = party.generation.wrapping_add(1);
        }
    }
}
