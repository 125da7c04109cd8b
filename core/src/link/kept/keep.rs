//! Keeping an event.

use super::state::{PartyKept, Waiting};
use crate::Reason;
use crate::bytes::copy_to;
use crate::chunk::ChunkLimit;
use crate::link::flow::{self, is_last_of};
use crate::link::front::{Notice, Queued, What};
use crate::link::session::Session;
use crate::link::slots::{Key, OwnState, PartyRef, PartySlot, PartyState, generation};
use crate::link::state::Telling;
use crate::link::tables::Tables;
use crate::link::{Channel, EnteredChannel, OwnChannel, User};

impl Session<'_> {
    /// Keeps an event of the relay that the program wants again with its party. Returns false if it
    /// has no place there.
    #[cold]
    pub(in crate::link) fn keep(&mut self, event: Queued) -> bool {
        if self.out.state.telling != Telling::Done {
            return false;
        }
        match event {
            Queued::None => true,
            Queued::Received { from, start, end } => {
                let slot = usize::from(from.slot).wrapping_mul(self.out.parts.window);
                let bytes = self.inbox.receive.get(start..end).unwrap_or_default();
                if self.out.tables().party(from).is_some() {
                    copy_to(self.inbox.chunks, slot, bytes);
                }
                self.keep_bytes(from, bytes.len())
            }
            Queued::Assembled { from, len } => self.keep_bytes(from, len),
            // it has not come by way of the front
            #[cfg(all(feature = "admission", feature = "server"))]
            Queued::Knock { .. } => true,
            Queued::Refused { from, code, len } => self.out.tables().keep_refusal(from, code, len),
            Queued::LinkLost { .. } | Queued::ComeBack { .. } => false,
            Queued::Malicious { from } => self.out.tables().keep_for(Some(from), Waiting::Malicious),
            Queued::Notice(event) => self.out.tables().keep(event),
        }
    }

    fn keep_bytes(&mut self, from: PartyRef, len: usize) -> bool {
        let mut tables = self.out.tables();
        if let Some(party) = tables.party_mut(from) {
            party.assembler.keep(len, len);
            flow::kept(party, len);
            tables.set_kept(from.slot, PartyKept::new(Waiting::Bytes, 0).seen());
        }
        true
    }
}

impl Tables<'_> {
    /// Keeps an event without bytes. Returns false if it has no place; true also if it is about
    /// something that the program has given up.
    fn keep(&mut self, Notice { channel, what }: Notice) -> bool {
        match (channel, what) {
            // there is none
            (Channel::Own(_), _) if !cfg!(feature = "server") => false,
            (Channel::Own(channel), What::Opened) => {
                if self.own(channel).is_some() {
                    self.set_own_kept(channel.slot, true);
                }
                true
            }
            (Channel::Entered(channel), What::Opened) => {
                self.keep_for(self.party(channel.into()).map(|_| channel.into()), Waiting::Opened)
            }
            (Channel::Own(channel), What::Entered(user)) => {
                self.keep_for(self.user(channel, user), Waiting::Opened)
            }
            (Channel::Own(channel), What::Gone(user, reason)) => {
                if self.own(channel).is_none() {
                    return true;
                }
                let Some(user) = user.on_wire() else { return false };
                let end = PartyState::Gone { own: channel.slot, user, reason: reason.end_code() };
                let Some(party) = self.add_party(end, ChunkLimit::NONE) else { return false };
                self.keep_for(Some(party), Waiting::ToldEnd)
            }
            (Channel::Entered(channel), What::Closed(reason)) if reason != Reason::LinkLost => {
                self.keep_end(channel, PartyState::Closing { reason: reason.end_code() })
            }
            (Channel::Entered(channel), What::Refused(reason)) if reason != Reason::LinkLost => {
                self.keep_refusal(channel.into(), reason.enter_code(), 0)
            }
            (Channel::Own(channel), What::Refused(reason)) if reason != Reason::LinkLost => {
                self.keep_refused(channel, reason)
            }
            _ => false,
        }
    }

    fn keep_for(&mut self, party: Option<PartyRef>, waiting: Waiting) -> bool {
        if let Some(party) = party.filter(|party| self.party(*party).is_some()) {
            self.set_kept(party.slot, PartyKept::new(waiting, 0));
        }
        true
    }

    fn user(&self, channel: OwnChannel, user: User) -> Option<PartyRef> {
        let OwnState::Open { number } = self.own(channel)?.state else { return None };
        self.find(Key::user(number, user.on_wire()?))
    }

    /// Keeps the end of an entered channel in the slot that it has had, if that is still free. A
    /// standing handle that the program has given up has no slot any more: it would have it for
    /// ever.
    fn keep_end(&mut self, channel: EnteredChannel, end: PartyState) -> bool {
        let is_given_up = generation::is_standing(channel.generation) && self.party(channel.into()).is_none();
        if is_given_up || self.is_taken(channel.into()) || !self.claim_slot(channel.slot) {
            return false;
        }
        self.set_party(channel.slot, end);
        if let Some(party) = self.parties.get_mut(usize::from(channel.slot)) {
            party.generation = channel.generation;
        }
        self.set_kept(channel.slot, PartyKept::new(Waiting::ToldEnd, 0));
        true
    }

    /// The same for a refusal, whose words lie in that slot.
    fn keep_refusal(&mut self, from: PartyRef, code: u8, len: u8) -> bool {
        let was_free = is_last_of(self.parties, from);
        let is_kept = self.keep_end(from.into(), PartyState::Refused { code });
        if let Some(party) = self.parties.get_mut(usize::from(from.slot)).filter(|_| is_kept) {
            let len = if was_free { len.into() } else { 0 };
            party.assembler.keep(len, len);
        }
        is_kept
    }

    /// Returns true if the slot is another channel's, which is away.
    fn is_taken(&self, party: PartyRef) -> bool {
        let is_away = |party: &PartySlot| party.state == PartyState::Away;
        self.party(party).is_none() && self.parties.get(usize::from(party.slot)).is_some_and(is_away)
    }

    /// The same for the refusal of an own channel.
    fn keep_refused(&mut self, channel: OwnChannel, reason: Reason) -> bool {
        let Some(own) = self.own.get_mut(usize::from(channel.slot)) else { return false };
        let is_free = match own.state {
            OwnState::Free => !generation::is_standing(channel.generation),
            OwnState::Away => own.generation == channel.generation,
            _ => false,
        };
        if !is_free {
            return false;
        }
        own.state = OwnState::Refused { reason };
        own.generation = channel.generation;
        self.set_own_kept(channel.slot, true);
        true
    }
}
