//! A TCP socket of embassy-net.

use core::fmt;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_net::tcp::{Error, TcpSocket};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::Socket;

/// A TCP socket of embassy-net as a transport. The socket has to be connected.
///
/// Nothing here waits; [`run`](crate::run) and [`wait`](crate::wait) do, by
/// [`Socket::poll_ready`]. It turns the socket's Nagle algorithm off.
///
/// | call | what it does |
/// |---|---|
/// | `read_ready` | `true`: the next `read` moves at least one byte, or tells the end or an error |
/// | `write_ready` | `true`: the next `write` takes at least one byte, or tells an error |
/// | `read` | `Ok(0)`: the other side has ended the connection in order, and all it sent has been read |
/// | `write` | takes what fits the socket's buffer |
/// | `flush` | does nothing: embassy-net sends by itself |
///
/// After a loss [`close`](Self::close) it or drop it.
pub struct TcpTransport<'a> {
    socket: TcpSocket<'a>,
}

impl<'a> TcpTransport<'a> {
    /// The socket as a transport.
    #[must_use]
    pub fn new(mut socket: TcpSocket<'a>) -> Self {
        socket.set_nagle_enabled(false);
        Self { socket }
    }

    /// The socket.
    pub const fn socket(&mut self) -> &mut TcpSocket<'a> {
        &mut self.socket
    }

    /// The socket.
    #[must_use]
    pub fn into_socket(self) -> TcpSocket<'a> {
        self.socket
    }

    /// Ends this side's half of the connection: the other side gets everything written so far, then
    /// the end. Reading goes on.
    pub fn close(&mut self) {
        self.socket.close();
    }

    /// At the end and when the connection is broken, `may_recv` is false.
    fn is_readable(&self) -> bool {
        self.socket.can_recv() || !self.socket.may_recv()
    }

    fn is_writable(&self) -> bool {
        self.socket.can_send() || !self.socket.may_send()
    }
}

/// Why a [`TcpTransport`] moved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TcpError {
    /// There was nothing to read, or no room to write. Ask for readiness first, as a link does.
    NotReady,
    /// There is no connection: it was never made, was reset, or has timed out. Or this side has
    /// closed its half, and cannot write.
    NotConnected,
}

impl From<Error> for TcpError {
    fn from(_: Error) -> Self {
        Self::NotConnected
    }
}

impl embedded_io::Error for TcpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Other,
            Self::NotConnected => ErrorKind::NotConnected,
        }
    }
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "the socket is not ready; ask read_ready or write_ready first",
            Self::NotConnected => "the socket is not connected: reset, timed out, or closed",
        })
    }
}

impl core::error::Error for TcpError {}

/// Polls a future of the socket once. It does not wait if the socket was ready.
fn once<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, TcpError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result?),
        Poll::Pending => Err(TcpError::NotReady),
    }
}

impl ErrorType for TcpTransport<'_> {
    type Error = TcpError;
}

impl ReadReady for TcpTransport<'_> {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        Ok(self.is_readable())
    }
}

impl WriteReady for TcpTransport<'_> {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        Ok(self.is_writable())
    }
}

impl Read for TcpTransport<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        once(self.socket.read(buffer))
    }
}

impl Write for TcpTransport<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        once(self.socket.write(bytes))
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        Ok(())
    }
}

impl Socket for TcpTransport<'_> {
    fn poll_ready(&mut self, context: &mut Context<'_>, read: bool, write: bool) -> Poll<()> {
        if (read && self.is_readable()) || (write && self.is_writable()) {
            return Poll::Ready(());
        }
        // These futures never see an end or a loss, but the wakers that they register are told of
        // both. So they only register, and the answer is the one above.
        if read {
            let _ = pin!(self.socket.wait_read_ready()).poll(context);
        }
        if write {
            let _ = pin!(self.socket.wait_write_ready()).poll(context);
        }
        Poll::Pending
    }
}

impl fmt::Debug for TcpTransport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTransport").field("state", &self.socket.state()).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for TcpTransport<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "TcpTransport({})", self.socket.state());
    }
}
