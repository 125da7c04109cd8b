//! Devices with the traits that drivers in the field have, over one end of a connection in memory.

use std::cell::{RefCell, RefMut};
use std::net::SocketAddr;
use std::rc::Rc;

use embedded_hal_nb::{nb, serial};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_nal::{TcpClientStack, TcpError, TcpErrorKind};
use peote_net_buffered::Driver;
use peote_net_testkit::memory::MemoryTransport;
use peote_net_testkit::random::Random;

/// A serial port of embedded-hal-nb. It has no end; a reset stands for damage.
pub(crate) struct SerialPort(Rc<RefCell<MemoryTransport>>);

impl SerialPort {
    pub(crate) fn new(end: MemoryTransport) -> Self {
        Self(Rc::new(RefCell::new(end)))
    }

    /// The same port twice, for a receiver and a transmitter.
    pub(crate) fn split(self) -> (Self, Self) {
        (Self(Rc::clone(&self.0)), self)
    }

    fn line(&self) -> RefMut<'_, MemoryTransport> {
        self.0.borrow_mut()
    }
}

impl serial::ErrorType for SerialPort {
    type Error = serial::ErrorKind;
}

impl serial::Read for SerialPort {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        let mut line = self.line();
        if !line.read_ready().unwrap() {
            return Err(nb::Error::WouldBlock);
        }
        let mut byte = [0];
        match line.read(&mut byte) {
            Ok(1) => Ok(byte[0]),
            Ok(_) => Err(nb::Error::WouldBlock),
            Err(_) => Err(nb::Error::Other(serial::ErrorKind::Noise)),
        }
    }
}

impl serial::Write for SerialPort {
    fn write(&mut self, byte: u8) -> nb::Result<(), serial::ErrorKind> {
        let mut line = self.line();
        if !line.write_ready().unwrap() {
            return Err(nb::Error::WouldBlock);
        }
        line.write(&[byte]).map(drop).map_err(|_| nb::Error::Other(serial::ErrorKind::Other))
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }
}

/// Embedded-io 0.6.
pub(crate) struct OldPort(pub(crate) MemoryTransport);

fn old(error: ErrorKind) -> embedded_io_06::ErrorKind {
    match error {
        ErrorKind::ConnectionReset => embedded_io_06::ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe => embedded_io_06::ErrorKind::BrokenPipe,
        _ => embedded_io_06::ErrorKind::Other,
    }
}

impl embedded_io_06::ErrorType for OldPort {
    type Error = embedded_io_06::ErrorKind;
}

impl embedded_io_06::Read for OldPort {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buffer).map_err(old)
    }
}

impl embedded_io_06::ReadReady for OldPort {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready().map_err(old)
    }
}

impl embedded_io_06::Write for OldPort {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes).map_err(old)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().map_err(old)
    }
}

impl embedded_io_06::WriteReady for OldPort {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.write_ready().map_err(old)
    }
}

/// No `WriteReady`. Where its `write` would wait, it takes nothing: in one thread nobody could end
/// the wait.
pub(crate) struct BlockingPort(pub(crate) MemoryTransport);

impl ErrorType for BlockingPort {
    type Error = ErrorKind;
}

impl Read for BlockingPort {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.0.read(buffer)
    }
}

impl ReadReady for BlockingPort {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        self.0.read_ready()
    }
}

impl Write for BlockingPort {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if self.0.write_ready()? { self.0.write(bytes) } else { Ok(0) }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Embedded-io-async without readiness, as embassy's buffered UARTs.
pub(crate) struct AsyncPort(pub(crate) MemoryTransport);

impl ErrorType for AsyncPort {
    type Error = ErrorKind;
}

impl embedded_io_async::Read for AsyncPort {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        std::future::poll_fn(|_| match self.0.read_ready() {
            Ok(true) => std::task::Poll::Ready(self.0.read(buffer)),
            _ => std::task::Poll::Pending,
        })
        .await
    }
}

impl embedded_io_async::Write for AsyncPort {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        std::future::poll_fn(|_| match self.0.write_ready() {
            Ok(true) => std::task::Poll::Ready(self.0.write(bytes)),
            _ => std::task::Poll::Pending,
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// A stack of embedded-nal with sockets in memory.
#[derive(Debug)]
pub(crate) struct NalStack;

#[derive(Debug)]
pub(crate) struct StackError(TcpErrorKind);

impl TcpError for StackError {
    fn kind(&self) -> TcpErrorKind {
        self.0
    }
}

impl TcpClientStack for NalStack {
    type TcpSocket = MemoryTransport;
    type Error = StackError;

    fn socket(&mut self) -> Result<MemoryTransport, StackError> {
        Err(StackError(TcpErrorKind::Other))
    }

    fn connect(&mut self, _: &mut MemoryTransport, _: SocketAddr) -> nb::Result<(), StackError> {
        Ok(())
    }

    fn send(&mut self, socket: &mut MemoryTransport, bytes: &[u8]) -> nb::Result<usize, StackError> {
        if !socket.write_ready().unwrap() {
            return Err(nb::Error::WouldBlock);
        }
        socket.write(bytes).map_err(|_| nb::Error::Other(StackError(TcpErrorKind::Other)))
    }

    fn receive(&mut self, socket: &mut MemoryTransport, buffer: &mut [u8]) -> nb::Result<usize, StackError> {
        if !socket.read_ready().unwrap() {
            return Ok(0); // as smoltcp-nal says it
        }
        match socket.read(buffer) {
            Ok(0) => Err(nb::Error::Other(StackError(TcpErrorKind::PipeClosed))),
            Ok(count) => Ok(count),
            Err(_) => Err(nb::Error::Other(StackError(TcpErrorKind::Other))),
        }
    }

    fn close(&mut self, _: MemoryTransport) -> Result<(), StackError> {
        Ok(())
    }
}

/// A driver that is often busy, and moves few bytes at a time.
pub(crate) struct Hasty(MemoryTransport, Random);

impl Hasty {
    pub(crate) fn new(end: MemoryTransport) -> Self {
        Self(end, Random::new(3))
    }

    pub(crate) fn end(&mut self) -> &mut MemoryTransport {
        &mut self.0
    }
}

impl Driver for Hasty {
    type Error = ErrorKind;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ErrorKind> {
        assert!(!buffer.is_empty());
        if !self.0.read_ready()? {
            return Ok(None);
        }
        let most = buffer.len().min(1 + self.1.below(5));
        self.0.read(&mut buffer[..most]).map(Some)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, ErrorKind> {
        assert!(!bytes.is_empty());
        // single bytes always: the checks of a broken line want an answer to the first one
        if (bytes.len() > 1 && self.1.chance(300)) || !self.0.write_ready()? {
            return Ok(None);
        }
        let most = bytes.len().min(1 + self.1.below(5));
        self.0.write(&bytes[..most]).map(Some)
    }
}
