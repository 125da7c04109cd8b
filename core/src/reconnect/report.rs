//! What is said about the connection and the channels.

use core::fmt;

use super::Exhausted;
use crate::Reason;
use crate::link::{Channel, SendError};
use crate::time::Instant;

/// The place of a channel in the list of a [`Reconnect`](super::Reconnect): valid from adding the
/// channel until removing it, however often the channel itself gets a new handle meanwhile. Once
/// removed it never means another channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Place {
    pub(super) slot: u16,
    pub(super) order: u32,
}

impl Place {
    /// The index of this place, below the list's capacity. Free for a table of the caller's; a
    /// later channel can have the same index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// What to do about a refusal that may pass: the name is in use (perhaps by this program's own
/// former connection, whose loss the relay has not noticed yet), there is no such channel (perhaps
/// its server is coming back as well), the channel is full (perhaps of former selves), the server's
/// connection was lost, the link has no free place, the relay does not answer.
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
    /// Ask again, from the very first time on: whoever starts first waits for the other.
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
    /// [`Reconnect::set_answer_timeout`](super::Reconnect::set_answer_timeout). It obeys commands
    /// in their order, so what was sent since is not obeyed either. Another connection is worth a
    /// try.
    NoAnswer,
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
    /// The channel is open: created or entered. Its handle is a new one.
    Opened {
        /// The channel.
        place: Place,
        /// Whether it is open for the first time since it was added; else it has come back.
        first: bool,
    },
    /// The channel was open, and the link's connection is lost. It is asked for again on the next
    /// one.
    Interrupted {
        /// The channel.
        place: Place,
    },
    /// The channel was refused, or is gone, for a reason that may pass. It is asked for again.
    Waiting {
        /// The channel.
        place: Place,
        /// Why it is not open.
        cause: Cause,
        /// When it is asked for again, at the earliest.
        until: Instant,
    },
    /// The channel is not asked for any more, unless [`Reconnect::retry`](super::Reconnect::retry)
    /// is called.
    GivenUp {
        /// The channel.
        place: Place,
        /// Why it is not open.
        cause: Cause,
        /// Set when the reason may pass, but it has been tried for long enough.
        exhausted: Option<Exhausted>,
    },
}

impl Notice {
    /// The channel it is about.
    #[must_use]
    pub const fn place(&self) -> Place {
        match *self {
            Self::Opened { place, .. }
            | Self::Interrupted { place }
            | Self::Waiting { place, .. }
            | Self::GivenUp { place, .. } => place,
        }
    }
}

/// How a channel of the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ChannelState {
    /// Open, with this handle.
    Open(Channel),
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
    /// [`Reconnect::try_now`](super::Reconnect::try_now) is called.
    GivenUp(Exhausted),
}

/// Why a channel was not added to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AddError {
    /// All places are taken.
    Full {
        /// How many there are.
        capacity: usize,
    },
    /// A channel name above 255 bytes.
    NameTooLong {
        /// The name's length in bytes.
        len: usize,
    },
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { capacity } => {
                write!(
                    f,
                    "all {capacity} places of the list of channels are taken; remove one, or enlarge it"
                )
            }
            Self::NameTooLong { len } => write!(f, "a channel name of {len} bytes; at most 255 are allowed"),
        }
    }
}

impl core::error::Error for AddError {}
