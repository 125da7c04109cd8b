//! Finding parties by looking at each: little code and memory, for links with few parties.

use core::ops::Range;

use super::state::{TableState, Tables};
use crate::link::OwnChannel;
use crate::link::slots::{Key, OwnState, PartyRef, PartySlot, PartyState, generation};
use crate::protocol::MAX_CHANNELS;

/// Own channels that are looked at.
const MOST_OWN: u8 = 128;
const _: () = assert!(MOST_OWN as usize == MAX_CHANNELS);

/// Returns the party with this key, if there is one. (A relay that talks nonsense can
/// give one number to two channels. The first slot counts then.)
#[inline(never)]
pub(in crate::link) fn find(parties: &[PartySlot], key: Key) -> Option<PartyRef> {
    for (slot, party) in (0..u16::MAX).zip(parties) {
        if party.key == key.0 {
            return Some(PartyRef { slot, generation: party.generation });
        }
    }
    None
}

impl TableState {
    /// Returns how many of `slots` slots may have been used, from the first on: all.
    pub(in crate::link) fn used_slots(&self, slots: usize) -> u16 {
        u16::try_from(slots).unwrap_or(u16::MAX)
    }
}

impl Tables<'_> {
    /// Returns the first own channel in such a state.
    pub(in crate::link) fn find_own(&self, wanted: impl Fn(OwnState) -> bool) -> Option<OwnChannel> {
        for (slot, own) in (0..MOST_OWN).zip(self.own_slots()) {
            if wanted(own.state) {
                return Some(OwnChannel { slot, generation: own.generation });
            }
        }
        None
    }

    /// Returns the first party in such a state.
    pub(in crate::link) fn find_party(&self, wanted: impl Fn(PartyState) -> bool) -> Option<PartyRef> {
        for (slot, party) in (0..u16::MAX).zip(&*self.parties) {
            if wanted(party.state) {
                return Some(PartyRef { slot, generation: party.generation });
            }
        }
        None
    }

    /// Returns the slots that may be taken.
    pub(in crate::link) fn used_slots(&self) -> Range<u16> {
        0..self.state.used_slots(self.parties.len())
    }

    /// Returns a free slot, which is taken by giving it a state.
    pub(in crate::link) fn take_slot(&self) -> Option<u16> {
        Some(self.find_party(|state| state == PartyState::Free)?.slot)
    }

    /// Returns true if there is no free slot for a party.
    pub(in crate::link) fn is_full(&self) -> bool {
        self.take_slot().is_none()
    }

    /// Takes this slot, if it is free or away.
    #[cfg(feature = "flow")]
    pub(in crate::link) fn claim_slot(&mut self, slot: u16) -> bool {
        let party = self.parties.get(usize::from(slot));
        party.is_some_and(|party| matches!(party.state, PartyState::Free | PartyState::Away))
    }

    /// Changes what a party is, and what it is found by.
    pub(in crate::link) fn set_party(&mut self, slot: u16, state: PartyState) {
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.state = state;
            party.key = Key::of(state).map_or(0, |key| key.0);
        }
    }

    pub(super) fn free_slot(&mut self, slot: u16) {
        self.forget_kept(slot);
        self.set_party(slot, PartyState::Free);
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.generation = generation::next(party.generation);
        }
    }
}
