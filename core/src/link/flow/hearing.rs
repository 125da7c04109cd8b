//! Words behind an answer or event. They are put together in the slot of the party that they are
//! about, which has no data yet.

use super::state::FlowState;
use crate::bytes::copy_to;
use crate::link::Channel;
use crate::link::front::{Notice, Queued, What};
use crate::link::session::Session;
use crate::protocol::MAX_WORDS;

impl FlowState {
    pub(super) const fn begin_words(&mut self) {
        self.words = 0;
    }

    /// Takes a piece of words to a party's slot, of `size` bytes.
    pub(super) fn take_words(&mut self, slot: u16, piece: &[u8], chunks: &mut [u8], size: usize) {
        let len = usize::from(self.words);
        let room = size.min(MAX_WORDS).saturating_sub(len);
        let words = piece.get(..room).unwrap_or(piece);
        copy_to(chunks, usize::from(slot).wrapping_mul(size).wrapping_add(len), words);
        self.words = self.words.wrapping_add(u8::try_from(words.len()).unwrap_or(0));
    }
}

impl Session<'_> {
    /// An event with words is at the front, if they have come.
    pub(super) fn add_words(&mut self) {
        let len = core::mem::take(&mut self.out.state.flow.words);
        let front = &mut self.out.state.front;
        if len > 0
            && let Queued::Notice(Notice { channel: Channel::Entered(channel), what }) = front.event
            && let What::Refused(reason) = what
        {
            front.event = Queued::Refused { from: channel.into(), code: reason.enter_code(), len };
        }
    }
}
