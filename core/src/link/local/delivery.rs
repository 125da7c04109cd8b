//! From records to events.

use super::line::{Kind, LineRef};
use super::slots::Stage;
use super::{FIRST_LOCAL_USER, Local, LocalParts};
use crate::Reason;
use crate::bytes::copy_to;
use crate::link::User;
#[cfg(feature = "admission")]
use crate::link::front::Front;
use crate::link::front::{Notice, Queued, What};
use crate::link::slots::{PartyRef, PartyState};
use crate::link::tables::Tables;
use crate::link::take_in::take_in;
use crate::time::Instant;

/// What events need besides the lines.
#[derive(Debug)]
pub(in crate::link) struct Surroundings<'a> {
    pub(in crate::link) tables: Tables<'a>,
    pub(in crate::link) chunks: &'a mut [u8],
    /// Bytes of each party's slot.
    pub(in crate::link) window: usize,
    pub(in crate::link) now: Instant,
    /// The own channel in which a broadcast has begun and not ended: who enters now would get the
    /// rest of it.
    pub(in crate::link) held: Option<u8>,
}

impl Local<'_> {
    /// A round begins: what was queued since the last one is on its way, events that were kept are
    /// tried again.
    pub(in crate::link) fn start_round(&mut self, now: Instant) {
        self.state.wake = false;
        self.state.kept = 0;
        self.state.progressed = false;
        self.state.exhausted = false;
        for place in self.places() {
            let Some(simulated) =
                self.user(place).filter(|user| user.stage != Stage::Free).map(|u| u.simulated)
            else {
                continue;
            };
            for to_server in [true, false] {
                let is_waiting = to_server && self.user(place).is_some_and(|u| u.stage == Stage::Waiting);
                if let Some((line, memory)) = self.line(place, to_server) {
                    line.front.begin_round();
                    // it leaves when the channel is there
                    if !is_waiting {
                        line.stamp(memory, now, simulated);
                    }
                }
            }
        }
    }

    /// A round ends. `is_relay_kept` says whether the relay's event is kept for the next one.
    pub(in crate::link) fn end_round(&mut self, held: Option<u8>, is_relay_kept: bool) {
        self.state.next_due = None;
        // an event that is kept may wait for room in a line, and something has been taken out of
        // one since
        if self.state.progressed && (self.state.kept > 0 || is_relay_kept) {
            self.state.next_due = Some(Instant::ZERO);
            return;
        }
        for place in self.places() {
            let Some(user) = self.user(place).filter(|user| user.stage != Stage::Free) else { continue };
            let is_held = user.own.is_some_and(|own| Some(own.slot) == held) && user.stage == Stage::Entering;
            #[cfg(feature = "admission")]
            {
                let ends = user.knock_ends();
                self.state.next_due = [ends, self.state.next_due].into_iter().flatten().min();
            }
            for to_server in [true, false] {
                let Some((line, memory)) = self.line(place, to_server) else { continue };
                if line.front.is_kept() || (is_held && to_server) {
                    continue;
                }
                let due = if line.front.has_event() { Some(Instant::ZERO) } else { line.next_due(memory) };
                self.state.next_due = [due, self.state.next_due].into_iter().flatten().min();
            }
        }
    }

    /// Goes on to the next line that has an event.
    pub(in crate::link) fn advance(&mut self, mut around: Surroundings<'_>) -> Option<LineRef> {
        if self.state.exhausted {
            return None;
        }
        let users = self.places().end;
        for _ in 0..u32::from(users).saturating_mul(2) {
            self.state.cursor = self.state.cursor.next(users);
            let line = self.state.cursor;
            if self.advance_line(line, &mut around) {
                return Some(line);
            }
        }
        self.state.exhausted = true;
        None
    }

    /// Goes on to the next event of a line, if it has one that is due.
    fn advance_line(&mut self, which: LineRef, around: &mut Surroundings<'_>) -> bool {
        let LineRef { user: place, to_server } = which;
        #[cfg(feature = "admission")]
        if to_server {
            self.end_old_knock(place, around);
        }
        loop {
            let Some(user) = self.user(place).filter(|user| user.stage != Stage::Free) else { return false };
            let receiver = if to_server { user.party } else { user.entered.map(PartyRef::from) };
            let own = user.own.map(|own| own.slot);
            let Some((line, memory)) = self.line(place, to_server) else { return false };
            if line.front.has_event() {
                return line.front.is_due();
            }
            if line.left == 0 {
                let Some(head) = line.due(memory, around.now) else { return false };
                if head.kind == Kind::Enter && around.held.is_some() && around.held == own {
                    return false;
                }
                line.take_head(head);
                if head.kind != Kind::Data {
                    let event = self.event_of(place, head.kind, around);
                    if let Some((line, _)) = self.line(place, to_server) {
                        line.consume(line.left);
                        line.front.event = event.unwrap_or(line.front.event);
                    }
                    self.state.progressed = true;
                    self.free_if_over(place);
                    continue;
                }
            }
            let piece = line.front(memory);
            if piece.is_empty() {
                line.left = 0; // cannot be: records are queued whole
            }
            let (used, event) = match receiver {
                Some(receiver) => in_slot(receiver, piece, around),
                None => (piece.len(), Queued::None),
            };
            line.front.event = event;
            line.consume(used);
            // also without an event: there is room now, for which others may wait
            self.state.progressed = true;
        }
    }

    /// What a record means that is not data.
    fn event_of(&mut self, place: u16, kind: Kind, around: &mut Surroundings<'_>) -> Option<Queued> {
        #[cfg(feature = "admission")]
        match kind {
            Kind::Enter if self.user(place)?.stage == Stage::Knocking => return self.knock(place, around),
            Kind::Refused => return self.refused(place, around),
            _ => {}
        }
        self.notice(place, kind, &mut around.tables).map(Queued::Notice)
    }

    /// What a record means whose payload says nothing.
    pub(super) fn notice(&mut self, place: u16, kind: Kind, tables: &mut Tables<'_>) -> Option<Notice> {
        let user = self.parts.users.get_mut(usize::from(place))?;
        let number = User::local(place);
        match kind {
            Kind::Data => None,
            Kind::Enter => {
                let channel = user.own?;
                user.stage = Stage::Served;
                let limit = tables.own(channel)?.limit;
                let state = PartyState::LocalUser { own: channel.slot, user: place };
                user.party = tables.add_party(state, limit);
                if user.party.is_none() {
                    warning!("no party slot is free for a local user of own channel {}", channel.slot);
                    return Some(Notice::of_user(channel, What::Ignored(number)));
                }
                debug!("a local user entered own channel {}", channel.slot);
                Some(Notice::of_user(channel, What::Entered(number)))
            }
            Kind::Leave => {
                let (channel, party) = (user.own?, user.party);
                let reason = if user.stage == Stage::Removed { Reason::Kicked } else { Reason::OnPurpose };
                user.end_service();
                #[cfg(feature = "admission")]
                if tables.party(party?).is_some_and(|p| matches!(p.state, PartyState::LocalKnocking { .. })) {
                    tables.free_party(party?.slot);
                    return Some(Notice::of_user(channel, What::KnockEnded(number)));
                }
                tables.free_party(party?.slot);
                debug!("a local user is gone from own channel {}", channel.slot);
                Some(Notice::of_user(channel, What::Gone(number, reason)))
            }
            Kind::Entered => {
                let channel = user.entered?;
                tables.set_party(channel.slot, PartyState::Joined { user: place });
                Some(Notice::opened(channel))
            }
            #[cfg(feature = "admission")]
            Kind::Refused => None,
            Kind::Gone | Kind::Removed | Kind::Blocked | Kind::NotCreated | Kind::NotThere => {
                let channel = user.entered.take()?;
                tables.free_party(channel.slot);
                let refused = |reason| Some(Notice::refused(channel, reason));
                match kind {
                    Kind::Blocked => refused(Reason::Blocked),
                    Kind::NotCreated => refused(Reason::NameInUse),
                    Kind::NotThere => refused(Reason::NoSuchChannel),
                    Kind::Removed => Some(Notice::closed(channel, Reason::Kicked)),
                    _ => Some(Notice::closed(channel, Reason::OnPurpose)),
                }
            }
        }
    }

    /// Takes note of what has become of a line's event. Returns true if it is kept.
    pub(in crate::link) fn settle(&mut self, which: LineRef, again: bool) -> bool {
        #[cfg(feature = "admission")]
        let entered = self.was_admitted(which);
        let Some((line, _)) = self.line(which.user, which.to_server) else { return false };
        #[cfg(feature = "admission")]
        if let Some(event) = entered {
            line.front = Front::of(event);
            return false;
        }
        if line.front.settle(again) {
            self.state.kept = self.state.kept.saturating_add(1);
            return true;
        }
        self.state.progressed = true;
        self.free_if_over(which.user);
        false
    }
}

