//! What has to wait until it is known whether the relay knows hello: words at a door, and a token.
//!
//! A relay says what it can do when it has got a byte. So the first byte of the first command that
//! has to wait, which is 0 whatever the command, is written, and the rest is held back in the
//! queue: behind the *gate*. Hello is inserted there. As commands begin with the same byte,
//! `0 | 7 …` becomes `0 | 6 … 0 7 …`. With a relay that does not know hello the words are taken out
//! instead.

use super::hello::MAX_HELLO;
use super::state::FlowState;
use crate::link::send::Out;
use crate::link::state::Owed;
use crate::link::{EnteredChannel, Mode, SendError};
use crate::protocol::items::{self, MAX_TOKEN};
use crate::protocol::to_relay::{self, Command};

impl FlowState {
    /// Returns how many of the bytes that are queued may be written.
    #[inline]
    pub(in crate::link) const fn to_write(&self, queued: usize) -> usize {
        match self.gate.checked_sub(1) {
            Some(gate) if gate < queued => gate,
            _ => queued,
        }
    }

    /// So many bytes have been written.
    #[inline]
    pub(in crate::link) const fn wrote(&mut self, count: usize) {
        if self.gate > 0 {
            self.gate = self.gate.saturating_sub(count);
        }
    }

    /// Sets the token. One that is too long is not said.
    pub(super) fn set_token(&mut self, token: Option<&'static [u8]>) {
        self.token = token.filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN);
    }
}

impl Out<'_> {
    /// Like [`Out::enter`], and says something at the door: a password, a name, a version. At most
    /// 200 bytes. The channel's server hears it if it asks (`Admission::Ask`); others let this link
    /// in without.
    ///
    /// Words can only be said to a relay that has announced that it knows them. If nothing has come
    /// from the relay yet, this command and those behind it wait for the announcement: one round
    /// trip, and up to 5 s with a relay that announces nothing. Words are dropped there.
    ///
    /// # Errors
    /// Those of [`Out::enter`], [`SendError::WordsTooLong`], and [`SendError::QueueTooSmall`] where
    /// the line of a local user has no room for the words.
    pub fn enter_with(
        &mut self,
        name: impl AsRef<[u8]>,
        mode: Mode,
        words: impl AsRef<[u8]>,
    ) -> Result<EnteredChannel, SendError> {
        let words = words.as_ref();
        to_relay::command_head(Command::Words, words.len())
            .ok_or(SendError::WordsTooLong { len: words.len() })?;
        self.enter_saying(name.as_ref(), mode, words)
    }

    /// A command of `len` bytes is about to be queued, with `words` in front of it.
    pub(in crate::link) fn before_command(&mut self, len: usize, words: &[u8]) -> Result<(), SendError> {
        let flow = &self.state.flow;
        let is_unknown = !flow.is_known;
        let (has_words, has_token) = (!words.is_empty(), flow.token.is_some());
        let waits = has_token || flow.gate > 0;
        if !flow.has_said && !is_unknown || !has_words && !waits {
            return Ok(()); // words mean nothing to this relay, or there is nothing to say
        }
        let head = to_relay::command_head(Command::Words, words.len()).unwrap_or_default();
        let head: &[u8] = if has_words { &head } else { &[] };
        // hello has to have room at the gate
        let hello = if is_unknown { MAX_HELLO } else { 0 };
        let needed = [head.len(), words.len(), hello].iter().fold(len, |sum, part| sum.saturating_add(*part));
        self.check_room(needed)?;
        if is_unknown && self.state.flow.gate == 0 {
            self.state.flow.gate = self.state.ring.len().saturating_add(2);
        }
        self.push(head);
        self.push(words);
        Ok(())
    }

    /// Queues a hello, for which there is room: at the gate, if there is one.
    pub(super) fn push_hello(&mut self, hello: &[u8]) {
        if self.state.flow.gate > 0 { self.insert_hello(hello) } else { self.push(hello) }
    }

    fn insert_hello(&mut self, hello: &[u8]) {
        let Some((first, rest)) = hello.split_first() else { return };
        let at = self.state.flow.gate.saturating_sub(1);
        self.state.ring.insert(self.parts.transmit, at, &[*first]);
        self.state.ring.insert(self.parts.transmit, at, rest);
        self.state.flow.gate = self.state.flow.gate.saturating_add(hello.len());
    }

    /// Says the token if there is one. What was held back goes behind it.
    pub(in crate::link) fn say_token(&mut self) {
        /// What stands in front of a part of a token.
        const HEAD: usize = 6;
        self.state.owed = Owed::Nothing;
        let token = self.state.flow.token.unwrap_or_default();
        while let Some(left) = token.get(self.state.flow.said.into()..).filter(|left| !left.is_empty()) {
            let room = self.state.ring.free(self.parts.transmit).saturating_sub(HEAD);
            let part = left.get(..room.min(items::MAX_ITEMS.saturating_sub(2))).unwrap_or(left);
            let (len, kind) = match part.len() {
                0 => {
                    self.state.owed = Owed::Token;
                    return;
                }
                len if len < left.len() => (len, items::TOKEN_PART),
                len => (len, items::TOKEN_END),
            };
            let mut command = [0; HEAD + items::MAX_ITEMS];
            let in_items = len.saturating_add(2);
            let head = to_relay::command_head(Command::Hello, in_items).unwrap_or_default();
            let item = items::head(kind, u8::try_from(len).unwrap_or(0));
            let bytes = head.iter().chain(&item).chain(part);
            command.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            self.push_hello(command.get(..HEAD.saturating_add(len)).unwrap_or_default());
            let said = usize::from(self.state.flow.said).saturating_add(len);
            self.state.flow.said = u16::try_from(said).unwrap_or(u16::MAX);
        }
        self.state.flow.gate = 0;
    }

    /// Something has come from a relay that does not know hello: takes the words out of what was
    /// held back, which is nothing but commands, without their first byte.
    pub(in crate::link) fn has_no_hello(&mut self) {
        let Some(mut at) = self.state.flow.gate.checked_sub(1) else { return };
        self.state.flow.gate = 0;
        loop {
            let queued = self.state.ring.front(self.parts.transmit);
            let Some([command, _, len, ..]) = queued.get(at..) else { return };
            // with the first byte of the next one
            let whole = usize::from(*len).saturating_add(4);
            if *command == Command::Words.code() {
                self.state.ring.remove(self.parts.transmit, at, whole);
            } else {
                at = at.saturating_add(whole);
            }
        }
    }
}
