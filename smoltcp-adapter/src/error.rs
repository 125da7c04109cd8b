//! What can go wrong with a socket.

use core::fmt;

use embedded_io::ErrorKind;
use smoltcp::socket::tcp::{RecvError, SendError};

/// Why a [`TcpTransport`](crate::TcpTransport) moved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransportError {
    /// There was nothing to read, or no room to write, and a transport on a microcontroller cannot
    /// wait. Ask for readiness first, as a link does.
    NotReady,
    /// smoltcp's answer to reading: there is no connection (any more), and it did not end in order.
    Receive(RecvError),
    /// smoltcp's answer to writing: there is no connection (any more), or this side has closed its
    /// half.
    Send(SendError),
}

impl embedded_io::Error for TransportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Other,
            Self::Receive(_) => ErrorKind::NotConnected,
            Self::Send(_) => ErrorKind::BrokenPipe,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("the socket is not ready; ask read_ready or write_ready first"),
            Self::Receive(error) => write!(f, "the socket is not connected any more: {error}"),
            Self::Send(error) => write!(f, "the socket takes nothing more: {error}"),
        }
    }
}

// The text has smoltcp's in it, so that is not the source of a second line.
impl core::error::Error for TransportError {}