impl LocalParts<'_> {
    /// Returns true if such an event waits at a user's side.
    pub(in crate::link) fn is_waiting(&self, wanted: impl Fn(Queued) -> bool) -> bool {
        self.users.iter().any(|user| wanted(user.to_user.front.event))
    }

    /// Returns true if the program has seen the event at the front of a line before.
    #[cfg(feature = "rpc")]
    pub(in crate::link) fn was_seen(&self, line: LineRef) -> bool {
        let user = self.users.get(usize::from(line.user));
        user.is_some_and(|user| if line.to_server { &user.to_server } else { &user.to_user }.front.was_seen())
    }

    /// Returns the event at the front of a line.
    pub(in crate::link) fn event(&self, line: LineRef) -> Queued {
        let user = self.users.get(usize::from(line.user));
        let line = user.map(|user| if line.to_server { &user.to_server } else { &user.to_user });
        line.map_or(Queued::None, |line| line.front.event)
    }
}

/// Takes `piece` in for a party. Returns how many bytes of it were used, and the event, whose bytes
/// lie in the party's slot. (Not in the line, which the handler can write to.)
fn in_slot(party: PartyRef, piece: &[u8], around: &mut Surroundings<'_>) -> (usize, Queued) {
    let Surroundings { tables, chunks, window, .. } = around;
    let piece = piece.get(..*window).unwrap_or(piece);
    let mut event = Queued::None;
    let used = take_in(party, piece, 0, tables.parties, chunks, *window, &mut event);
    let Queued::Received { from, start, end } = event else { return (used, event) };
    let bytes = piece.get(start..end).unwrap_or_default();
    copy_to(chunks, usize::from(from.slot).wrapping_mul(*window), bytes);
    (used, Queued::Assembled { from, len: bytes.len() })
}

impl User {
    /// The local user in this slot.
    pub(in crate::link) const fn local(slot: u16) -> Self {
        Self::numbered(FIRST_LOCAL_USER.saturating_add(slot))
    }
}
