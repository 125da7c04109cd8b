//! A connection whose far end is the test itself.

use std::collections::VecDeque;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

/// A transport that reads what the test has put into `incoming`, and keeps what is written in
/// `outgoing`.
///
/// A call that would block **panics**, as does one with an empty buffer: both are always a caller's
/// error.
///
/// ```
/// use embedded_io::{Read, Write};
/// use peote_net_testkit::script::Script;
/// let mut script = Script { read_limit: 2, ..Script::default() };
/// script.incoming.extend(b"abc");
/// let mut buffer = [0; 16];
/// assert_eq!(script.read(&mut buffer), Ok(2));
/// assert_eq!(script.write(b"xyz"), Ok(3));
/// assert_eq!(script.outgoing, b"xyz");
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    /// Bytes that wait to be read.
    pub incoming: VecDeque<u8>,
    /// Bytes that were written.
    pub outgoing: Vec<u8>,
    /// The stream ends behind `incoming`.
    pub closed: bool,
    /// Bytes that one read brings at most. Default: all.
    pub read_limit: usize,
    /// Bytes that one write takes at most. Default: all.
    pub write_limit: usize,
    /// Bytes that are taken before writing has to wait. Default: `usize::MAX`, which never ends.
    pub room: usize,
    /// Calls of `read` so far.
    pub reads: usize,
    /// Calls of `write` so far.
    pub writes: usize,
    /// Calls of `flush` so far.
    pub flushes: usize,
    /// The call of `read`, counted from 1, that fails.
    pub fail_read: Option<usize>,
    /// The call of `write`, counted from 1, that fails.
    pub fail_write: Option<usize>,
    /// Asking whether reading is possible fails.
    pub fail_read_ready: bool,
    /// Asking whether writing is possible fails.
    pub fail_write_ready: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            incoming: VecDeque::new(),
            outgoing: Vec::new(),
            closed: false,
            read_limit: usize::MAX,
            write_limit: usize::MAX,
            room: usize::MAX,
            reads: 0,
            writes: 0,
            flushes: 0,
            fail_read: None,
            fail_write: None,
            fail_read_ready: false,
            fail_write_ready: false,
        }
    }
}

impl ErrorType for Script {
    type Error = ErrorKind;
}

impl ReadReady for Script {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        if self.fail_read_ready {
            return Err(ErrorKind::NotConnected);
        }
        Ok(self.closed || !self.incoming.is_empty() || self.fail_read == Some(self.reads + 1))
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reads += 1;
        if self.fail_read == Some(self.reads) {
            return Err(ErrorKind::ConnectionReset);
        }
        assert!(self.closed || !self.incoming.is_empty(), "this read would block");
        assert!(!buffer.is_empty(), "reading nothing");
        let len = buffer.len().min(self.read_limit).min(self.incoming.len());
        for (place, byte) in buffer.iter_mut().zip(self.incoming.drain(..len)) {
            *place = byte;
        }
        Ok(len)
    }
}

impl WriteReady for Script {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        if self.fail_write_ready {
            return Err(ErrorKind::NotConnected);
        }
        Ok(self.room > 0 || self.fail_write == Some(self.writes + 1))
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.writes += 1;
        if self.fail_write == Some(self.writes) {
            return Err(ErrorKind::BrokenPipe);
        }
        assert!(self.room > 0, "this write would block");
        assert!(!bytes.is_empty(), "writing nothing");
        let len = bytes.len().min(self.write_limit).min(self.room);
        if self.room != usize::MAX {
            self.room -= len;
        }
        self.outgoing.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.flushes += 1;
        Ok(())
    }
}
