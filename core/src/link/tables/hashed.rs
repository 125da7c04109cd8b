//! How parties are found: by hash chains. Free places are in a list. All of it takes the same time however many parties there are.

use core::ops::Range;

use super::{Key, PartySlot, PartyState, Tables};

/// What threads the parties together.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// The first party of the hash chain that belongs to this *place*, plus 1; 0 for none.
    head: u16,
    /// The party behind this one in its hash chain, or in the list of free places, plus 1; 0 for none.
    next: u16,
}

impl Thread {
    pub(super) const NONE: Self = Self { head: 0, next: 0 };
}

/// Which places are free.
#[derive(Debug)]
pub(super) struct Places {
    /// First of the free places that have been used before, plus 1.
    free: u16,
    /// Places from here on have never been used.
    fresh: u16,
}

impl Places {
    pub(super) const fn new() -> Self {
        Self { free: 0, fresh: 0 }
    }
}

/// The place, of `places`, whose chain a key belongs to.
fn chain_of(key: Key, places: usize) -> usize {
    let spread = u32::from(key.0).wrapping_mul(0x9e37_79b9);
    (u64::from(spread).wrapping_mul(places as u64) >> 32) as usize
}

/// The party that `key` means, if there is one. (A relay that talks nonsense can give one number to two channels; here the latest has it then.)
#[inline]
pub(in crate::link) fn find(parties: &[PartySlot], key: Key) -> Option<u16> {
    let mut link = parties.get(chain_of(key, parties.len()))?.thread.head;
    loop {
        let slot = link.checked_sub(1)?;
        let party = parties.get(usize::from(slot))?;
        if Key::of(party.state) == Some(key) {
            return Some(slot);
        }
        link = party.thread.next;
    }
}

impl Tables<'_> {
    /// The places that are, or have been, taken.
    pub(super) const fn places(&self) -> Range<u16> {
        0..self.state.places.fresh
    }

    /// Whether there is no free place for a party.
    pub(in crate::link) fn is_full(&self) -> bool {
        let Places { free, fresh } = self.state.places;
        free == 0 && (usize::from(fresh) >= self.parties.len() || fresh >= u16::MAX - 1)
    }

    /// Takes a free place.
    pub(super) fn take_place(&mut self) -> Option<u16> {
        let slot = match self.state.places.free.checked_sub(1) {
            Some(slot) => {
                self.state.places.free = self.party(slot)?.thread.next;
                slot
            }
            None => {
                let slot = self.state.places.fresh;
                self.party(slot)?;
                self.state.places.fresh = slot.checked_add(1).filter(|&next| next < u16::MAX)?;
                slot
            }
        };
        self.party_mut(slot)?.thread.next = 0;
        Some(slot)
    }

    /// Changes what a party is, and what it is found by.
    pub(in crate::link) fn set_party(&mut self, slot: u16, state: PartyState) {
        let Some(party) = self.party_mut(slot) else { return };
        let old = core::mem::replace(&mut party.state, state);
        if let Some(key) = Key::of(old) {
            self.unchain(key, slot);
        }
        if let Some(key) = Key::of(state) {
            self.chain(key, slot);
        }
    }

    pub(in crate::link) fn free_party(&mut self, slot: u16) {
        self.set_party(slot, PartyState::Free);
        let next = self.state.places.free;
        if let Some(party) = self.party_mut(slot) {
            party.generation = party.generation.wrapping_add(1);
            party.thread.next = next;
            self.state.places.free = slot.saturating_add(1);
        }
    }

    fn chain(&mut self, key: Key, slot: u16) {
        let place = chain_of(key, self.parties.len());
        let Some(head) = self.parties.get_mut(place) else { return };
        let behind = core::mem::replace(&mut head.thread.head, slot.saturating_add(1));
        if let Some(party) = self.party_mut(slot) {
            party.thread.next = behind;
        }
    }

    fn unchain(&mut self, key: Key, slot: u16) {
        let behind = self.party(slot).map_or(0, |party| party.thread.next);
        let gone = slot.saturating_add(1);
        let Some(place) = self.parties.get_mut(chain_of(key, self.parties.len())) else { return };
        if place.thread.head == gone {
            place.thread.head = behind;
            return;
        }
        let mut link = place.thread.head;
        while let Some(party) = link.checked_sub(1).and_then(|before| self.party_mut(before)) {
            if party.thread.next == gone {
                party.thread.next = behind;
                return;
            }
            link = party.thread.next;
        }
    }
}
