//! The link's end of a line.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Buffers, Link};
use peote_net::time::Instant;

use crate::line::{Direction, LineId};
use crate::sleep::Sleep;
use crate::trace::Act;
use crate::world::World;

/// The link's end of a line to the relay: a transport for [`Link::poll`], made by
/// [`Network::connect`](crate::Network::connect).
///
/// A call that would block **panics**: in one thread the wait would never end, so it is
/// always an error of who calls. A line that is broken is ready in both directions, and its errors
/// are [`ErrorKind::ConnectionReset`], or [`ErrorKind::ConnectionRefused`] if there was no relay.
/// Dropping the transport closes the connection in order.
#[derive(Debug)]
pub struct Transport {
    world: Rc<RefCell<World>>,
    line: LineId,
}

impl Transport {
    pub(crate) const fn new(world: Rc<RefCell<World>>, line: LineId) -> Self {
        Self { world, line }
    }

    /// The line that this is an end of.
    #[must_use]
    pub const fn line(&self) -> LineId {
        self.line
    }

    /// What a program waits for whose link runs over this transport, by the [run-loop
    /// contract](peote_net::link).
    #[must_use]
    pub fn sleep<B: Buffers>(&self, link: &Link<B>) -> Sleep {
        Sleep {
            line: Some(self.line),
            read: link.wants_read(),
            write: link.wants_write(),
            deadline: link.next_deadline(),
        }
    }

    /// The time on the network's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.world.borrow().now)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        let mut world = self.world.borrow_mut();
        if !world.is_broken(self.line) {
            world.close(self.line, Direction::ToRelay, Act::LinkCloses);
        }
    }
}

impl ErrorType for Transport {
    type Error = ErrorKind;
}

impl ReadReady for Transport {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let readable = self.world.borrow_mut().readable(self.line, Direction::ToLink);
        Ok(readable.map_or(true, |readable| readable.is_some()))
    }
}

impl WriteReady for Transport {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        let room = self.world.borrow_mut().writable(self.line, Direction::ToRelay);
        Ok(room.map_or(true, |room| room > 0))
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        assert!(self.read_ready()?, "a read on {} that would block for ever", self.line);
        self.world.borrow_mut().read(self.line, Direction::ToLink, buffer)
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        assert!(self.write_ready()?, "a write on {} that would block for ever", self.line);
        self.world.borrow_mut().write(self.line, Direction::ToRelay, bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
