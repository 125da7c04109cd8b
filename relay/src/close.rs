//! Why connections end.

use std::{fmt, io};

use peote_net::relay::Cause;

/// Why a connection ends.
#[derive(Debug)]
pub(crate) enum Why {
    /// The endpoint has closed it.
    Ended,
    /// The network has.
    Broken(io::Error),
    /// The forwarding core wants it.
    Cause(Cause),
    /// Nothing came in time.
    Silent,
    /// It took nothing while somebody waited for it.
    Stalled,
    /// Its queue was full for too long.
    Slow,
    /// It speaks HTTP.
    WebSocket,
    /// The relay stops.
    Stopping,
}

impl Why {
    /// Whether it makes sense to write what is still queued, as far as the socket takes it at once.
    pub(crate) fn may_write(&self) -> bool {
        matches!(self, Self::Ended | Self::Cause(_))
    }

    /// Whether an operator should know.
    pub(crate) fn is_suspicious(&self) -> bool {
        matches!(self, Self::Cause(_) | Self::Stalled | Self::Slow)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("closed by the endpoint"),
            Self::Broken(error) => write!(f, "lost: {error}"),
            Self::Cause(cause) => cause.fmt(f),
            Self::Silent => f.write_str("nothing was sent in time"),
            Self::Stalled => f.write_str("stalled: it took nothing while others waited for it"),
            Self::Slow => f.write_str("too slow: its queue was full for too long"),
            Self::WebSocket => f.write_str("it speaks HTTP, and this build does not support WebSocket"),
            Self::Stopping => f.write_str("the relay is stopping"),
        }
    }
}
