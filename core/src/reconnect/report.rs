//! What is said about the connection and the channels.

use core::fmt;

use super::Exhausted;
use crate::Reason;
use crate::link::{Channel, SendError};
use crate::time::Instant;

/// What to do about a refusal that may pass: the name is in use (perhaps by this program's own
/// former connection, whose loss the relay has not noticed yet), there is no such channel (perhaps
/// its server is coming back as well), the channel is full (perhaps of former selves), the server's
/// connection was lost, all local users are taken, the relay does not answer.
///
/// A channel that the program has left before the relay had answered, and asks for once more, is
/// asked for again whatever this says: the connection is in it already, until that answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Retry {
    /// Give the channel up. It is asked for once on each connection.
    Never,
    /// Ask again if the channel has been open since it was added; else give it up, for then the
    /// name may well be wrong.
    #[default]
    IfOpenedBefore,
    /// Ask again, even if the channel was never open. The programs can start in any order.
    Always,
}

/// Why a channel is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Cause {
    /// The relay said so: it refused the channel, or the channel is gone.
    Relay(Reason),
    /// This link could not ask for it.
    Link(SendError),
    /// The relay was asked and has not answered in time, though it has said that it is there; see
    /// [`ChannelList::set_answer_timeout`](super::ChannelList::set_answer_timeout). It obeys
    /// commands in their order, so what was sent since is not obeyed either. Another connection is
    /// worth a try. The channel is not asked for again on this one; an answer that comes late
    /// counts.
    NoAnswer,
}

impl Cause {
    /// Returns the reason that comes nearest, for an event that tells of it: for those who hand the
    /// list's notices on as [`Event::Refused`](crate::link::Event::Refused).
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Relay(reason) => reason,
            // places that this link does not have
            Self::Link(SendError::TooManyLocalUsers | SendError::TooManyParties) => Reason::ChannelFull,
            Self::Link(SendError::TooManyEnteredChannels | SendError::TooManyOwnChannels) => {
                Reason::TooManyChannels
            }
            Self::Link(_) => Reason::Unsupported,
            Self::NoAnswer => Reason::NoAnswer,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relay(reason) => write!(f, "{reason}"),
            Self::Link(error) => write!(f, "{error}"),
            Self::NoAnswer => f.write_str("the relay does not answer"),
        }
    }
}

/// What an event means for a channel of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Notice {
    /// The channel is open: created or entered.
    Opened {
        /// The channel.
        channel: Channel,
        /// Whether it is open for the first time since it was added; else it has come back.
        first: bool,
    },
    /// The channel was open, and the link's connection is lost. It is asked for again on the next
    /// one.
    Interrupted {
        /// The channel.
        channel: Channel,
    },
    /// The channel was refused, or is gone, for a reason that may pass. It is asked for again.
    Waiting {
        /// The channel.
        channel: Channel,
        /// Why it is not open.
        cause: Cause,
        /// When it is asked for again, at the earliest.
        until: Instant,
    },
    /// The channel is not asked for any more, unless
    /// [`ChannelList::retry`](super::ChannelList::retry) is called.
    GivenUp {
        /// The channel.
        channel: Channel,
        /// Why it is not open.
        cause: Cause,
        /// Set when the reason may pass, but it has been tried for long enough.
        exhausted: Option<Exhausted>,
    },
}

impl Notice {
    /// The channel it is about.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match *self {
            Self::Opened { channel, .. }
            | Self::Interrupted { channel }
            | Self::Waiting { channel, .. }
            | Self::GivenUp { channel, .. } => channel,
        }
    }

    /// Returns true if the relay has not answered in time ([`Cause::NoAnswer`]): the connection is
    /// to be ended, and another one is worth a try.
    #[must_use]
    pub const fn is_unanswered(&self) -> bool {
        matches!(
            self,
            Self::Waiting { cause: Cause::NoAnswer, .. } | Self::GivenUp { cause: Cause::NoAnswer, .. }
        )
    }
}

/// How a channel of the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ChannelState {
    /// Open.
    Open,
    /// To be asked for as soon as there is a connection with room, and this moment has come (zero:
    /// at once).
    Waiting {
        /// The moment.
        until: Instant,
    },
    /// The relay has been asked and has not answered yet.
    Asked,
    /// Given up, as [`Notice::GivenUp`] has said.
    GivenUp {
        /// Why it is not open.
        cause: Cause,
        /// Set when the reason may pass, but it has been tried for long enough.
        exhausted: Option<Exhausted>,
    },
}

/// How it is with the connection as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Status {
    /// There is no connection; the next attempt is due at this moment.
    Lost {
        /// The moment; it may have passed.
        until: Instant,
    },
    /// An attempt has been started, and is neither successful nor failed yet.
    Connecting,
    /// There is a connection, and some channels are not back yet.
    Restoring,
    /// There is a connection, and every channel is open or given up.
    Connected,
    /// There is no connection, and there will be none, unless
    /// [`ChannelList::try_now`](super::ChannelList::try_now) is called.
    GivenUp(Exhausted),
}
