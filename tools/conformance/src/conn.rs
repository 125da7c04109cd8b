//! One connection, seen from either side.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::log::Log;
use crate::websocket::{self, Frame};
use crate::wire::{Data, Unit, hex};

/// Which side of the connection this program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Endpoint,
    Relay,
}

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) number: usize,
    side: Side,
    log: Log,
    socket: TcpStream,
    pub(crate) patience: Duration,
    /// Frames are around the bytes.
    websocket: bool,
    /// What has come and was not taken: behind the frames, and with them.
    received: Vec<u8>,
    raw: Vec<u8>,
    ended: bool,
    /// A write has failed.
    stuck: bool,
    /// What is wrong with the frames that have come.
    pub(crate) complaint: Option<&'static str>,
}

impl Conn {
    pub(crate) fn new(socket: TcpStream, side: Side, log: Log, patience: Duration) -> Result<Self, String> {
        let number = log.connection();
        let set = socket
            .set_nodelay(true)
            .and_then(|()| socket.set_write_timeout(Some(patience)))
            .and_then(|()| socket.set_nonblocking(false));
        set.map_err(|error| format!("a socket cannot be set up: {error}"))?;
        let (received, raw) = (Vec::new(), Vec::new());
        let (websocket, ended, stuck, complaint) = (false, false, false, None);
        Ok(Self { number, side, log, socket, patience, websocket, received, raw, ended, stuck, complaint })
    }

