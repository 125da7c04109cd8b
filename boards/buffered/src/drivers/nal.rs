//! Sockets of embedded-nal.

use core::fmt;

use embedded_io::ErrorKind;
use embedded_nal::{TcpClientStack, TcpError as _, TcpErrorKind, nb};

use super::Driver;

/// A socket of a [`TcpClientStack`] of embedded-nal, together with its stack; both are borrowed.
/// The socket has to be connected.
///
/// embedded-nal does not say what it means that 0 bytes were received. Here it means that nothing
/// has come; an end is the stack's error `PipeClosed`. With a stack that tells the end by 0 bytes
/// only, a link notices it by its silence limit.
pub struct NalSocket<'a, S: TcpClientStack> {
    stack: &'a mut S,
    socket: &'a mut S::TcpSocket,
    has_ended: bool,
}

impl<'a, S: TcpClientStack> NalSocket<'a, S> {
    /// The socket as a driver.
    pub const fn new(stack: &'a mut S, socket: &'a mut S::TcpSocket) -> Self {
        Self { stack, socket, has_ended: false }
    }

    /// The stack and the socket.
    pub const fn parts(&mut self) -> (&mut S, &mut S::TcpSocket) {
        (self.stack, self.socket)
    }
}

/// What a stack of embedded-nal has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NalError {
    /// The connection is closed for sending.
    PipeClosed,
    /// Something else.
    Other,
}

impl NalError {
    fn of(kind: TcpErrorKind) -> Self {
        if matches!(kind, TcpErrorKind::PipeClosed) { Self::PipeClosed } else { Self::Other }
    }
}

impl embedded_io::Error for NalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::PipeClosed => ErrorKind::BrokenPipe,
            Self::Other => ErrorKind::Other,
        }
    }
}

impl fmt::Display for NalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PipeClosed => "the connection is closed",
            Self::Other => "the network stack reported an error",
        })
    }
}

impl core::error::Error for NalError {}

impl<S: TcpClientStack> Driver for NalSocket<'_, S> {
    type Error = NalError;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, NalError> {
        if self.has_ended {
            return Ok(Some(0));
        }
        match self.stack.receive(self.socket, buffer) {
            Ok(0) | Err(nb::Error::WouldBlock) => Ok(None),
            Ok(count) => Ok(Some(count)),
            Err(nb::Error::Other(error)) if matches!(error.kind(), TcpErrorKind::PipeClosed) => {
                self.has_ended = true;
                Ok(Some(0))
            }
            Err(nb::Error::Other(error)) => Err(NalError::of(error.kind())),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, NalError> {
        match self.stack.send(self.socket, bytes) {
            Ok(count) => Ok(Some(count)),
            Err(nb::Error::WouldBlock) => Ok(None),
            Err(nb::Error::Other(error)) => Err(NalError::of(error.kind())),
        }
    }
}

impl<S: TcpClientStack> fmt::Debug for NalSocket<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NalSocket").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
