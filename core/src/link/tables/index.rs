//! Finding parties by hash chains. Free slots are in a list. Each call takes the same time, however
//! many parties there are.

use core::ops::Range;

use super::state::{FreeSlots, TableState, Tables};
use crate::link::OwnChannel;
use crate::link::slots::{Key, OwnState, PartyRef, PartySlot, PartyState, generation};
use crate::protocol::MAX_CHANNELS;

/// Returns the slot, of `slots`, whose chain a key belongs to.
#[inline]
fn chain_of(key: Key, slots: usize) -> usize {
    let spread = u32::from(key.0).wrapping_mul(0x9e37_79b9);
    (u64::from(spread).wrapping_mul(slots as u64) >> 32) as usize
}

/// Returns the party with this key, if there is one. (A relay that talks nonsense can
/// give one number to two channels. The latest counts then.)
#[inline]
pub(in crate::link) fn find(parties: &[PartySlot], key: Key) -> Option<PartyRef> {
    let mut next = parties.get(chain_of(key, parties.len())).map_or(0, |party| party.chain.head);
    while let Some(slot) = next.checked_sub(1) {
        let Some(party) = parties.get(usize::from(slot)) else { break };
        if party.key == key.0 {
            return Some(PartyRef { slot, generation: party.generation });
        }
        next = party.chain.next;
    }
    None
}

impl TableState {
    /// Returns how many of `_slots` slots have ever been used, from the first on.
    pub(in crate::link) const fn used_slots(&self, _slots: usize) -> u16 {
        self.free.fresh
    }
}

impl Tables<'_> {
    /// Returns the first own channel in such a state.
    pub(in crate::link) fn find_own(&self, wanted: impl Fn(OwnState) -> bool) -> Option<OwnChannel> {
        let slot = self.own_slots().iter().take(MAX_CHANNELS).position(|own| wanted(own.state))?;
        self.own_in(u8::try_from(slot).ok()?)
    }

    /// Returns the first party in such a state.
    pub(in crate::link) fn find_party(&self, wanted: impl Fn(PartyState) -> bool) -> Option<PartyRef> {
        let at = self.parties.iter().take(u16::MAX.into()).position(|party| wanted(party.state))?;
        Some(PartyRef { slot: u16::try_from(at).ok()?, generation: self.parties.get(at)?.generation })
    }

    /// Returns the slots that may be taken.
    pub(in crate::link) const fn used_slots(&self) -> Range<u16> {
        0..self.state.used_slots(self.parties.len())
    }

    /// Returns true if there is no free slot for a party.
    pub(in crate::link) fn is_full(&self) -> bool {
        let FreeSlots { first, fresh } = self.state.free;
        first == 0 && (usize::from(fresh) >= self.parties.len() || fresh >= u16::MAX - 1)
    }

    /// Takes a free slot.
    pub(super) fn take_slot(&mut self) -> Option<u16> {
        if self.is_full() {
            return None;
        }
        let free = &mut self.state.free;
        let slot = free.first.checked_sub(1).unwrap_or(free.fresh);
        let party = self.parties.get_mut(usize::from(slot))?;
        match free.first {
            0 => free.fresh = slot.saturating_add(1),
            _ => free.first = party.chain.next,
        }
        party.chain.next = 0;
        Some(slot)
    }

    /// Takes this slot, if it is free or away.
    #[cfg(feature = "flow")]
    pub(in crate::link) fn claim_slot(&mut self, slot: u16) -> bool {
        let Some(party) = self.parties.get(usize::from(slot)) else { return false };
        if party.state != PartyState::Free {
            return party.state == PartyState::Away;
        }
        let (wanted, behind) = (slot.saturating_add(1), party.chain.next);
        if self.state.free.first == wanted {
            self.state.free.first = behind;
            return true;
        }
        let mut next = self.state.free.first;
        while let Some(party) = next.checked_sub(1).and_then(|at| self.parties.get_mut(usize::from(at))) {
            next = party.chain.next;
            if next == wanted {
                party.chain.next = behind;
                return true;
            }
        }
        false
    }

    /// Changes what a party is, and what it is found by.
    pub(in crate::link) fn set_party(&mut self, slot: u16, state: PartyState) {
        let Some(party) = self.parties.get_mut(usize::from(slot)) else { return };
        party.state = state;
        let key = Key::of(state).map_or(0, |key| key.0);
        let old = core::mem::replace(&mut party.key, key);
        if old != 0 {
            self.unchain(Key(old), slot);
        }
        if key != 0 {
            self.chain(Key(key), slot);
        }
    }

    pub(super) fn free_slot(&mut self, slot: u16) {
        self.forget_kept(slot);
        self.set_party(slot, PartyState::Free);
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.generation = generation::next(party.generation);
            party.chain.next = self.state.free.first;
            self.state.free.first = slot.saturating_add(1);
        }
    }

    fn chain(&mut self, key: Key, slot: u16) {
        let chain = chain_of(key, self.parties.len());
        let Some(head) = self.parties.get_mut(chain) else { return };
        let behind = core::mem::replace(&mut head.chain.head, slot.saturating_add(1));
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.chain.next = behind;
        }
    }

    fn unchain(&mut self, key: Key, slot: u16) {
        let behind = self.parties.get(usize::from(slot)).map_or(0, |party| party.chain.next);
        let gone = slot.saturating_add(1);
        let chain = chain_of(key, self.parties.len());
        let Some(head) = self.parties.get_mut(chain) else { return };
        if head.chain.head == gone {
            head.chain.head = behind;
            return;
        }
        let mut next = head.chain.head;
        while let Some(slot) = next.checked_sub(1) {
            let Some(party) = self.parties.get_mut(usize::from(slot)) else { return };
            if party.chain.next == gone {
                party.chain.next = behind;
                return;
            }
            next = party.chain.next;
        }
    }
}
