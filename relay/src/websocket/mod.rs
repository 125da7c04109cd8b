//! WebSocket (RFC 6455) without I/O: the server's side of a connection, for event loops that own
//! sockets and buffers.
//!
//! [`handshake`] answers the request with which an endpoint begins. Behind it stands a
//! [`WebSocket`]: it is fed what comes from the socket, in pieces of any size, and unmasks payloads
//! in place; and it says what has to be written in front of the payloads that are sent. Messages
//! are never collected, so a connection takes the same small amount of memory for every size.
//!
//! ```
//! use peote_relay::websocket::{Event, Kind, WebSocket, handshake};
//!
//! let request = b"GET /any HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x82\x83\x01\x02\x03\x04\x60\x60\x60";
//! let mut input = request.to_vec();
//! let (used, response) = handshake(&input).unwrap().unwrap();
//! assert!(response.starts_with(b"HTTP/1.1 101 "));
//!
//! let mut socket = WebSocket::new();
//! let (len, event) = socket.read(&mut input[used..])?;
//! let Some(Event::Payload { kind: Kind::Binary, range, is_last: true }) = event else { panic!() };
//! assert_eq!(&input[used..][range], b"abc");
//! assert_eq!(used + len, input.len());
//!
//! // "hello" as one binary message
//! socket.begin(Kind::Binary, true, true, 5);
//! assert_eq!(socket.head().concat(), [0x82, 5]);
//! let payload = socket.advance(2 + 5); // after so much was written
//! assert_eq!((payload, socket.payload_left()), (5, 0));
//! # Ok::<(), peote_relay::websocket::Failure>(())
//! ```

mod handshake;
mod input;
mod output;

use std::fmt;
use std::ops::Range;

pub use handshake::{MAX_REQUEST, handshake};
pub(crate) use handshake::{is_upgrade, upgrade};

use input::{Input, Item};
use output::Output;

/// Payload bytes of the longest frame that is accepted. A message may have any number of frames, so
/// it is no limit on what can be sent; a longer one is refused with [`Failure::code`] 1009.
pub const MAX_FRAME: u64 = 16 << 20;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    Binary,
    /// Text in UTF-8. That it is, is not checked here.
    Text,
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A piece of a message, which may be empty.
    Payload {
        /// What the message is.
        kind: Kind,
        /// Where in the input the piece lies, unmasked.
        range: Range<usize>,
        /// Whether the message ends with it.
        is_last: bool,
    },
    /// The endpoint has closed, with this code if it gave one, and is answered. What comes behind
    /// it is ignored.
    Closed(Option<u16>),
}

/// An endpoint has broken the rules: nothing it says any more can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u16,
    what: &'static str,
}

impl Failure {
    /// One that is told with this status code (RFC 6455, section 7.4).
    #[must_use]
    pub const fn new(code: u16, what: &'static str) -> Self {
        Self { code, what }
    }

    const fn protocol(what: &'static str) -> Self {
        Self::new(1002, what)
    }

    /// The status code to close with: 1002 for what the protocol does not allow, 1003 for text
    /// where none is accepted, 1007 for a reason that is not UTF-8, 1009 for a frame above
    /// [`MAX_FRAME`].
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Failure {}

/// The server's side of one connection, behind the handshake.
///
/// Pings and the closing of the other side are answered by themselves: [`read`](Self::read) leaves
/// what is to be written in [`head`](Self::head).
#[derive(Debug, Default)]
pub struct WebSocket {
    input: Input,
    output: Output,
}

impl WebSocket {
    /// One that refuses text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that accepts text.
    #[must_use]
    pub fn with_text() -> Self {
        let mut socket = Self::default();
        socket.input.accepts_text = true;
        socket
    }

    /// Takes from the input up to and including the next piece of a message. Returns how many bytes
    /// were used, and what has come; if that is `None`, all were used.
    ///
    /// Pings among them are answered. More of them than the connection takes answers to are
    /// answered in part, the most recent one included.
    ///
    /// # Errors
    /// The endpoint has broken the rules. [`close`](Self::close) with the failure's code; nothing
    /// can be read any more.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Event>), Failure> {
        let mut used = 0;
        loop {
            let (len, item) = self.input.read(&mut bytes[used..])?;
            let start = used;
            used += len;
            match item {
                Some(Item::Payload { kind, range, is_last }) => {
                    let range = start + range.start..start + range.end;
                    return Ok((used, Some(Event::Payload { kind, range, is_last })));
                }
                Some(Item::Ping(payload)) => self.output.pong(payload),
                Some(Item::Pong) => {}
                Some(Item::Close(code)) => {
                    self.output.close(code, "");
                    return Ok((used, Some(Event::Closed(code))));
                }
                None => return Ok((used, None)),
            }
        }
    }

    /// Frames that have begun since the last time this was asked, control frames included. Limits
    /// need them: a ping or an empty message is no [`Event`], or one without bytes, and is work all
    /// the same.
    pub fn take_frames(&mut self) -> u64 {
        std::mem::take(&mut self.input.frames)
    }

    /// Begins a frame with so many payload bytes. Does nothing while another one is under way
    /// ([`payload_left`](Self::payload_left)), and after [`close`](Self::close).
    ///
    /// A message is one frame that is the first and the last one, or several; control frames may be
    /// in between.
    pub fn begin(&mut self, kind: Kind, is_first: bool, is_last: bool, len: usize) {
        self.output.begin(is_first.then_some(kind), is_last, len as u64);
    }

    /// Bytes to be written next, in this order, and before [`payload_left`](Self::payload_left)
    /// bytes of payload.
    #[must_use]
    pub fn head(&self) -> [&[u8]; 2] {
        self.output.head()
    }

    /// Payload bytes of the present frame that are still to be written.
    #[must_use]
    pub fn payload_left(&self) -> u64 {
        self.output.left
    }

    /// So many bytes of [`head`](Self::head) and payload were written. Returns how many of them
    /// were payload.
    pub fn advance(&mut self, written: usize) -> usize {
        self.output.advance(written)
    }

    /// Closes, with this status code or none, behind the frame of which something was written
    /// already. No other begins.
    ///
    /// The endpoint's own close may have been answered before; then this changes nothing.
    pub fn close(&mut self, code: Option<u16>) {
        self.close_with(code, "");
    }

    /// [`close`](Self::close), with a reason for people to read: its first 123 bytes, at the border
    /// of a character. Without a code there is none.
    pub fn close_with(&mut self, code: Option<u16>, reason: &str) {
        self.output.close(code, reason);
    }

    /// Whether nothing more will be sent than [`head`](Self::head) and the rest of the present
    /// frame.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.output.is_closing
    }

    /// Puts bytes before everything else: the response to the handshake.
    pub fn respond(&mut self, response: &[u8]) {
        self.output.respond(response);
    }

    /// Bytes of memory that this takes: at most 2048.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.output.memory()
    }
}
