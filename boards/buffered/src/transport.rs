//! A driver with a buffer in each direction, as a transport.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

use crate::buffer::Buffer;
use crate::{BufferedError, Driver};

/// A transport over a [`Driver`]. `RECEIVE` and `TRANSMIT` bytes wait in its buffers.
///
/// | call | what it does |
/// |---|---|
/// | `read_ready` | asks the driver for bytes if none wait, and sends what waits. `true`: the next `read` moves at least one byte, or tells the end or an error |
/// | `write_ready` | sends what waits. `true`: the next `write` takes at least one byte, or tells an error |
/// | `read` | `Ok(0)`: the driver has told the end of the connection, and all before it has been read |
/// | `write` | takes what fits the buffer, and sends it as far as the driver takes it |
/// | `flush` | sends what waits, as far as the driver takes it, without waiting |
///
/// Nothing here blocks, unless the driver does. What the driver does not take is sent by later
/// calls; each poll of a link makes some. [`has_unsent`](Self::has_unsent) says whether a loop may
/// sleep.
///
/// It is the caller who opens the driver's connection, and closes it after an error.
/// [`new`](Self::new) is `const`, and a value with a driver that is all zero lies in `.bss`.
#[derive(Clone, Debug)]
pub struct Buffered<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> {
    driver: D,
    received: Buffer<RECEIVE>,
    to_send: Buffer<TRANSMIT>,
    has_ended: bool,
    /// What went wrong while readiness was asked for. The next call that moves bytes tells.
    error: Option<D::Error>,
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> Buffered<D, RECEIVE, TRANSMIT> {
    const FITS: () = {
        assert!(RECEIVE > 0, "RECEIVE, the receive buffer, must have at least 1 byte");
        assert!(TRANSMIT > 0, "TRANSMIT, the transmit buffer, must have at least 1 byte");
    };

    /// A transport over a driver whose connection is open.
    pub const fn new(driver: D) -> Self {
        const { Self::FITS };
        Self { driver, received: Buffer::new(), to_send: Buffer::new(), has_ended: false, error: None }
    }

    /// The driver.
    pub const fn driver(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The driver. What waits in the buffers is lost.
    pub fn into_driver(self) -> D {
        self.driver
    }

    /// Returns true if bytes wait that the driver has not taken yet. A loop then polls its link
    /// again when the driver can take more: a short while later, or at its interrupt.
    #[must_use]
    pub const fn has_unsent(&self) -> bool {
        !self.to_send.is_empty()
    }

    /// Sends what waits, as far as the driver takes it.
    fn pump(&mut self) {
        while !self.to_send.is_empty() && self.error.is_none() {
            match self.driver.send(self.to_send.waiting()) {
                Ok(Some(count)) if count > 0 => self.to_send.take(count),
                Ok(_) => return,
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// Asks the driver for bytes, if none wait.
    fn fill(&mut self) {
        if !self.received.is_empty() || self.has_ended || self.error.is_some() {
            return;
        }
        match self.driver.receive(self.received.room()) {
            Ok(None) => {}
            Ok(Some(0)) => self.has_ended = true,
            Ok(Some(count)) => self.received.filled(count),
            Err(error) => self.error = Some(error),
        }
    }

    fn take_error(&mut self) -> Result<(), BufferedError<D::Error>> {
        self.error.take().map_or(Ok(()), |error| Err(BufferedError::Driver(error)))
    }

    /// Whether reading would move bytes, or tell something.
    fn is_readable(&self) -> bool {
        !self.received.is_empty() || self.has_ended || self.error.is_some()
    }
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> ErrorType for Buffered<D, RECEIVE, TRANSMIT> {
    type Error = BufferedError<D::Error>;
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> ReadReady for Buffered<D, RECEIVE, TRANSMIT> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.fill();
        if self.received.is_empty() {
            self.pump();
        }
        Ok(self.is_readable())
    }
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> WriteReady for Buffered<D, RECEIVE, TRANSMIT> {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        self.pump();
        Ok(!self.to_send.is_full() || self.error.is_some())
    }
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> Read for Buffered<D, RECEIVE, TRANSMIT> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.fill();
        if self.received.is_empty() {
            self.take_error()?;
            return if self.has_ended { Ok(0) } else { Err(BufferedError::NotReady) };
        }
        Ok(self.received.copy_to(buffer))
    }
}

impl<D: Driver, const RECEIVE: usize, const TRANSMIT: usize> Write for Buffered<D, RECEIVE, TRANSMIT> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.take_error()?;
        if self.to_send.is_full() {
            self.pump();
        }
        let count = self.to_send.add(bytes);
        self.pump();
        self.take_error()?;
        if count == 0 { Err(BufferedError::NotReady) } else { Ok(count) }
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.pump();
        Ok(())
    }
}
