//! What lies between a connection's socket and the bytes of the joint protocol.

use std::io::{self, IoSlice, Write};

use crate::pages::Request;
use crate::queue::{BLOCK, Pool, Queue};
use crate::websocket::{Event, Failure, Kind, WebSocket};

/// Slices of one write: blocks of the queue, and two in front of them.
const SLICES: usize = 64;

/// Payload bytes of the longest frame that is sent: what one write may take, even if a part of the
/// first block is written already.
const MAX_SENT: usize = (SLICES - 3) * BLOCK;

/// How a connection's bytes travel.
#[derive(Debug)]
pub(crate) enum Transport {
    /// As they are.
    Plain,
    /// Not yet: an HTTP request is coming.
    Http(Box<Request>),
    /// In binary messages.
    WebSocket(Box<Framed>),
}

/// A WebSocket, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Framed {
    socket: WebSocket,
    end: Option<End>,
}

/// Why nothing more comes over a WebSocket whose connection may be there still.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The endpoint has closed it.
    Closed,
    /// The endpoint has broken the rules.
    Failed(Failure),
}

impl Transport {
    /// A WebSocket that has to write the response to its handshake first.
    pub(crate) fn web_socket(response: &[u8]) -> Self {
        let mut framed = Framed::default();
        framed.socket.respond(response);
        Self::WebSocket(Box::new(framed))
    }

    /// Why nothing more can be read.
    #[inline]
    pub(crate) fn end(&self) -> Option<End> {
        match self {
            Self::WebSocket(framed) => framed.end,
            _ => None,
        }
    }

    /// Whether there is something to write.
    #[inline]
    pub(crate) fn has_output(&self, queue: &Queue) -> bool {
        match self {
            Self::WebSocket(framed) => framed.has_output(queue),
            _ => !queue.is_empty(),
        }
    }

    /// Writes once. Says how many bytes were taken and how many there were.
    #[inline]
    pub(crate) fn write(
        &mut self,
        to: impl Write,
        queue: &mut Queue,
        pool: &mut Pool,
    ) -> io::Result<(usize, usize)> {
        match self {
            Self::WebSocket(framed) => framed.write(to, queue, pool),
            _ => queue.write_to(to, pool),
        }
    }

    /// Closes a WebSocket with this code and reason, if it is one and is not closed yet.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        if let Self::WebSocket(framed) = self {
            framed.socket.close_with(Some(code), reason);
        }
    }

    /// Whether the endpoint has been, or is to be, told the end.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self, Self::WebSocket(framed) if framed.socket.is_closing())
    }

    /// Bytes of memory beside the queue.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Http(request) => request.memory(),
            Self::WebSocket(framed) => framed.socket.memory(),
        }
    }
}

impl Framed {
    /// Whether nothing more comes.
    pub(crate) fn is_at_end(&self) -> bool {
        self.end.is_some()
    }

    /// Frames that have begun since the last time this was asked, control frames included.
    pub(crate) fn take_frames(&mut self) -> u64 {
        self.socket.take_frames()
    }

    /// Payload bytes of the present frame that are still to be written.
    pub(crate) fn payload_left(&self) -> usize {
        usize::try_from(self.socket.payload_left()).unwrap_or(usize::MAX)
    }

    /// Makes of what was read what was meant, in place: the payloads, one behind the other. Says
    /// how long that is.
    pub(crate) fn decode(&mut self, bytes: &mut [u8]) -> usize {
        let (mut from, mut len) = (0, 0);
        while from < bytes.len() && self.end.is_none() {
            match self.socket.read(&mut bytes[from..]) {
                Ok((used, event)) => {
                    match event {
                        Some(Event::Payload { range, .. }) => {
                            let end = len + range.len();
                            bytes.copy_within(from + range.start..from + range.end, len);
                            len = end;
                        }
                        Some(Event::Closed(_)) => self.end = Some(End::Closed),
                        None => {}
                    }
                    from += used;
                }
                Err(failure) => {
                    self.socket.close(Some(failure.code()));
                    self.end = Some(End::Failed(failure));
                }
            }
        }
        len
    }

    fn has_output(&self, queue: &Queue) -> bool {
        let is_payload_due = !self.socket.is_closing() || self.socket.payload_left() > 0;
        (is_payload_due && !queue.is_empty()) || self.socket.head().iter().any(|bytes| !bytes.is_empty())
    }

    /// What is queued goes out as one frame, with what is to be said between frames in front of it.
    fn write(
        &mut self,
        mut to: impl Write,
        queue: &mut Queue,
        pool: &mut Pool,
    ) -> io::Result<(usize, usize)> {
        if !queue.is_empty() {
            self.socket.begin(Kind::Binary, true, true, queue.len().min(MAX_SENT));
        }
        let [control, header] = self.socket.head();
        let mut slices = [IoSlice::new(&[]); SLICES];
        (slices[0], slices[1]) = (IoSlice::new(control), IoSlice::new(header));
        let (count, payload) = queue.slices(pool, &mut slices[2..], self.payload_left());
        let offered = control.len() + header.len() + payload;
        let taken = to.write_vectored(&slices[..2 + count])?;
        queue.consume(self.socket.advance(taken), pool);
        Ok((taken, offered))
    }
}
