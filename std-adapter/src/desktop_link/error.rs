//! Why a link does not go on.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use peote_net::link::{Error, HandlerError, SendError};
use peote_net::reconnect::Exhausted;
use peote_net::time::Duration;

use crate::describe::chain;
use crate::{ConnectError, SizesError, TcpError};

/// Why a [`DesktopLink`](super::DesktopLink) is not there, or does not go on.
///
/// `H` is the error of the handler. `Debug` prints a text for people, with all causes, as it is
/// seen when `main` returns the error.
#[non_exhaustive]
pub enum LinkError<H = SendError> {
    /// The handler returned an error. The link goes on.
    Handler(H),
    /// The handler returned the refusal or the end of a channel, as
    /// [`Event::ok`](peote_net::link::Event::ok) makes it. The link goes on.
    Channel {
        /// The channel's name.
        name: String,
        /// The handler's error.
        error: H,
    },
    /// The relay cannot be reached.
    Connect(ConnectError),
    /// The connection is lost. The channels have been told.
    Lost(Lost),
    /// There is no connection, and the [rules](super::LinkBuilder::reconnect) allow no more
    /// attempts.
    GivenUp {
        /// Why there are none.
        exhausted: Exhausted,
        /// Why the last one failed or ended: a [`ConnectError`] or [`Lost`].
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// There is no connection. Why has been told before.
    NotConnected,
    /// The link cannot have these sizes.
    Sizes(SizesError),
    /// The operating system refuses something: the process has too many files open, for example.
    System(io::Error),
}

/// How a connection was lost.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lost {
    /// The connection failed.
    Transport(TcpError),
    /// The relay closed the connection.
    Closed,
    /// The relay ended the connection before it had said anything. It is full, does not let this
    /// address in, or expects TLS on this port.
    TurnedAway,
    /// Nothing was heard from the relay for the silence limit.
    Silent {
        /// How long.
        duration: Duration,
    },
    /// The relay says that it is there, and has not answered for a channel in time.
    NoAnswer,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Missing {
    Connect(ConnectError),
    Lost(Lost),
}

impl From<Missing> for Box<dyn StdError + Send + Sync> {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Connect(error) => Box::new(error),
            Missing::Lost(lost) => Box::new(lost),
        }
    }
}

impl From<Error<TcpError>> for Lost {
    fn from(error: Error<TcpError>) -> Self {
        match error {
            Error::Transport(error) => Self::Transport(error),
            Error::Silent { duration } => Self::Silent { duration },
            _ => Self::Closed,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("the connection to the relay failed"),
            Self::Closed => f.write_str("the relay closed the connection"),
            Self::TurnedAway => f.write_str(
                "the relay ended the connection without a word; \
                 it may be full, not let this address in, or expect TLS on this port",
            ),
            Self::Silent { duration } => {
                write!(f, "nothing was heard from the relay for {} ms", duration.as_millis())
            }
            Self::NoAnswer => f.write_str("the relay does not answer"),
        }
    }
}

impl StdError for Lost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            _ => None,
        }
    }
}

impl<H: fmt::Display> fmt::Display for LinkError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(error) => error.fmt(f),
            Self::Channel { name, error } => write!(f, "channel {name:?}: {error}"),
            Self::Connect(error) => error.fmt(f),
            Self::Lost(lost) => lost.fmt(f),
            Self::GivenUp { exhausted, .. } => write!(f, "no connection to the relay ({exhausted})"),
            Self::NotConnected => f.write_str("there is no connection to the relay"),
            Self::Sizes(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl<H: HandlerError> LinkError<H> {
    /// An error of the handler; `ended` is the name of the channel that the event has ended.
    pub(super) fn of_handler(error: H, ended: Option<String>) -> Self {
        let (mut next, mut is_end) = (error.as_error(), false);
        while let Some(error) = next {
            is_end |=
                matches!(error.downcast_ref(), Some(SendError::Refused { .. } | SendError::Closed { .. }));
            next = error.source();
        }
        match ended {
            Some(name) if is_end => Self::Channel { name, error },
            _ => Self::Handler(error),
        }
    }

    /// Returns what lies behind this one.
    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Handler(error) | Self::Channel { error, .. } => error.as_error()?.source(),
            Self::NotConnected => None,
            Self::Connect(error) => error.source(),
            Self::Lost(lost) => lost.source(),
            Self::GivenUp { cause, .. } => Some(&**cause),
            Self::Sizes(error) => error.source(),
            Self::System(error) => error.source(),
        }
    }
}

impl<H> LinkError<H> {
    /// Returns the handler's error, or else this one as that of another handler.
    ///
    /// # Errors
    /// It is not the handler's.
    pub fn into_handler<O>(self) -> Result<H, LinkError<O>> {
        Err(match self {
            Self::Handler(error) | Self::Channel { error, .. } => return Ok(error),
            Self::Connect(error) => LinkError::Connect(error),
            Self::Lost(lost) => LinkError::Lost(lost),
            Self::GivenUp { exhausted, cause } => LinkError::GivenUp { exhausted, cause },
            Self::NotConnected => LinkError::NotConnected,
            Self::Sizes(error) => LinkError::Sizes(error),
            Self::System(error) => LinkError::System(error),
        })
    }
}

impl<H: HandlerError + fmt::Display> fmt::Debug for LinkError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        chain(f, self.cause())
    }
}

/// The errors that it has are passed on as they are: their texts and their sources.
impl<H: HandlerError + fmt::Display> StdError for LinkError<H> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause()
    }
}
