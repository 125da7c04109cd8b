//! What can go wrong.

use core::fmt;

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError<E> {
    /// The server has not answered yet, so there is no key.
    NotYet,
    /// The buffer has no room for the payload and what sealing adds.
    Short,
    /// All numbers have been used. A new membership, or a new server, has new ones.
    Exhausted,
    /// Sending has failed. Nothing has left, and the same number is used again.
    Send(E),
}

impl<E: fmt::Display> fmt::Display for SealError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => f.write_str("the server has not answered the hello yet"),
            Self::Short => f.write_str("the buffer is too short for the sealed chunk"),
            Self::Exhausted => f.write_str("all numbers of this key have been used"),
            Self::Send(error) => write!(f, "the sealed chunk was not sent: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for SealError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        if let Self::Send(error) = self { Some(error) } else { None }
    }
}

/// Why a chunk was not opened. Nothing has changed: the next genuine chunk is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// It was not sealed with this key, for this receiver, as the next one; or it has been changed.
    Refused,
    /// The buffer is shorter than the payload.
    Short,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => {
                "the chunk is none that could come now; it is forged, changed, or one is missing"
            }
            Self::Short => "the buffer is shorter than the payload",
        })
    }
}

impl core::error::Error for OpenError {}
