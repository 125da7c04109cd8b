//! Events that the program wants again, each with its party.
//!
//! A kept event stays with its party, or with its own channel, and holds up nothing else. What the
//! party says meanwhile is added to its slot as it comes, and gone through when the event has been
//! dealt with. So the order within a party stays: opened or entered, data, end.
//!
//! A slot is a linear buffer: `start..start + len` is the kept event, what came behind it follows.
//! The [`Assembler`](crate::chunk::Assembler) has both lengths. Behind an event without bytes it is
//! in the first chunk already, whose length is taken as it comes.

mod event;
mod keep;
mod next;
pub(super) mod state;
mod store;

use super::front::{Notice, Queued, What};
use super::send::Out;
use super::slots::{PartyRef, PartySlot, PartyState};
use super::tables::Tables;
use super::{Channel, EnteredChannel, OwnChannel, User};
use crate::Reason;

pub(super) use event::{kept_event, own_kept_event};
use state::{OwnKept, PartyKept, Waiting};
pub(super) use store::store;

impl PartySlot {
    /// Returns whether the party's end waits behind what waits now.
    const fn is_ending(&self) -> bool {
        matches!(
            self.state,
            PartyState::Gone { .. } | PartyState::Closing { .. } | PartyState::Refused { .. }
        )
    }

    /// Returns true if the program takes the party for one that is there.
    const fn is_untold(&self) -> bool {
        self.kept.is_waiting() && !matches!(self.kept.waiting(), Waiting::ToldEnd)
    }

    /// Returns true if an entered channel is gone, and the program has not been told so.
    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.state, PartyState::Closing { .. }) && self.is_untold()
    }
}

