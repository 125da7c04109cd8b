//! What can go wrong on a WebSocket.

use core::fmt;

use embedded_io::ErrorKind;

/// An error of a [`WebSocketTransport`](crate::WebSocketTransport). A browser does not tell a page
/// why a connection fails, so this says what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebError {
    /// The address is none that a browser connects to: it wants `ws://host:port/` or
    /// `wss://host/`, and a page from `https://` wants `wss://`.
    Address {
        /// The address.
        url: String,
    },
    /// The relay was not reached, or it does not speak WebSocket. The browser's console says more.
    Unreachable {
        /// The address.
        url: String,
    },
    /// The connection has ended with this code of RFC 6455, section 7.4.
    Ended {
        /// The code: 1006 for a connection that broke.
        code: u16,
        /// The relay's words.
        reason: String,
    },
    /// There is neither a page nor a worker, so there is no clock.
    NoPage,
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { url } => {
                write!(f, "{url:?} is no address of a WebSocket that this page may use: ws://HOST:PORT/")
            }
            Self::Unreachable { url } => write!(f, "no WebSocket relay was reached at {url}"),
            Self::Ended { code, reason } if reason.is_empty() => {
                write!(f, "the WebSocket has ended, code {code}")
            }
            Self::Ended { code, reason } => write!(f, "the WebSocket has ended, code {code}: {reason}"),
            Self::NoPage => f.write_str("this program runs neither in a page nor in a worker"),
        }
    }
}

impl core::error::Error for WebError {}

impl embedded_io::Error for WebError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. } => ErrorKind::InvalidInput,
            Self::Unreachable { .. } => ErrorKind::ConnectionRefused,
            Self::Ended { .. } => ErrorKind::ConnectionReset,
            Self::NoPage => ErrorKind::Unsupported,
        }
    }
}
