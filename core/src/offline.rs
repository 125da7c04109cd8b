//! Servers and clients in one program, without a network and without a relay.
//!
//! [`Offline`] is a transport like any other. A channel of any name is created through it at once.
//! No other programs are there, so no channel of others can be entered. Users of a channel enter it
//! on the same link: they are [local users](crate::link::LocalBuffers), with the same calls, the
//! same events and the same modes as with a relay. Whether a program runs offline or online is
//! decided where its transport is made.
//!
//! Lag and bandwidth are simulated for each channel
//! ([`Out::simulate`](crate::link::Out::simulate)), on the time that is passed to
//! [`Link::poll`](crate::link::Link::poll): a run with the same times is the same run.
//!
//! ```
//! use embedded_io::ReadReady;
//! use peote_net::link::{Channel, Event, Link, Mode, SimulatedLine, link_buffers};
//! use peote_net::offline::Offline;
//! use peote_net::time::{Duration, Instant};
//!
//! // two parties for each local user: one at the server's side, one at its own
//! type Memory = link_buffers!(
//!     chunk: 256, parties: 4, own_channels: 1, transmit: 1024, receive: 512,
//!     local_users: 2, line: 1024,
//! );
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut link = Link::<Memory>::with_local_users();
//! let mut transport = Offline::new(); // the one line that is different online
//!
//! let echo = link.out().create("echo", Mode::chunks(256))?;
//! link.out().simulate(echo, SimulatedLine::new().round_trip(Duration::from_millis(80)))?;
//! let client = link.out().enter("echo", Mode::chunks(256))?;
//!
//! let mut now = Instant::ZERO;
//! let mut answered_at = None;
//! while answered_at.is_none() {
//!     link.poll(&mut transport, now, |event, out| match event {
//!         Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, b"hello"),
//!         Event::Chunk { from, bytes } if from.channel() == client => {
//!             assert_eq!(bytes, b"hello");
//!             answered_at = Some(now);
//!             Ok(())
//!         }
//!         Event::Chunk { from, bytes } => out.send(from, bytes),
//!         other => other.ok(),
//!     })?;
//!     if !link.wants_write() && !transport.read_ready()? {
//!         // a real program would sleep until then
//!         now = link.next_deadline().unwrap_or(now).max(now);
//!     }
//! }
//! // half a round trip to enter, and one for the chunk and its echo
//! assert_eq!(answered_at, Some(Instant::from_millis(120)));
//! # Ok(()) }
//! ```

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

use crate::protocol::to_endpoint::{self, Capabilities};
use crate::protocol::to_relay::{Command, Decoder, Unit};

/// Bytes of answers that can wait to be read.
const ANSWERS: usize = 64;

/// A transport that leads nowhere: every channel is created, only channels of the same link can be
/// entered, and no bytes leave the program.
///
/// About 130 bytes. Never blocks, never fails. A loop polls again while
/// [`Link::wants_write`](crate::link::Link::wants_write) or `read_ready` says so (both end by
/// polling), and then sleeps until [`Link::next_deadline`](crate::link::Link::next_deadline).
#[derive(Clone, Debug)]
pub struct Offline {
    decoder: Decoder,
    /// Bit n is set while own channel n exists.
    numbers: u128,
    /// Where the search for a free number starts, so that they are reused late.
    next: u8,
    /// The link knows that no keepalives come.
    announced: bool,
    answers: heapless::Deque<u8, ANSWERS>,
}

impl Default for Offline {
    fn default() -> Self {
        Self::new()
    }
}

impl Offline {
    /// A new one, on which nothing has been created.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            numbers: 0,
            next: 0,
            announced: false,
            answers: heapless::Deque::new(),
        }
    }

    /// Takes a number for another channel; `None` if there are 128.
    fn take_number(&mut self) -> Option<u8> {
        let free = |number: &u8| self.numbers & 1u128.wrapping_shl((*number).into()) == 0;
        let number = (self.next..128).chain(0..self.next).find(free)?;
        self.numbers |= 1u128.wrapping_shl(number.into());
        self.next = number.saturating_add(1) & 127;
        Some(number)
    }

    fn command(&mut self, command: u8, tag: u8, last: Option<u8>) {
        match (Command::from_code(command), last) {
            (Some(Command::Create), _) => match self.take_number() {
                Some(number) => self.answer(&to_endpoint::success(tag, number)),
                None => self.answer(&to_endpoint::refused(tag, crate::Reason::TooManyChannels.create_code())),
            },
            (Some(Command::Enter), _) => {
                self.answer(&to_endpoint::refused(tag, crate::Reason::NoSuchChannel.enter_code()));
            }
            (Some(Command::Delete), Some(number @ ..128)) => {
                self.numbers &= !1u128.wrapping_shl(number.into());
            }
            _ => {}
        }
    }

    /// The caller has made sure that there is room.
    fn answer(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let _ = self.answers.push_back(byte);
        }
    }

    fn has_room(&self) -> bool {
        ANSWERS.saturating_sub(self.answers.len()) >= to_endpoint::success(0, 0).len()
    }
}

impl ErrorType for Offline {
    type Error = Infallible;
}

impl ReadReady for Offline {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.answers.is_empty())
    }
}

impl WriteReady for Offline {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_room())
    }
}

impl Read for Offline {
    /// Takes answers. Without any there is nothing to wait for, ever: it would be wrong to call it,
    /// and it takes nothing.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0usize;
        for place in buffer.iter_mut() {
            let Some(byte) = self.answers.pop_front() else { break };
            *place = byte;
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

impl Write for Offline {
    /// Takes all bytes, or those before a command whose answer has no room: at least one if
    /// [`WriteReady`] has said so, and else possibly none.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        if !core::mem::replace(&mut self.announced, true) {
            self.answer(&to_endpoint::announcement(Capabilities::NO_KEEPALIVES));
        }
        let mut used = 0usize;
        loop {
            let before = self.decoder;
            let Some((count, unit)) = self.decoder.decode(bytes.get(used..).unwrap_or_default()) else {
                return Ok(bytes.len());
            };
            if let Unit::Command { command, tag, payload } = unit
                && payload.is_last()
            {
                if !self.has_room() {
                    self.decoder = before;
                    return Ok(used);
                }
                self.command(command, tag, payload.bytes().last().copied());
            }
            used = used.saturating_add(count);
        }
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
