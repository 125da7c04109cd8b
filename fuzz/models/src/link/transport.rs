//! The transport, and the relay behind it: bytes, cuts and readiness are the input's choice.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use super::heard::Heard;

/// One connection to an arbitrary relay. Panics when it is used in a way that would block.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) incoming: VecDeque<u8>,
    pub(super) outgoing: Vec<u8>,
    /// The stream ends behind `incoming`.
    pub(super) closed: bool,
    /// Reading, or writing, fails from now on.
    pub(super) read_fails: bool,
    pub(super) write_fails: bool,
    /// Bytes that one read gives at most.
    pub(super) read_limit: usize,
    /// Bytes that one write takes at most.
    pub(super) write_limit: usize,
    /// Bytes that can be written before writing has to wait.
    pub(super) room: usize,
    pub(super) reads: usize,
    pub(super) heard: Rc<RefCell<Heard>>,
}

impl Connection {
    /// One on which nothing has been said.
    pub(super) fn new() -> Self {
        Self { read_limit: usize::MAX, write_limit: usize::MAX, room: usize::MAX, ..Self::default() }
    }
}

impl ErrorType for Connection {
    type Error = ErrorKind;
}

impl ReadReady for Connection {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.read_fails || self.closed || !self.incoming.is_empty())
    }
}

impl WriteReady for Connection {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.write_fails || self.room > 0)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reads += 1;
        assert!(!buffer.is_empty(), "reading nothing");
        assert!(self.read_ready()?, "a read that would block");
        if self.read_fails {
            return Err(ErrorKind::ConnectionReset);
        }
        let len = buffer.len().min(self.read_limit).min(self.incoming.len());
        for (place, byte) in buffer.iter_mut().zip(self.incoming.drain(..len)) {
            *place = byte;
        }
        self.heard.borrow_mut().read(&buffer[..len]);
        Ok(len)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        assert!(!bytes.is_empty(), "writing nothing");
        assert!(self.write_ready()?, "a write that would block");
        if self.write_fails {
            return Err(ErrorKind::BrokenPipe);
        }
        let len = bytes.len().min(self.write_limit).min(self.room);
        self.room -= if self.room == usize::MAX { 0 } else { len };
        self.outgoing.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
