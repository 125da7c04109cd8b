//! What stands behind an answer or event: words, and the items of the relay's hello.
//!
//! Words are put together in the slot of the party that they are about, which has no data yet.

use super::state::{FlowState, Tail};
#[cfg(feature = "server")]
use crate::Reason;
use crate::bytes::copy_to;
use crate::link::Channel;
use crate::link::front::{Notice, Queued, What};
use crate::link::session::Session;
#[cfg(feature = "server")]
use crate::link::slots::Key;
#[cfg(feature = "server")]
use crate::link::state::Owed;
use crate::protocol::items::{self, Item, NumberReader};
use crate::protocol::to_endpoint::Unit;
use crate::protocol::{Fragment, MAX_WORDS};

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
            Unit::Refused { tag, .. } => {
                self.out.tables().find_entering(tag).map_or(Tail::Other, |party| Tail::Words(party.slot))
            }
            #[cfg(feature = "server")]
            Unit::Knock { channel: number, user, ticket, window, .. } => {
                let knock = Knock { number, user, ticket, window };
                self.begin_knock(knock).map_or(Tail::Other, Tail::Words)
            }
            _ => Tail::Other,
        };
        let flow = &mut self.out.state.flow;
        (flow.tail, flow.words, flow.reader) = (tail, 0, NumberReader::new());
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
            Tail::Words(slot) => {
                let size = self.out.parts.window;
                let len = usize::from(flow.words);
                let room = size.min(MAX_WORDS).saturating_sub(len);
                let words = piece.get(..room).unwrap_or(piece);
                copy_to(self.inbox.chunks, usize::from(slot).wrapping_mul(size).wrapping_add(len), words);
                flow.words = flow.words.wrapping_add(u8::try_from(words.len()).unwrap_or(0));
            }
        }
        received.start = received.start.wrapping_add(piece.len());
        received.decoder.skip(piece.len());
        if piece.len() < left {
            return;
        }
        self.control();
        let len = core::mem::take(&mut self.out.state.flow.words);
        let front = &mut self.out.state.front;
        if len > 0
            && let Queued::Notice(Notice { channel: Channel::Entered(channel), what }) = front.event
            && let What::Refused(reason) = what
        {
            front.event = Queued::Refused { from: channel.into(), code: reason.enter_code(), len };
        }
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
        #[cfg(feature = "server")]
        self.open_doors();
        // a broadcast that is kept may wait for this
        self.out.state.room.written();
    }

    /// A user knocks, and its words have come. It is let in if there is room, unless the program
    /// has said otherwise.
    #[cfg(feature = "server")]
    pub(in crate::link) fn knocked(&mut self, knock: Knock) -> Option<Notice> {
        let Knock { number, user, ticket, window } = knock;
        let code = match self.begin_knock(knock) {
            Ok(slot) => {
                self.knock_begun(slot);
                return None;
            }
            Err(code) => code,
        };
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
