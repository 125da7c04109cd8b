//! An end of a line.

#![expect(
    clippy::cast_possible_truncation,
    reason = "on the wire offsets count modulo 65,536; lengths are below"
)]

use peote_net::time::{Duration, Instant};

use crate::core::{Core, State};
use crate::error::SerialError;
use crate::frame::{Incoming, kind};

/// One end of a serial line: a connection as TCP has it, over a line that loses bytes. See the
/// [crate](crate).
///
/// `TRANSMIT` and `RECEIVE` are the bytes that may wait in each direction: powers of two, from 16
/// to 32,768.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct SerialLine<const TRANSMIT: usize, const RECEIVE: usize> {
    pub(crate) core: Core,
    incoming: Incoming,
    pub(crate) to_send: [u8; TRANSMIT],
    pub(crate) received: [u8; RECEIVE],
}

impl<const TRANSMIT: usize, const RECEIVE: usize> SerialLine<TRANSMIT, RECEIVE> {
    const SIZES: () = assert!(
        TRANSMIT.is_power_of_two()
            && RECEIVE.is_power_of_two()
            && TRANSMIT >= 16
            && RECEIVE >= 16
            && TRANSMIT <= 32_768
            && RECEIVE <= 32_768,
        "TRANSMIT and RECEIVE are powers of two from 16 to 32,768"
    );

    /// Returns an end that neither calls nor listens yet. All bytes are zero, so a `static` end
    /// lies in `.bss`.
    #[must_use]
    pub const fn new() -> Self {
        const { Self::SIZES }
        Self { core: Core::new(), incoming: Incoming::new(), to_send: [0; TRANSMIT], received: [0; RECEIVE] }
    }

    /// Sets where the numbers of connections begin. The seed is to differ from start to start, if
    /// the board has such a number: so this start is told from the last one. [The
    /// crate](crate#a-number-for-each-start) says what happens without.
    pub const fn set_seed(&mut self, seed: u16) {
        self.core.end = seed as u32;
    }

    /// Sets how long an answer may take before something is sent again, at most 8 s: 250 ms by
    /// default, which is good from 9,600 baud on. After 25 times with nothing heard the connection
    /// is lost.
    pub const fn set_timeout(&mut self, timeout: Duration) {
        let millis = timeout.as_millis();
        self.core.set_timeout(if millis > 8_000 { 8_000 } else { millis as u16 });
    }

    /// Begins a new connection: says hello until the other end answers. What was under way is
    /// forgotten.
    #[inline(never)]
    pub fn call(&mut self) {
        self.core.begin(State::Calling, kind::HELLO);
    }

    /// Waits for a new connection: answers the hello of the other end. What was under way is
    /// forgotten; read what is left of the last connection first.
    pub fn listen(&mut self) {
        self.core.begin(State::Listening, 0);
    }

    /// Returns true if there is a connection: bytes can be written.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.core.state, State::Open)
    }

    /// Returns true if there was a connection, or the attempt at one, and it is over. Reading tells
    /// why. [`Self::call`] and [`Self::listen`] begin a new one.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.core.state, State::Over)
    }

    /// Returns true if the other end has received all that was written.
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        self.core.acked == self.core.end
    }

    /// Ends the connection at once, and tells the other end. What has not been
    /// [delivered](Self::is_delivered) is lost.
    pub fn close(&mut self) {
        self.core.over(SerialError::Ended, kind::RESET);
    }

    /// Returns when [`Self::transmit`] is to be called although nothing comes and nothing is read
    /// or written. After it has been called until it returned none.
    #[must_use]
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        Some(now.saturating_add(Duration::from_millis(self.core.left(millis(now))?.into())))
    }

    /// Takes a byte that has come over the line.
    pub fn receive(&mut self, byte: u8, now: Instant) {
        if byte != 0 {
            self.incoming.push(byte);
        } else if let Some(content) = self.incoming.end() {
            self.core.frame(content, &mut self.received, millis(now));
        } else {
            self.core.missed();
        }
    }

    /// Returns the next byte for the line, which has room for it. To be called until it returns
    /// none: after [`Self::receive`], reading and writing, and at [`Self::next_deadline`].
    pub fn transmit(&mut self, now: Instant) -> Option<u8> {
        self.core.transmit(&self.to_send, RECEIVE as u32, millis(now))
    }
}

impl<const TRANSMIT: usize, const RECEIVE: usize> Default for SerialLine<TRANSMIT, RECEIVE> {
    fn default() -> Self {
        Self::new()
    }
}

/// Differences are all that counts, so the lower half is enough.
const fn millis(now: Instant) -> u32 {
    now.as_millis() as u32
}
