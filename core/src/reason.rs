//! Why something ended or was refused.

use core::fmt;

/// Why a channel was refused, or why a membership or a channel has ended.
///
/// The numbers depend on what they answer, so there is a constructor for each place:
/// [`Reason::of_create`], [`Reason::of_enter`], [`Reason::of_end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// On purpose: the user left, or the server deleted the channel.
    OnPurpose,
    /// The connection of the user or server at the other end was lost.
    ConnectionLost,
    /// This link's own connection to the relay was lost. Never on the wire.
    LinkLost,
    /// The channel's server removed the user.
    Kicked,
    /// Creating: the relay has a channel of this name already.
    NameInUse,
    /// Entering: the relay has no channel of this name.
    NoSuchChannel,
    /// Entering: the channel is this connection's own.
    OwnChannel,
    /// Entering: this connection is in that channel already.
    AlreadyEntered,
    /// Entering: the channel has 256 users, or as many as the relay allows.
    ChannelFull,
    /// This connection has 128 channels of this kind already, or as many as the relay allows.
    TooManyChannels,
    /// Entering: the channel's server has blocked this connection.
    Blocked,
    /// Entering: the channel's server has refused the user.
    RefusedByServer,
    /// Entering: the channel's server has not answered in time, or cannot be asked now.
    NoAnswer,
    /// The other side did not take in time what was sent to it.
    TooSlow,
    /// The relay cannot do what the program wants of this channel. Never on the wire.
    Unsupported,
    /// A number that this version does not know.
    Other(u8),
}

impl Reason {
    /// The reason behind the code of a refused create command.
    #[must_use]
    pub const fn of_create(code: u8) -> Self {
        match code {
            1 => Self::TooManyChannels,
            2 => Self::NameInUse,
            other => Self::Other(other),
        }
    }

    /// The reason behind the code of a refused enter command.
    #[must_use]
    pub const fn of_enter(code: u8) -> Self {
        match code {
            1 => Self::NoSuchChannel,
            2 => Self::OwnChannel,
            3 => Self::AlreadyEntered,
            4 => Self::ChannelFull,
            5 => Self::TooManyChannels,
            6 => Self::Blocked,
            7 => Self::RefusedByServer,
            8 => Self::NoAnswer,
            other => Self::Other(other),
        }
    }

    /// The reason in a "user gone" or "channel gone" event.
    #[must_use]
    pub const fn of_end(code: u8) -> Self {
        match code {
            0 => Self::OnPurpose,
            1 => Self::ConnectionLost,
            2 => Self::Kicked,
            3 => Self::TooSlow,
            other => Self::Other(other),
        }
    }

    /// The code of this reason in a refused create command; 0 for reasons that do not belong there.
    #[must_use]
    pub const fn create_code(self) -> u8 {
        match self {
            Self::TooManyChannels => 1,
            Self::NameInUse => 2,
            Self::Other(code) => code,
            _ => 0,
        }
    }

    /// The code of this reason in a refused enter command; 0 for reasons that do not belong there.
    #[must_use]
    pub const fn enter_code(self) -> u8 {
        match self {
            Self::NoSuchChannel => 1,
            Self::OwnChannel => 2,
            Self::AlreadyEntered => 3,
            Self::ChannelFull => 4,
            Self::TooManyChannels => 5,
            Self::Blocked => 6,
            Self::RefusedByServer => 7,
            Self::NoAnswer => 8,
            Self::Other(code) => code,
            _ => 0,
        }
    }

    /// The code of this reason in a "user gone" or "channel gone" event. Reasons that do not belong
    /// there count as on purpose.
    #[must_use]
    pub const fn end_code(self) -> u8 {
        match self {
            Self::ConnectionLost => 1,
            Self::Kicked => 2,
            Self::TooSlow => 3,
            Self::Other(code) => code,
            _ => 0,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnPurpose => "on purpose",
            Self::ConnectionLost => "the connection was lost",
            Self::LinkLost => "the connection to the relay was lost",
            Self::Kicked => "removed by the channel's server",
            Self::NameInUse => "a channel of this name exists already",
            Self::NoSuchChannel => "there is no channel of this name",
            Self::OwnChannel => "the channel is this connection's own",
            Self::AlreadyEntered => "this connection has entered the channel already",
            Self::ChannelFull => "the channel is full",
            Self::TooManyChannels => "this connection has too many channels",
            Self::Blocked => "blocked by the channel's server",
            Self::RefusedByServer => "refused by the channel's server",
            Self::NoAnswer => "the channel's server did not answer",
            Self::TooSlow => "what was sent was not taken in time",
            Self::Unsupported => "the relay cannot do it",
            Self::Other(code) => return write!(f, "unknown reason {code}"),
        })
    }
}
