//! A connection in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

/// One end of a connection in memory: a transport without an operating system and without time.
///
/// Bytes written at one end are readable at the other one at once; at most a fixed number of them
/// waits in each direction. A call that would block **panics**: in one thread the wait would never
/// end, so it is always a caller's error. Dropping an end ends its sending half.
///
/// ```
/// use embedded_io::{Read, ReadReady, Write};
/// let (mut near, mut far) = peote_net_testkit::memory::pair(16);
/// assert!(!near.read_ready().unwrap());
/// far.write(b"hello").unwrap();
/// let mut buffer = [0; 16];
/// assert_eq!(near.read(&mut buffer), Ok(5));
/// ```
#[derive(Debug)]
pub struct MemoryTransport {
    incoming: Rc<RefCell<Direction>>,
    outgoing: Rc<RefCell<Direction>>,
}

#[derive(Debug)]
struct Direction {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    reset: bool,
}

/// The two ends of a new connection with room for `capacity` bytes each way, at least one.
///
/// # Panics
///
/// When `capacity` is zero.
#[must_use]
pub fn pair(capacity: usize) -> (MemoryTransport, MemoryTransport) {
    assert!(capacity > 0, "a connection without room");
    let direction = || {
        let direction = Direction { bytes: VecDeque::new(), capacity, ended: false, reset: false };
        Rc::new(RefCell::new(direction))
    };
    let (one, other) = (direction(), direction());
    (
        MemoryTransport { incoming: one.clone(), outgoing: other.clone() },
        MemoryTransport { incoming: other, outgoing: one },
    )
}

impl MemoryTransport {
    /// Ends this end's sending half: the other one reads what is under way, then the end.
    pub fn close(&mut self) {
        self.outgoing.borrow_mut().ended = true;
    }

    /// Breaks the connection: what is under way is lost, and all calls at both ends are errors from
    /// now on.
    pub fn reset(&mut self) {
        for direction in [&self.incoming, &self.outgoing] {
            let mut direction = direction.borrow_mut();
            direction.reset = true;
            direction.bytes.clear();
        }
    }

    /// How many bytes wait to be read at this end.
    #[must_use]
    pub fn readable(&self) -> usize {
        self.incoming.borrow().bytes.len()
    }

    /// How many bytes this end can write now.
    #[must_use]
    pub fn writable(&self) -> usize {
        let outgoing = self.outgoing.borrow();
        outgoing.capacity - outgoing.bytes.len()
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.close();
    }
}

impl ErrorType for MemoryTransport {
    type Error = ErrorKind;
}

impl ReadReady for MemoryTransport {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let incoming = self.incoming.borrow();
        Ok(incoming.reset || incoming.ended || !incoming.bytes.is_empty())
    }
}

impl WriteReady for MemoryTransport {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        let outgoing = self.outgoing.borrow();
        Ok(outgoing.reset || outgoing.ended || outgoing.bytes.len() < outgoing.capacity)
    }
}

impl Read for MemoryTransport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        assert!(self.read_ready()?, "this read would block for ever");
        let mut incoming = self.incoming.borrow_mut();
        if incoming.reset {
            return Err(ErrorKind::ConnectionReset);
        }
        let count = buffer.len().min(incoming.bytes.len());
        for (byte, taken) in buffer.iter_mut().zip(incoming.bytes.drain(..count)) {
            *byte = taken;
        }
        Ok(count)
    }
}

impl Write for MemoryTransport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        assert!(self.write_ready()?, "this write would block for ever");
        let mut outgoing = self.outgoing.borrow_mut();
        if outgoing.reset {
            return Err(ErrorKind::ConnectionReset);
        }
        if outgoing.ended {
            return Err(ErrorKind::BrokenPipe);
        }
        let count = bytes.len().min(outgoing.capacity - outgoing.bytes.len());
        outgoing.bytes.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
