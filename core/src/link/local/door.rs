//! Local users that knock.

use super::Local;
use super::delivery::Surroundings;
use super::line::{Kind, LineRef};
use super::slots::{LocalUserSlot, Stage};
use crate::Reason;
use crate::bytes::copy_to;
use crate::chunk::Assembler;
use crate::link::flow::Admission;
use crate::link::front::{Front, Notice, Queued, What};
use crate::link::send::Out;
use crate::link::slots::{PartyRef, PartyState};
use crate::link::{SendError, User};
use crate::protocol::MAX_WORDS;
use crate::time::{Duration, Instant};

/// How long a local user knocks: as long as one of a relay's.
const KNOCK: Duration = Duration::from_secs(10);

impl LocalUserSlot {
    /// When its knock is over, if it knocks and the server has been asked.
    pub(super) fn knock_ends(&self) -> Option<Instant> {
        (self.stage == Stage::Knocking && self.party.is_some()).then_some(self.knock_ends)
    }
}

impl Local<'_> {
    /// A local user has come to the door of its channel.
    pub(super) fn knock(&mut self, place: u16, around: &mut Surroundings<'_>) -> Option<Queued> {
        let channel = self.user(place)?.own?;
        let own = around.tables.own(channel)?;
        let (limit, admission) = (own.limit, own.door.admission());
        let party = match admission {
            Admission::Closed => return self.turn_away(place, Reason::RefusedByServer),
            _ if around.tables.is_crowded(channel) => return self.turn_away(place, Reason::ChannelFull),
            Admission::Open => {
                self.tell(place, false, Kind::Entered);
                return self.notice(place, Kind::Enter, &mut around.tables).map(Queued::Notice);
            }
            Admission::Ask => {
                let state = PartyState::LocalKnocking { own: channel.slot, user: place };
                around.tables.add_party(state, limit)
            }
        };
        let Some(party) = party else { return self.turn_away(place, Reason::ChannelFull) };
        let len = self.take_words(LineRef { user: place, to_server: true }, party, around);
        if let Some(user) = self.parts.users.get_mut(usize::from(place)) {
            (user.party, user.knock_ends) = (Some(party), around.now.saturating_add(KNOCK));
        }
        Some(Queued::Knock { from: party, len })
    }

    fn turn_away(&mut self, place: u16, reason: Reason) -> Option<Queued> {
        self.end_with(place, Kind::Refused, &[&[reason.enter_code()]]);
        None
    }

    /// A local user is not let in: a code and the server's words are next in its line.
    pub(super) fn refused(&mut self, place: u16, around: &mut Surroundings<'_>) -> Option<Queued> {
        let from: PartyRef = self.user(place)?.entered?.into();
        let which = LineRef { user: place, to_server: false };
        let (line, memory) = self.line(place, false)?;
        let code = line.front(memory).first().copied().unwrap_or_default();
        line.consume(1);
        let len = self.take_words(which, from, around);
        self.parts.users.get_mut(usize::from(place))?.entered = None;
        around.tables.free_party(from.slot);
        Some(Queued::Refused { from, code, len: u8::try_from(len).unwrap_or(0) })
    }

    /// Takes what is left of the record at the front of a line to the slot of a party. Returns how
    /// many bytes have room.
    fn take_words(&mut self, which: LineRef, party: PartyRef, around: &mut Surroundings<'_>) -> usize {
        let size = around.window;
        let at = usize::from(party.slot).wrapping_mul(size);
        let slot = around.chunks.get_mut(at..).and_then(|chunks| chunks.get_mut(..size)).unwrap_or_default();
        let Some((line, memory)) = self.line(which.user, which.to_server) else { return 0 };
        let mut len = 0usize;
        while line.left > 0 {
            let piece = line.front(memory);
            if piece.is_empty() {
                break;
            }
            let room = slot.len().min(MAX_WORDS).saturating_sub(len);
            let words = piece.get(..room).unwrap_or(piece);
            copy_to(slot, len, words);
            len = len.saturating_add(words.len());
            line.consume(piece.len());
        }
        len
    }

    /// Refuses a local user if its knock is over. Its server is told if it has been told of the
    /// knock.
    pub(super) fn end_old_knock(&mut self, place: u16, around: &mut Surroundings<'_>) {
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        if user.knock_ends().is_none_or(|at| around.now < at) {
            return;
        }
        let is_told = !user.to_server.front.has_event();
        let event = user.own.map(|own| Notice::of_user(own, What::KnockEnded(User::local(place))));
        if let Some(party) = user.party {
            around.tables.free_party(party.slot);
        }
        user.end_service();
        if let Some(event) = event.filter(|_| is_told) {
            user.to_server.front = Front::of(Queued::Notice(event));
        }
        if user.entered.is_some() {
            self.tell_words(place, false, Kind::Refused, &[&[Reason::NoAnswer.enter_code()]]);
        }
        self.state.progressed = true;
        self.free_if_over(place);
    }

    /// A user that knocks is let in.
    fn admit(&mut self, place: u16) {
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        user.stage = Stage::Served;
        let is_there = user.entered.is_some();
        let event = user.own.map(|channel| Notice::of_user(channel, What::Entered(User::local(place))));
        // one that is in the handler's hands is settled first
        if !user.to_server.front.has_event()
            && let Some(event) = event
        {
            user.to_server.front = Front::of(Queued::Notice(event));
        }
        self.state.wake = true;
        if is_there {
            self.tell(place, false, Kind::Entered);
        }
    }

    /// Returns what follows a line's event, if that was a knock and the user has been let in.
    pub(super) fn was_admitted(&self, which: LineRef) -> Option<Queued> {
        let user = self.user(which.user).filter(|user| which.to_server && user.stage == Stage::Served)?;
        let Queued::Knock { .. } = user.to_server.front.event else { return None };
        Some(Queued::Notice(Notice::of_user(user.own?, What::Entered(User::local(which.user)))))
    }
}

impl Out<'_> {
    /// Lets a local user in.
    pub(in crate::link) fn admit_local(&mut self, party: PartyRef) -> Result<(), SendError> {
        let mut tables = self.tables();
        let slot = tables.party_mut(party).ok_or(SendError::NotOpen)?;
        let PartyState::LocalKnocking { own, user } = slot.state else { return Err(SendError::NotOpen) };
        slot.assembler = Assembler::new();
        tables.set_party(party.slot, PartyState::LocalUser { own, user });
        self.local().admit(user);
        Ok(())
    }

    /// Does not let a local user in.
    pub(in crate::link) fn refuse_local(&mut self, party: PartyRef, words: &[u8]) -> Result<(), SendError> {
        let tables = self.tables();
        let Some(PartyState::LocalKnocking { user, .. }) = tables.party(party).map(|party| party.state)
        else {
            return Err(SendError::NotOpen);
        };
        self.parts.local.check_words(words.len().saturating_add(1))?;
        self.tables().free_party(party.slot);
        let code = [Reason::RefusedByServer.enter_code()];
        self.local().end_with(user, Kind::Refused, &[&code, words]);
        Ok(())
    }
}
