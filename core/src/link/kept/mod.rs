//! Events that the program wants again, each with its party.
//!
//! A kept event stays with its party, or with its own channel, and holds up nothing else. What the
//! party says meanwhile is added to its slot as it comes, and gone through when the event has been
//! dealt with. So the order within a party stays: opened or entered, data, end.
//!
//! A slot is a linear buffer: `start..start + len` is the kept event, what came behind it follows.
//! The [`Assembler`](crate::chunk::Assembler) has both lengths. Behind an event without bytes it is
//! in the first chunk already, whose length is taken as it comes.

mod keep;
mod next;
mod store;

use super::front::{Notice, Queued, What};
use super::send::Out;
use super::slots::{PartyRef, PartySlot, PartyState};
use super::tables::Tables;
use super::{Channel, EnteredChannel, OwnChannel, User};
use crate::Reason;

pub(super) use next::{kept_event, own_kept_event};
pub(super) use store::store;

/// What waits at the front of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing: what comes is handed over at once.
    Nothing,
    /// That it has entered, or that its channel is open.
    Opened,
    /// Data or a chunk: the first bytes of the slot.
    Bytes,
    /// That it broke the rules.
    Malicious,
    /// Its end, which the program has not been told.
    End,
    /// Its end, which the program has been told and wants again.
    ToldEnd,
    /// That it knocks.
    #[cfg(feature = "server")]
    Knock,
}

/// What waits at the front of a party, and where its bytes start in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartyKept(u32);

impl PartyKept {
    /// Nothing waits. All bytes are zero.
    pub(super) const NOTHING: Self = Self(0);

    /// Bits of a start. A slot is never as long.
    const START_BITS: u32 = 28;

    /// The most bytes of a slot that count.
    const MAX_SLOT: usize = 1 << Self::START_BITS;

    pub(super) const fn new(waiting: Waiting, start: usize) -> Self {
        // lossless: a slot has at most 2^28 bytes
        #[expect(clippy::cast_possible_truncation, reason = "below `MAX_SLOT`")]
        Self((waiting as u32).wrapping_shl(Self::START_BITS) | start as u32)
    }

    /// Returns true if what comes has to wait.
    #[inline]
    pub(super) const fn is_waiting(self) -> bool {
        self.0 != 0
    }

    pub(super) const fn start(self) -> usize {
        (self.0 & (1u32 << Self::START_BITS).wrapping_sub(1)) as usize
    }

    pub(super) const fn waiting(self) -> Waiting {
        match self.0 >> Self::START_BITS {
            1 => Waiting::Opened,
            2 => Waiting::Bytes,
            3 => Waiting::Malicious,
            4 => Waiting::End,
            5 => Waiting::ToldEnd,
            #[cfg(feature = "server")]
            6 => Waiting::Knock,
            _ => Waiting::Nothing,
        }
    }
}

/// Whether the event that tells of an own channel waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnKept(bool);

impl OwnKept {
    pub(super) const NOTHING: Self = Self(false);
}

/// What a link keeps about all that waits.
#[derive(Debug)]
pub(super) struct KeptState {
    /// Own channels for which an event waits.
    own: u8,
    /// They have not been looked at in this round, from this slot on.
    is_own_due: bool,
    own_cursor: u8,
    /// Parties for which something waits.
    parties: u16,
    /// The party that is looked at next.
    cursor: u16,
    /// Parties that have not been looked at in this round.
    left: u16,
    /// One was passed over in this round, because it has to wait for another.
    is_skipped: bool,
    /// An event has been dealt with since.
    has_progressed: bool,
}

impl KeptState {
    pub(super) const fn new() -> Self {
        Self {
            own: 0,
            is_own_due: false,
            own_cursor: 0,
            parties: 0,
            cursor: 0,
            left: 0,
            is_skipped: false,
            has_progressed: false,
        }
    }

    /// Returns true if something waits.
    #[inline]
    pub(super) const fn is_any(&self) -> bool {
        self.own > 0 || self.parties > 0
    }

    /// Returns true if the round was broken off before all that waits had been handed over.
    pub(super) const fn has_more(&self) -> bool {
        self.is_any() && (self.is_round() || (self.is_skipped && self.has_progressed))
    }

    /// Returns true if something that waits has not been looked at in this round.
    pub(super) const fn is_due(&self) -> bool {
        self.is_any() && self.is_round()
    }

    /// Returns true if not all has been looked at in this round.
    #[inline]
    const fn is_round(&self) -> bool {
        self.is_own_due || self.left > 0
    }

    /// Returns true if something that stops the reading may have been dealt with.
    pub(super) const fn has_progressed(&self) -> bool {
        self.has_progressed || !self.is_any()
    }

    /// All has been looked at, or the connection is lost.
    pub(super) const fn end_round(&mut self) {
        (self.is_own_due, self.left) = (false, 0);
        (self.is_skipped, self.has_progressed) = (false, false);
    }

    /// A round begins, in which all of `parties` are looked at.
    pub(super) const fn begin_round(&mut self, parties: u16) {
        self.is_own_due = self.own > 0;
        self.own_cursor = 0;
        (self.is_skipped, self.has_progressed) = (false, false);
        self.left = if self.parties > 0 { parties } else { 0 };
    }

    /// An event has been dealt with, for which others may wait.
    pub(super) const fn progressed(&mut self) {
        self.has_progressed = true;
    }

    /// One party has something new. All that waited has been looked at in this round.
    #[cfg(feature = "server")]
    pub(super) const fn look_at(&mut self, slot: u16) {
        (self.cursor, self.left) = (slot, 1);
    }

    /// The same for own channels.
    #[cfg(feature = "server")]
    pub(super) const fn look_at_own(&mut self) {
        (self.is_own_due, self.own_cursor) = (true, 0);
    }

    /// Something waits that this round does not come to.
    pub(super) const fn skip(&mut self) {
        (self.is_skipped, self.has_progressed) = (true, true);
    }

    /// Goes on to the next party of `parties`.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    const fn advance(&mut self, parties: u16) {
        if self.left > 0 {
            self.left = self.left.wrapping_sub(1);
        }
        let next = self.cursor.wrapping_add(1);
        self.cursor = if next < parties { next } else { 0 };
    }
}

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
    #[cfg(feature = "server")]
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
            #[cfg(feature = "server")]
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
}

/// Returns true if an entered channel is gone, and the program has not been told so.
pub(super) const fn is_closing(party: &PartySlot) -> bool {
    matches!(party.state, PartyState::Closing { .. }) && party.is_untold()
}
