//! From received bytes to events.

mod answer;

#[cfg(feature = "flow")]
use super::flow::{came, stored_of};
use super::handing::Handler;
use super::send::Out;
use super::session::Session;
use super::slots::Key;
use super::state::Owed;
use super::tables::find;
use super::take_in::take_in;
use crate::protocol::to_endpoint::Head;

impl Session<'_> {
    /// Goes through what has been received, until nothing is left of it, an event is kept, or the
    /// relay is owed a command first (`false`), or the handler takes no more (`true`).
    pub(super) fn hand_over_received<H: Handler + ?Sized>(&mut self, handler: &mut H) -> bool {
        #[cfg(all(feature = "flow", feature = "server"))]
        if self.out.state.owed == Owed::Older {
            self.out.state.owed = Owed::Nothing;
            self.control();
            if self.out.state.front.is_due()
                && let Some(is_over) = self.hand_over_new(handler)
            {
                return is_over;
            }
        }
        while self.out.state.received.is_left() {
            if self.out.state.owed != Owed::Nothing {
                break;
            }
            if self.out.state.received.decoder.left() == 0 {
                self.take_head();
            }
            let received = &self.out.state.received;
            let left = received.decoder.left();
            if left > 0 && received.is_left() {
                self.take_piece(left);
            }
            if self.out.state.front.is_due()
                && let Some(is_over) = self.hand_over_new(handler)
            {
                return is_over;
            }
        }
        false
    }

    /// Takes in bytes of the next unit's head. The event that it stands for is at the front then,
    /// if it stands for one.
    #[cfg_attr(feature = "speed", inline(always))]
    #[cfg_attr(not(feature = "speed"), inline(never))]
    fn take_head(&mut self) {
        let received = &mut self.out.state.received;
        let input = self.inbox.receive.get(received.start..received.end).unwrap_or_default();
        let (used, head) = received.decoder.head(input);
        received.start = received.start.wrapping_add(used);
        match head {
            Head::Cut => {}
            Head::Data => {
                let (channel, user) = received.decoder.party();
                received.party = find(self.out.parts.parties, Key::on_wire(channel, user));
            }
            Head::Control => self.control(),
            Head::Tail => {
                // what follows is for no party
                received.party = None;
                #[cfg(feature = "flow")]
                self.begin_tail();
            }
        }
    }

    /// Takes in a party's data, of which `left` bytes are left in the current unit, up to the first
    /// event in it, which is at the front then.
    #[cfg_attr(feature = "speed", inline(always))]
    #[cfg_attr(not(feature = "speed"), inline(never))]
    fn take_piece(&mut self, left: usize) {
        let Self { out: Out { state, parts }, inbox } = self;
        let received = &mut state.received;
        let start = received.start;
        let input = inbox.receive.get(start..received.end).unwrap_or_default();
        let piece = input.get(..left).unwrap_or(input);
        let used = match received.party {
            Some(party) => {
                let chunks = &mut *inbox.chunks;
                #[cfg(feature = "flow")]
                let stored = if state.flow.in_force { stored_of(parts.parties, party) } else { 0 };
                let event = &mut state.front.event;
                let used = take_in(party, piece, start, parts.parties, chunks, parts.window, event);
                #[cfg(feature = "flow")]
                if state.flow.in_force
                    && let Some(slot) = parts.parties.get_mut(usize::from(party.slot))
                    && slot.generation == party.generation
                {
                    came(&mut state.flow, slot, used, stored, parts.window);
                }
                used
            }
            None => {
                #[cfg(feature = "flow")]
                if received.decoder.is_in_tail() {
                    return self.take_tail(left);
                }
                piece.len()
            }
        };
        received.start = start.wrapping_add(used);
        received.decoder.skip(used);
        #[cfg(feature = "flow")]
        if used == 0 {
            state.owed = Owed::Wait; // the party's slot is full
        }
    }
}