impl Tables<'_> {
    /// Changes what waits for a party.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) fn set_kept(&mut self, slot: u16, kept: PartyKept) {
        let Some(party) = self.parties.get_mut(usize::from(slot)) else { return };
        let before = core::mem::replace(&mut party.kept, kept);
        // as many as there are slots that wait
        let count = &mut self.state.kept.parties;
        *count = count.wrapping_add(kept.is_waiting().into()).wrapping_sub(before.is_waiting().into());
    }

    /// The party in this slot is free. What waited for its event need not any more.
    pub(super) fn forget_kept(&mut self, slot: u16) {
        if self.parties.get(usize::from(slot)).is_some_and(|party| party.kept.is_waiting()) {
            self.state.kept.progressed();
        }
        self.set_kept(slot, PartyKept::NOTHING);
    }

    /// Changes whether an own channel's event waits.
    pub(super) fn set_own_kept(&mut self, slot: u8, is_waiting: bool) {
        if !cfg!(feature = "server") {
            return;
        }
        let Some(own) = self.own.get_mut(usize::from(slot)) else { return };
        let before = core::mem::replace(&mut own.kept, OwnKept(is_waiting));
        let count = &mut self.state.kept.own;
        *count = count.wrapping_add(is_waiting.into()).wrapping_sub(before.0.into());
    }

    /// The own channel in this slot is free. What waited for its event need not any more.
    pub(super) fn forget_own_kept(&mut self, slot: u8) {
        if self.is_own_kept(slot) {
            self.state.kept.progressed();
        }
        self.set_own_kept(slot, false);
    }

    fn is_own_kept(&self, slot: u8) -> bool {
        cfg!(feature = "server") && self.own.get(usize::from(slot)).is_some_and(|own| own.kept.0)
    }

    /// A user has entered. Returns true if that has to wait for the event of its channel.
    pub(super) fn defer_entered(&mut self, own: u8, party: PartyRef) -> bool {
        let is_deferred = self.is_own_kept(own);
        if is_deferred {
            self.set_kept(party.slot, PartyKept::new(Waiting::Opened, 0));
        }
        is_deferred
    }

    /// A party has gone, into the state `end`. Returns true if that has to wait, because something
    /// of the party does; else the caller frees it.
    pub(super) fn defer_end(&mut self, party: PartyRef, end: PartyState) -> bool {
        let is_deferred = self.party(party).is_some_and(|party| party.kept.is_waiting());
        if is_deferred {
            self.set_party(party.slot, end);
        }
        is_deferred
    }

    /// Returns true if an event without a party has to wait for that of its own channel.
    pub(super) fn is_blocked(&self, notice: Notice) -> bool {
        let Notice { channel: Channel::Own(channel), what: What::Ignored(_) } = notice else { return false };
        self.is_own_kept(channel.slot)
    }

    /// Returns true if an earlier user with the same number as this one, which knocks, is gone, and
    /// has not been told so.
    #[cfg(all(feature = "admission", feature = "server"))]
    fn has_older(&self, slot: u16) -> bool {
        match self.parties.get(usize::from(slot)).map(|party| party.state) {
            Some(PartyState::Knocking { own, user, .. }) => self.has_gone(own, user),
            _ => false,
        }
    }

    /// Returns true if a user with this number of this own channel is gone, and has not been told
    /// so.
    #[cfg(feature = "server")]
    fn has_gone(&self, own: u8, user: u8) -> bool {
        let is_gone = |state| matches!(state, PartyState::Gone { own: of, user: number, .. } if of == own && number == user);
        self.state.kept.parties > 0 && self.find_party(is_gone).is_some()
    }

    /// Keeps what the program is to be told of the party in this slot before it is told that the
    /// connection is lost.
    pub(super) fn lose_kept(&mut self, slot: u16) {
        let Some(party) = self.parties.get(usize::from(slot)) else { return };
        let waiting = party.kept.waiting();
        let kept = match (waiting, party.state) {
            (_, PartyState::User { .. } | PartyState::Gone { .. }) => Waiting::Nothing,
            #[cfg(all(feature = "admission", feature = "server"))]
            (Waiting::Knock, _) => Waiting::Nothing,
            (Waiting::Opened, _) => Waiting::Opened,
            (Waiting::End | Waiting::ToldEnd, _) => Waiting::End,
            _ => Waiting::Nothing,
        };
        // what it said before its end is lost with the connection
        if matches!(party.state, PartyState::Closing { .. }) && kept != Waiting::End {
            self.set_party(slot, PartyState::Lost { opened: true });
        }
        self.set_kept(slot, PartyKept::new(kept, 0));
    }

    /// Returns the next event that waited when the connection was lost.
    pub(super) fn next_kept_notice(&mut self) -> Option<Queued> {
        if !self.state.kept.is_any() {
            return None;
        }
        for slot in (0..u8::MAX).take(self.own.len()) {
            if self.is_own_kept(slot) {
                return self.take_own_notice(slot).map(Queued::Notice);
            }
        }
        for slot in self.used_slots() {
            let Some(party) = self.parties.get(usize::from(slot)) else { break };
            let at = PartyRef { slot, generation: party.generation };
            match party.kept.waiting() {
                Waiting::Nothing => {}
                Waiting::Opened => {
                    let next = if party.is_ending() { Waiting::End } else { Waiting::Nothing };
                    self.set_kept(slot, PartyKept::new(next, 0));
                    return Some(Queued::Notice(Notice::opened(EnteredChannel::from(at))));
                }
                _ => return self.take_end(at),
            }
        }
        None
    }

    /// Takes an own channel's event: what tells that it was refused frees its slot.
    fn take_own_notice(&mut self, slot: u8) -> Option<Notice> {
        let channel = self.own_in(slot)?;
        self.set_own_kept(slot, false);
        match self.own(channel)?.state {
            super::slots::OwnState::Refused { reason } => {
                self.free_own(slot);
                Some(Notice::refused(channel, reason))
            }
            _ => Some(Notice::opened(channel)),
        }
    }

    /// Takes the event that tells of a party's end, and frees its slot.
    fn take_end(&mut self, at: PartyRef) -> Option<Queued> {
        let party = self.party(at)?;
        let (state, len) = (party.state, party.assembler.stored());
        // the program may want it again, which is no progress
        self.set_kept(at.slot, PartyKept::NOTHING);
        self.free_party(at.slot);
        let channel = Channel::Entered(at.into());
        Some(Queued::Notice(match state {
            PartyState::Gone { own, user, reason } => {
                let (channel, user) = (self.own_in(own)?, User::new(user));
                Notice::of_user(channel, What::Gone(user, Reason::of_end(reason)))
            }
            PartyState::Closing { reason } => Notice::closed(channel, Reason::of_end(reason)),
            PartyState::Refused { code } => {
                return Some(Queued::Refused { from: at, code, len: u8::try_from(len).unwrap_or(0) });
            }
            _ => return None,
        }))
    }
}

impl Out<'_> {
    /// Returns the party of a user that is gone and has not been told so: what is sent to it is
    /// lost.
    pub(super) fn gone(&self, channel: OwnChannel, user: User) -> Option<PartyRef> {
        if !cfg!(feature = "server") || self.state.tables.kept.parties == 0 {
            return None;
        }
        let at = self.parts.parties.iter().position(|party| {
            party.is_untold()
                && matches!(party.state, PartyState::Gone { own, user: number, .. }
                    if own == channel.slot && User::new(number) == user)
        })?;
        let generation = self.parts.parties.get(at)?.generation;
        Some(PartyRef { slot: u16::try_from(at).ok()?, generation })
    }

    /// Returns true if a user is gone, and the program has not been told so, or wants that again.
    pub(super) fn has_gone(&self, channel: OwnChannel, user: User) -> bool {
        let is_it = |party: &PartySlot| {
            matches!(party.state, PartyState::Gone { own, user: number, .. }
                if own == channel.slot && User::new(number) == user)
        };
        self.state.tables.kept.parties > 0 && self.parts.parties.iter().any(is_it)
    }
}
