//! What ends a poll.

use core::fmt;

use super::{HandlerError, SendError};
use crate::time::Duration;

/// Why a poll ended. All but [`Error::Handler`] mean that the connection is lost: every channel has
/// been told by an event, and the link is as new, ready for another transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E, H = SendError> {
    /// The transport failed.
    Transport(E),
    /// The relay closed the connection.
    Closed,
    /// Nothing was heard from the relay for the silence limit.
    Silent {
        /// How long.
        duration: Duration,
    },
    /// The handler returned an error. The link goes on.
    Handler(H),
}

impl<E: fmt::Display, H: fmt::Display> fmt::Display for Error<E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("the connection to the relay failed"),
            Self::Closed => f.write_str("the relay closed the connection"),
            Self::Silent { duration } => {
                write!(f, "nothing was heard from the relay for {} ms", duration.as_millis())
            }
            Self::Handler(error) => error.fmt(f),
        }
    }
}

/// An error of the handler is passed on as it is.
impl<E, H> core::error::Error for Error<E, H>
where
    E: core::error::Error + 'static,
    H: HandlerError + fmt::Display + fmt::Debug,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Handler(error) => error.as_error().and_then(core::error::Error::source),
            Self::Closed | Self::Silent { .. } => None,
        }
    }
}

impl<E, H> Error<E, H> {
    /// Returns the handler's error, or else how the connection was lost, as an error of another
    /// handler.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn into_handler<O>(self) -> Result<H, Error<E, O>> {
        match self {
            Self::Handler(error) => Ok(error),
            Self::Transport(error) => Err(Error::Transport(error)),
            Self::Closed => Err(Error::Closed),
            Self::Silent { duration } => Err(Error::Silent { duration }),
        }
    }
}

/// How a connection was lost.
#[derive(Debug)]
pub(super) enum Lost<E> {
    Transport(E),
    Closed,
    Silent { duration: Duration },
}

impl<E, H> From<Lost<E>> for Error<E, H> {
    fn from(lost: Lost<E>) -> Self {
        match lost {
            Lost::Transport(error) => Self::Transport(error),
            Lost::Closed => Self::Closed,
            Lost::Silent { duration } => Self::Silent { duration },
        }
    }
}
