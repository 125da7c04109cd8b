//! What stands behind an answer or event: words, and the items of the relay's hello.

use super::state::{FlowState, Tail};
#[cfg(feature = "server")]
use crate::Reason;
#[cfg(feature = "server")]
use crate::link::front::Notice;
use crate::link::front::Queued;
use crate::link::session::Session;
#[cfg(feature = "server")]
use crate::link::slots::Key;
#[cfg(feature = "server")]
use crate::link::state::Owed;
use crate::protocol::Fragment;
use crate::protocol::items::{self, Item, NumberReader};
use crate::protocol::to_endpoint::Unit;

/// A user that knocks.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Knock {
    /// The own channel's.
    pub(in crate::link) number: u8,
    pub(in crate::link) user: u8,
    pub(in crate::link) ticket: u8,
    /// What may be sent to it.
    pub(in crate::link) window: u32,
}

impl FlowState {
    /// Takes in a byte of the relay's hello.
    fn hello_byte(&mut self, byte: u8) {
        match self.reader.byte(byte) {
            Some(Item::Keepalive(seconds)) => self.interval = seconds,
            Some(Item::Capabilities(bits)) => self.is_refused = bits & items::TAKES_PART == 0,
            Some(Item::ComeBackIn(millis)) => self.come_back_in = Some(millis),
            _ => {}
        }
    }
}

impl Session<'_> {
    /// A tail begins, whose answer or event is known.
    #[cold]
    pub(in crate::link) fn begin_tail(&mut self) {
        let tail = match self.out.state.received.decoder.control(Fragment::EMPTY) {
            Unit::Hello { .. } => Tail::Hello,
            #[cfg(feature = "admission")]
            Unit::Refused { tag, .. } => {
                self.out.tables().find_entering(tag).map_or(Tail::Other, |party| Tail::Words(party.slot))
            }
            #[cfg(all(feature = "admission", feature = "server"))]
            Unit::Knock { channel: number, user, ticket, window, .. } => {
                let knock = Knock { number, user, ticket, window };
                self.begin_knock(knock).map_or(Tail::Other, Tail::Words)
            }
            _ => Tail::Other,
        };
        let flow = &mut self.out.state.flow;
        (flow.tail, flow.reader) = (tail, NumberReader::new());
        #[cfg(feature = "admission")]
        flow.begin_words();
    }

    /// Takes in the tail of an answer or event, of which `left` bytes are left. The event that it
    /// stands for is at the front when all of it is there.
    #[cold]
    pub(in crate::link) fn take_tail(&mut self, left: usize) {
        let state = &mut *self.out.state;
        let received = &mut state.received;
        let input = self.inbox.receive.get(received.start..received.end).unwrap_or_default();
        let piece = input.get(..left).unwrap_or(input);
        let flow = &mut state.flow;
        match flow.tail {
            Tail::Other => {}
            Tail::Hello => piece.iter().for_each(|byte| flow.hello_byte(*byte)),
            #[cfg(feature = "admission")]
            Tail::Words(slot) => {
                let chunks = &mut *self.inbox.chunks;
                flow.take_words(slot, piece, chunks, self.out.parts.window);
            }
        }
        received.start = received.start.wrapping_add(piece.len());
        received.decoder.skip(piece.len());
        if piece.len() < left {
            return;
        }
        self.control();
        #[cfg(feature = "admission")]
        self.add_words();
    }

    /// The relay has said hello, or that it drains.
    pub(in crate::link) fn greeted(&mut self) {
        let flow = &mut self.out.state.flow;
        if let Some(millis) = flow.come_back_in.take() {
            self.out.state.front.event = Queued::ComeBack { after: millis };
            return;
        }
        if core::mem::replace(&mut flow.is_greeted, true) {
            return;
        }
        #[cfg(all(feature = "admission", feature = "server"))]
        self.open_doors();
        // a broadcast that is kept may wait for this
        self.out.state.room.written();
    }

    /// A user knocks, and its words have come. It is let in if there is room, unless the program
    /// has said otherwise.
    #[cfg(feature = "server")]
    pub(in crate::link) fn knocked(&mut self, knock: Knock) -> Option<Notice> {
        let Knock { number, user, ticket, window } = knock;
        #[cfg(feature = "admission")]
        let code = match self.begin_knock(knock) {
            Ok(slot) => {
                self.knock_begun(slot);
                return None;
            }
            Err(code) => code,
        };
        #[cfg(not(feature = "admission"))]
        let code = self.code_by_room(number);
        if code == 0
            && let Some((channel, _)) = self.out.tables().find_open(number)
            && self.has_to_wait_for_older(channel, user)
        {
            return None;
        }
        self.out.state.owed = Owed::Answer { channel: number, user, ticket, code };
        self.out.pay();
        if code != 0 {
            return None;
        }
        let event = self.user_entered(number, user);
        if let Some(party) = self.out.tables().find(Key::user(number, user)) {
            self.out.raise(party, window, None);
        }
        event
    }

    /// Returns 0 if there is room for another user in the own channel with this number, and else
    /// the code of the refusal.
    #[cfg(feature = "server")]
    pub(super) fn code_by_room(&mut self, number: u8) -> u8 {
        let tables = self.out.tables();
        match (tables.find_open(number), tables.is_full()) {
            (Some(_), false) => 0,
            (Some(_), true) => Reason::ChannelFull.enter_code(),
            (None, _) => Reason::RefusedByServer.enter_code(),
        }
    }
}
