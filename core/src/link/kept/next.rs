//! Handing over what waits, once in a round.

use super::state::{PartyKept, Waiting};
#[cfg(feature = "server")]
use crate::link::OwnChannel;
use crate::link::flow;
use crate::link::handing::{Handler, Verdict};
use crate::link::session::Session;
use crate::link::slots::{OwnState, PartyRef};
use crate::link::state::{Held, Owed};

impl Session<'_> {
    /// Hands over what waits, once in a round: what own channels have, then what each party has.
    /// Returns true if the handler takes no more.
    #[inline]
    pub(in crate::link) fn hand_over_kept<H: Handler + ?Sized>(&mut self, handler: &mut H) -> bool {
        self.out.state.tables.kept.is_round() && self.hand_over_waiting(handler)
    }

    #[cold]
    fn hand_over_waiting<H: Handler + ?Sized>(&mut self, handler: &mut H) -> bool {
        while let Some(source) = self.next_kept() {
            // an end has freed its slot, so that the handler can ask for another channel
            let verdict = self.hand_over(source, handler);
            let is_over = self.settle(source, verdict);
            if is_over {
                return true;
            }
        }
        false
    }

    /// Finds whose event is to be handed over next. One that frees its slot is at the front then.
    fn next_kept(&mut self) -> Option<Held> {
        if !self.out.state.tables.kept.is_any() {
            self.out.state.tables.kept.end_round();
            return None;
        }
        if self.out.state.tables.kept.is_own_due {
            if let Some(found) = self.next_own_kept() {
                return Some(found);
            }
            self.out.state.tables.kept.is_own_due = false;
        }
        let parties = self.out.tables().used_slots().end;
        while self.out.state.tables.kept.left > 0 {
            let slot = self.out.state.tables.kept.cursor;
            if let Some(found) = self.kept_of(slot) {
                if matches!(found, Held::Relay) {
                    self.out.state.tables.kept.advance(parties);
                }
                return Some(found);
            }
            self.out.state.tables.kept.advance(parties);
        }
        None
    }

    /// Finds an own channel's event that waits. The search goes on behind the one that was found
    /// last.
    fn next_own_kept(&mut self) -> Option<Held> {
        // a refusal goes by way of the front
        let is_front_free = !self.out.state.front.has_event();
        let from = self.out.state.tables.kept.own_cursor;
        for slot in (from..u8::MAX).take(self.out.parts.own.len()) {
            let mut tables = self.out.tables();
            if !tables.is_own_kept(slot) {
                continue;
            }
            let channel = tables.own_in(slot)?;
            tables.state.kept.own_cursor = slot.saturating_add(1);
            if let OwnState::Refused { .. } = tables.own(channel)?.state {
                if !is_front_free {
                    tables.state.kept.is_skipped = true;
                    continue;
                }
                let notice = tables.take_own_notice(slot);
                self.out.state.front.tell(notice);
                return Some(Held::Relay);
            }
            return Some(Held::Own(slot));
        }
        None
    }

    /// Finds out whether something is to be handed over of the party in this slot.
    fn kept_of(&mut self, slot: u16) -> Option<Held> {
        // an end goes by way of the front
        let is_front_free = !self.out.state.front.has_event();
        let mut tables = self.out.tables();
        let party = tables.parties.get(usize::from(slot)).filter(|party| party.kept.is_waiting())?;
        if party.state.own().is_some_and(|own| tables.is_own_kept(own)) {
            tables.state.kept.is_skipped = true;
            return None;
        }
        let at = PartyRef { slot, generation: party.generation };
        match party.kept.waiting() {
            Waiting::End | Waiting::ToldEnd if is_front_free => {
                let end = tables.take_end(at)?;
                self.out.state.front.event = end;
                return Some(Held::Relay);
            }
            Waiting::End | Waiting::ToldEnd => {
                tables.state.kept.is_skipped = true;
                return None;
            }
            #[cfg(all(feature = "admission", feature = "server"))]
            Waiting::Knock if tables.has_older(slot) => {
                tables.state.kept.is_skipped = true;
                return None;
            }
            #[cfg(all(feature = "admission", feature = "server"))]
            Waiting::Knock => return Some(Held::Knock(slot)),
            _ => {}
        }
        Some(Held::Party(slot))
    }

    /// Returns true if a user enters whose number an earlier one had, which is gone and has not
    /// been told so. It enters when that has been, and nothing more is read meanwhile: until then
    /// its number means the earlier one.
    #[cfg(feature = "server")]
    pub(in crate::link) fn has_to_wait_for_older(&mut self, channel: OwnChannel, user: u8) -> bool {
        let waits = self.out.tables().has_gone(channel.slot, user);
        if waits {
            self.out.state.owed = Owed::Older;
        }
        waits
    }

    /// Takes note of what has become of a party's event. Returns true if it is kept.
    pub(in crate::link) fn settle_kept(&mut self, slot: u16, verdict: Verdict) -> bool {
        let is_again = verdict == Verdict::Again;
        if !is_again {
            self.go_on(slot);
        } else if cfg!(feature = "rpc")
            && let Some(party) = self.out.parts.parties.get_mut(usize::from(slot))
            && party.kept.is_waiting()
        {
            party.kept = party.kept.seen();
        }
        let waits = self.heard_of(slot, verdict);
        if !is_again && self.out.state.owed == Owed::Wait {
            self.out.state.owed = Owed::Nothing;
        }
        is_again && waits
    }

    /// The same for an event that tells that a party knocks. An answer of the handler settles it.
    #[cfg(all(feature = "admission", feature = "server"))]
    pub(in crate::link) fn settle_knock(&mut self, slot: u16, verdict: Verdict) -> bool {
        let party = self.out.parts.parties.get(usize::from(slot));
        let is_unanswered = party.is_some_and(|party| matches!(party.kept.waiting(), Waiting::Knock));
        let is_again = is_unanswered && verdict == Verdict::Again;
        if is_unanswered && !is_again {
            self.out.tables().forget_kept(slot);
        }
        let verdict = if verdict == Verdict::Again && !is_again { Verdict::Done } else { verdict };
        self.heard_of(slot, verdict);
        is_again
    }

    /// An event of the party in this slot has been handed over. Returns true if something of it
    /// waits.
    fn heard_of(&mut self, slot: u16, verdict: Verdict) -> bool {
        let tables = self.out.tables();
        let waits = tables.parties.get(usize::from(slot)).is_some_and(|party| party.kept.is_waiting());
        // a party with more to say is heard further, unless the round ends here
        if verdict == Verdict::Again || !waits || verdict != Verdict::Done {
            let parties = tables.used_slots().end;
            tables.state.kept.advance(parties);
            if waits && verdict != Verdict::Again {
                tables.state.kept.skip();
            }
        }
        waits
    }

    /// Takes note of what has become of an own channel's event. Returns true if it is kept.
    pub(in crate::link) fn settle_own_kept(&mut self, slot: u8, is_again: bool) -> bool {
        let mut tables = self.out.tables();
        if !is_again {
            tables.state.kept.progressed();
            tables.set_own_kept(slot, false);
        }
        is_again && tables.is_own_kept(slot)
    }

    /// The event at the front of a party has been dealt with.
    fn go_on(&mut self, slot: u16) {
        self.out.state.tables.kept.progressed();
        let size = self.out.parts.window;
        let at = usize::from(slot).wrapping_mul(size);
        let memory = self.inbox.chunks.get_mut(at..).and_then(|chunks| chunks.get_mut(..size));
        let flow = &mut self.out.state.flow;
        let Some(party) = self.out.parts.parties.get_mut(usize::from(slot)) else { return };
        let stored = flow::stored(party);
        let next = match party.kept.waiting() {
            Waiting::Opened | Waiting::Bytes => party.go_on(memory.unwrap_or_default()),
            Waiting::Malicious if party.is_ending() => PartyKept::new(Waiting::End, 0),
            _ => PartyKept::NOTHING,
        };
        flow::came(flow, party, 0, stored, size);
        self.out.tables().set_kept(slot, next);
    }
}
