//! The state machine of an end, without its rings.

#![expect(
    clippy::cast_possible_truncation,
    reason = "on the wire offsets count modulo 65,536; lengths are below"
)]

use crate::error::SerialError;
use crate::frame::{Outgoing, PAYLOAD, from_ring, kind, to_ring};

/// How long an answer may take before something is sent again, in milliseconds.
const TIMEOUT: u16 = 250;
/// So often something is sent again, with nothing heard, before the connection is lost.
const TRIES: u8 = 24;
/// So far the first offsets of two connections in a row are from each other: no window is that
/// long, so what belongs to another connection is out of step.
const STRIDE: u32 = 0x9e37;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub(crate) enum State {
    /// Neither calls nor listens.
    Closed = 0,
    Over,
    /// This end waits for a hello.
    Listening,
    /// This end says hello.
    Calling,
    /// This end has said welcome, and has not been heard since.
    Welcomed,
    Open,
}

/// The small fields come first: a Cortex-M reaches low offsets with short instructions. Some
/// functions are kept out of line, since in one large function the registers do not suffice.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Core {
    pub(crate) state: State,
    /// Why it is over.
    pub(crate) why: SerialError,
    /// The frame that is to be sent next, by the bits of its kind.
    owed: u8,
    tries: u8,
    /// Something is missing.
    missing: bool,
    /// [`TIMEOUT`] and this, bit by bit, so that it is zero at the start.
    timeout: u16,
    timer: u32,

    // sending: acked ≤ next ≤ end
    pub(crate) acked: u32,
    next: u32,
    pub(crate) end: u32,
    /// How many bytes from `acked` on have room at the other end.
    free: u32,

    // receiving: read ≤ expected
    read: u32,
    expected: u32,

    pub(crate) outgoing: Outgoing,
}