    /// Bytes of the joint protocol. A peer that has closed shows when something is awaited.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if self.websocket {
            self.send_raw(&websocket::frame(websocket::BINARY, bytes, self.side == Side::Endpoint));
        } else {
            self.send_raw(bytes);
        }
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        if self.stuck {
            return;
        }
        self.log.add(self.number, self.side == Side::Endpoint, bytes);
        self.stuck = self.stuck || self.socket.write_all(bytes).is_err();
    }

    /// So long a write may take; after one that took longer nothing more is sent.
    pub(crate) fn set_write_patience(&self, patience: Duration) {
        let _ = self.socket.set_write_timeout(Some(patience));
    }

    /// Says that nothing more comes from here, and still reads.
    pub(crate) fn finish(&mut self) {
        self.log.add(self.number, self.side == Side::Endpoint, &[]);
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }

    /// Reads once. Returns whether there may be more.
    fn read(&mut self, end: Instant) -> Result<bool, String> {
        if self.ended {
            return Ok(false);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("nothing came within {:?}", self.patience));
        }
        let _ = self.socket.set_read_timeout(Some(left));
        let mut bytes = vec![0; 65_536];
        let count = match self.socket.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(format!("nothing came within {:?}", self.patience));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(_) => 0,
        };
        bytes.truncate(count);
        self.log.add(self.number, self.side == Side::Relay, &bytes);
        self.ended = bytes.is_empty();
        self.raw.extend_from_slice(&bytes);
        if self.websocket {
            self.unframe();
        } else {
            self.received.append(&mut self.raw);
        }
        Ok(!self.ended)
    }

    fn unframe(&mut self) {
        while let Some((frame, len)) = websocket::parse(&self.raw) {
            self.raw.drain(..len);
            if frame.masked != (self.side == Side::Relay) {
                self.complaint = Some("a frame is masked that must not be, or the other way round");
            }
            match frame.first & 15 {
                0 | 2 => self.received.extend_from_slice(&frame.payload),
                1 => self.complaint = Some("a text frame has come"),
                8 => self.ended = true,
                9 => self.send_raw(&websocket::frame(
                    websocket::PONG,
                    &frame.payload,
                    self.side == Side::Endpoint,
                )),
                _ => {}
            }
        }
    }

    /// The next frame, until this time, while nothing is taken out of them.
    pub(crate) fn frame(&mut self, end: Instant) -> Result<Frame, String> {
        self.websocket = false;
        let frame = self.next_frame(end);
        self.websocket = true;
        frame
    }

    fn next_frame(&mut self, end: Instant) -> Result<Frame, String> {
        loop {
            self.raw.append(&mut self.received);
            if let Some((frame, len)) = websocket::parse(&self.raw) {
                self.raw.drain(..len);
                return Ok(frame);
            }
            if !self.read(end)? {
                return Err("the connection was closed where a frame was expected".into());
            }
        }
    }

    /// From here on there are frames.
    pub(crate) fn speak_websocket(&mut self) {
        self.websocket = true;
        self.raw.append(&mut self.received);
        self.unframe();
    }

    pub(crate) fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// An HTTP head.
    pub(crate) fn head(&mut self) -> Result<String, String> {
        let end = Instant::now() + self.patience;
        loop {
            if let Some(at) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..at + 4).collect();
                return Ok(String::from_utf8_lossy(&head).into_owned());
            }
            if !self.read(end)? {
                return Err("the connection was closed where an HTTP head was expected".into());
            }
        }
    }

    /// The next byte, which is not taken.
    pub(crate) fn peek(&mut self) -> Result<u8, String> {
        self.fill(1, self.end())?;
        self.received.first().copied().ok_or_else(|| "no byte".into())
    }

    /// When something that is awaited from now on has to be there.
    pub(crate) fn end(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Reads until so many bytes are there.
    fn fill(&mut self, count: usize, end: Instant) -> Result<(), String> {
        while self.received.len() < count {
            match self.read(end) {
                Ok(true) => {}
                Ok(false) if self.received.len() >= count => {}
                Ok(false) => return Err(self.missing(count, "the connection was closed")),
                Err(why) => return Err(self.missing(count, &why)),
            }
        }
        Ok(())
    }

    fn missing(&self, count: usize, why: &str) -> String {
        let connection = self.number;
        match self.received.len() {
            0 => format!("connection {connection}: {why}"),
            _ => format!(
                "connection {connection}: {why}, {count} bytes wanted, there: {}",
                hex(&self.received)
            ),
        }
    }

    fn take(&mut self, count: usize, end: Instant) -> Result<Vec<u8>, String> {
        self.fill(count, end)?;
        Ok(self.received.drain(..count).collect())
    }

    fn byte(&mut self, end: Instant) -> Result<u8, String> {
        Ok(self.take(1, end)?[0])
    }

    /// The next unit from the other side, all of it until this time. A caller that passes over units
    /// takes one time for all of them. A peer that says something else again and again, such as
    /// keepalives, is not waited for longer than one that is silent.
    pub(crate) fn unit(&mut self, end: Instant) -> Result<Unit, String> {
        let first = self.byte(end)?;
        match (self.side, first) {
            (Side::Endpoint, 0) => {
                let len = self.byte(end)?;
                Ok(Unit::Control(self.take(usize::from(len), end)?))
            }
            (Side::Relay, 0) => {
                let head = self.take(3, end)?;
                Ok(Unit::Command(head[0], head[1], self.take(usize::from(head[2]), end)?))
            }
            (Side::Relay, 1) => {
                let mode = self.byte(end)?;
                let first = self.byte(end)?;
                self.data(first, Some(mode), end)
            }
            _ => self.data(first, None, end),
        }
    }

    fn data(&mut self, first: u8, mode: Option<u8>, end: Instant) -> Result<Unit, String> {
        let size = match first {
            0..=127 => usize::from(first),
            _ => usize::from(first & 127) * 256 + usize::from(self.byte(end)?),
        };
        let mut payload = self.take(size, end)?;
        let channel = if payload.is_empty() { 0 } else { payload.remove(0) };
        let has_user = channel > 127 && !matches!(mode, Some(1..)) && !payload.is_empty();
        let user = has_user.then(|| payload.remove(0));
        Ok(Unit::Data(Data { mode, channel, user, payload }))
    }

    /// Waits until the peer has closed the connection, whatever comes before.
    pub(crate) fn closed(&mut self) -> Result<(), String> {
        let end = Instant::now() + self.patience;
        while self
            .read(end)
            .map_err(|_| format!("connection {} was not closed within {:?}", self.number, self.patience))?
        {
            // a peer that floods takes no memory
            self.received.clear();
        }
        Ok(())
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.log.add(self.number, self.side == Side::Endpoint, &[]);
    }
}
