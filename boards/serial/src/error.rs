//! Why nothing moves.

use ::core::fmt;

use embedded_io::ErrorKind;

/// Why reading or writing moved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum SerialError {
    /// There is nothing to read, or no room to write, and this transport cannot wait. Ask for
    /// readiness first, as a link does.
    NotReady = 0,
    /// The connection has been ended in order, by the other end or by this one. Reading tells the
    /// end as `Ok(0)`, so this is an answer to writing.
    Ended,
    /// Nothing was heard from the other end, though it was asked for more than 6 s.
    Silent,
    /// The other end has started anew, and wants another connection.
    Restarted,
    /// The other end speaks of what has not been sent. It is in another connection, or no peer.
    OutOfStep,
}

impl embedded_io::Error for SerialError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Other,
            Self::Ended => ErrorKind::BrokenPipe,
            Self::Silent => ErrorKind::TimedOut,
            Self::Restarted => ErrorKind::ConnectionReset,
            Self::OutOfStep => ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "the serial line is not ready; ask read_ready or write_ready first",
            Self::Ended => "the connection over the serial line has ended",
            Self::Silent => "the other end of the serial line does not answer",
            Self::Restarted => "the other end of the serial line has started anew",
            Self::OutOfStep => "the other end of the serial line is in another connection",
        })
    }
}

impl ::core::error::Error for SerialError {}