impl Core {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Closed,
            why: SerialError::NotReady,
            owed: 0,
            tries: 0,
            missing: false,
            timeout: 0,
            timer: 0,
            acked: 0,
            next: 0,
            end: 0,
            free: 0,
            read: 0,
            expected: 0,
            outgoing: Outgoing::new(),
        }
    }

    pub(crate) const fn set_timeout(&mut self, millis: u16) {
        self.timeout = millis ^ TIMEOUT;
    }

    // --- connections ---

    /// Begins anew, by calling or listening.
    pub(crate) fn begin(&mut self, state: State, owed: u8) {
        self.state = state;
        self.why = SerialError::NotReady;
        self.owed = owed;
        self.tries = 0;
        self.missing = false;
        self.end = self.end.wrapping_add(STRIDE);
        self.acked = self.end;
        self.next = self.end;
        self.read = self.expected;
    }

    /// What the other end has said of its direction.
    fn take_up(&mut self, offset: u16, free: u16) {
        self.free = free.into();
        self.expected = offset.into();
        self.read = self.expected;
    }

    #[inline(never)]
    pub(crate) fn over(&mut self, why: SerialError, owed: u8) {
        self.state = State::Over;
        self.why = why;
        self.owed = owed;
    }

    // --- time ---

    /// How many milliseconds are left of the wait for an answer, if one is waited for.
    pub(crate) fn left(&self, now: u32) -> Option<u32> {
        let waits = match self.state {
            State::Calling => true,
            State::Open => self.acked != self.end,
            _ => false,
        };
        let wait = u32::from(self.timeout ^ TIMEOUT);
        waits.then_some(wait.saturating_sub(now.wrapping_sub(self.timer)))
    }

    fn time_out(&mut self) {
        self.tries = self.tries.wrapping_add(1);
        if self.state == State::Calling {
            self.owed = kind::HELLO;
        } else if self.tries > TRIES {
            self.over(SerialError::Silent, kind::RESET);
        } else {
            self.owed |= kind::OPEN | kind::ASK;
            self.next = self.acked;
        }
    }

    // --- sending ---

    #[inline(never)]
    pub(crate) fn transmit(&mut self, ring: &[u8], receive: u32, now: u32) -> Option<u8> {
        if self.outgoing.is_empty() {
            if self.left(now) == Some(0) && self.owed == 0 && self.sendable() == 0 {
                self.timer = now;
                self.time_out();
            }
            self.choose(ring, receive);
        }
        if self.outgoing.asks() {
            // an answer can come no earlier than the last byte has gone
            self.timer = now;
        }
        self.outgoing.next()
    }

    /// How many bytes the next frame has.
    #[inline(never)]
    fn sendable(&self) -> u32 {
        if self.state != State::Open {
            return 0;
        }
        let room = self.free.saturating_sub(self.next.wrapping_sub(self.acked));
        self.end.wrapping_sub(self.next).min(room).min(PAYLOAD as u32)
    }

    /// Makes the next frame, if there is one.
    fn choose(&mut self, ring: &[u8], receive: u32) {
        let len = self.sendable();
        if len != 0 {
            self.owed |= kind::OPEN | kind::ASK;
        }
        if self.owed == 0 {
            return;
        }
        let [o0, o1, ..] = self.next.to_le_bytes();
        let [a0, a1, ..] = self.expected.to_le_bytes();
        let [f0, f1, ..] = self.room(receive).to_le_bytes();
        self.outgoing.set([self.owed, o0, o1, a0, a1, f0, f1], len as usize, ring, self.next);
        self.owed = 0;
        self.next = self.next.wrapping_add(len);
    }

    // --- receiving ---

    pub(crate) fn unread(&self) -> u32 {
        self.expected.wrapping_sub(self.read)
    }

    fn room(&self, receive: u32) -> u32 {
        receive.wrapping_sub(self.unread())
    }

    /// A frame has come, or nothing.
    pub(crate) fn frame(&mut self, content: &[u8], ring: &mut [u8], now: u32) {
        let &[kind, o0, o1, a0, a1, f0, f1, ref payload @ ..] = content else { return };
        let offset = u16::from_le_bytes([o0, o1]);
        let ack = u16::from_le_bytes([a0, a1]);
        let free = u16::from_le_bytes([f0, f1]);
        match kind {
            kind::HELLO => match self.state {
                // nothing has come since the last hello, so nothing is lost
                State::Listening | State::Welcomed => {
                    self.state = State::Welcomed;
                    self.owed = kind::WELCOME;
                    self.take_up(offset, free);
                }
                // a caller that has a connection says no hello, so it has started anew
                State::Open => self.over(SerialError::Restarted, 0),
                _ => {}
            },
            kind::WELCOME => {
                if self.state == State::Calling && ack == self.acked as u16 {
                    self.state = State::Open;
                    self.owed = kind::OPEN | kind::ASK;
                    self.take_up(offset, free);
                }
            }
            kind::RESET => {
                if self.state >= State::Welcomed {
                    self.over(SerialError::Ended, 0);
                }
            }
            _ if kind & kind::OPEN == 0 => {}
            _ if self.state < State::Calling => self.owed = kind::RESET,
            _ if self.state == State::Calling => {}
            _ => {
                let done = u32::from(ack.wrapping_sub(self.acked as u16));
                if done > self.end.wrapping_sub(self.acked) {
                    return self.over(SerialError::OutOfStep, kind::RESET);
                }
                if self.state == State::Welcomed {
                    self.state = State::Open;
                    self.owed = 0; // it has heard the welcome
                }
                self.tries = 0;
                self.free = free.into();
                self.acknowledged(done, now);
                if kind & kind::AGAIN != 0 {
                    self.next = self.acked;
                }
                if kind & kind::ASK != 0 {
                    self.owed |= kind::OPEN;
                    self.data(offset, payload, ring);
                }
            }
        }
    }

    #[inline(never)]
    fn acknowledged(&mut self, done: u32, now: u32) {
        if done == 0 {
            return;
        }
        if self.next.wrapping_sub(self.acked) < done {
            self.next = self.acked.wrapping_add(done);
        }
        self.acked = self.acked.wrapping_add(done);
        self.timer = now;
    }

    fn data(&mut self, offset: u16, payload: &[u8], ring: &mut [u8]) {
        let len = payload.len() as u32;
        let ahead = offset.wrapping_sub(self.expected as u16);
        if ahead == 0 && len <= self.room(ring.len() as u32) {
            to_ring(ring, self.expected, payload);
            self.expected = self.expected.wrapping_add(len);
            self.missing = false;
        } else if ahead.wrapping_add(len as u16).cast_signed() > 0 {
            self.missed();
        }
    }

    /// Something is missing. Asks for it, once.
    pub(crate) fn missed(&mut self) {
        if self.state == State::Open && !self.missing {
            self.missing = true;
            self.owed |= kind::OPEN | kind::AGAIN;
        }
    }

    // --- what the transport does ---

    pub(crate) fn take(&mut self, ring: &[u8], buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.unread() as usize);
        // the other end may wait for room
        if self.state == State::Open && self.unread() >= ring.len() as u32 / 2 {
            self.owed |= kind::OPEN;
        }
        from_ring(ring, self.read, buffer.get_mut(..count).unwrap_or_default());
        self.read = self.read.wrapping_add(count as u32);
        count
    }

    pub(crate) fn writable(&self, transmit: usize) -> usize {
        if self.state == State::Open {
            transmit.wrapping_sub(self.end.wrapping_sub(self.acked) as usize)
        } else {
            0
        }
    }

    pub(crate) fn put(&mut self, ring: &mut [u8], bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.writable(ring.len()));
        to_ring(ring, self.end, bytes.get(..count).unwrap_or_default());
        self.end = self.end.wrapping_add(count as u32);
        count
    }
}
