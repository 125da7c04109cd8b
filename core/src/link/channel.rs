//! What names a channel, a user, a destination.

use crate::chunk::{ChunkLimit, EncodedLength};
use crate::protocol::MAX_UNIT_PAYLOAD;

/// A channel this link created: it is the channel's server.
///
/// A handle of the link, valid from the call that asked for the channel until the channel is
/// deleted, refused or lost; not the channel's number on the wire. A handle that is no longer valid
/// never means another channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OwnChannel {
    pub(super) slot: u8,
    pub(super) generation: u32,
}

impl OwnChannel {
    /// Returns the slot of this channel among the link's own channels, below their maximum number.
    /// Good for a table of the caller's. A later channel can have the same slot.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// A channel this link entered: it is a user there. A handle like [`OwnChannel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EnteredChannel {
    pub(super) slot: u16,
    pub(super) generation: u32,
}

impl EnteredChannel {
    /// Returns the slot of this channel among the link's parties, below their maximum number. Good
    /// for a table of the caller's. A later party can have the same slot.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// A channel of this link: its own, or one that it entered.
///
/// What is sent to it goes to all users of an own channel, or to the server of an entered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Channel {
    /// This link created it and is its server.
    Own(OwnChannel),
    /// This link entered it and is a user there.
    Entered(EnteredChannel),
}

impl From<OwnChannel> for Channel {
    fn from(channel: OwnChannel) -> Self {
        Self::Own(channel)
    }
}

impl From<EnteredChannel> for Channel {
    fn from(channel: EnteredChannel) -> Self {
        Self::Entered(channel)
    }
}

impl From<Source> for Channel {
    fn from(source: Source) -> Self {
        source.channel()
    }
}

impl PartialEq<OwnChannel> for Channel {
    fn eq(&self, other: &OwnChannel) -> bool {
        *self == Self::Own(*other)
    }
}

impl PartialEq<EnteredChannel> for Channel {
    fn eq(&self, other: &EnteredChannel) -> bool {
        *self == Self::Entered(*other)
    }
}

impl core::fmt::Display for OwnChannel {
    /// "own channel 0", with the [index](Self::index).
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "own channel {}", self.slot)
    }
}

impl core::fmt::Display for EnteredChannel {
    /// "entered channel 0", with the [index](Self::index).
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "entered channel {}", self.slot)
    }
}

impl core::fmt::Display for Channel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Own(channel) => channel.fmt(f),
            Self::Entered(channel) => channel.fmt(f),
        }
    }
}

/// The number of a user in an own channel: 0..=255 for users that come through the relay, 256 and
/// above for local users, which are on the same link.
///
/// The relay gives a number to another user some time after its holder has gone. Events say when: a
/// number means one and the same user from [`Event::UserEntered`](super::Event::UserEntered) to
/// [`Event::UserGone`](super::Event::UserGone).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct User(u16);

impl User {
    /// The user with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number as u16)
    }

    #[cfg(feature = "local")]
    pub(super) const fn numbered(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The number as the wire carries it.
    pub(super) fn on_wire(self) -> Option<u8> {
        u8::try_from(self.0).ok()
    }
}

impl core::fmt::Display for User {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "user {}", self.0)
    }
}

/// How the bytes of a channel are to be understood. Both ends of a channel use the same mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Mode {
    /// Raw data: a stream. What arrives may be cut anywhere.
    Data,
    /// Whole messages.
    Chunks(ChunkLimit),
    /// Remote procedure calls: whole messages that [`rpc`](crate::rpc) makes and reads. What
    /// arrives is an [`Event::Rpc`](super::Event::Rpc), and nothing else can be sent. On the wire
    /// they are chunks.
    #[cfg(feature = "rpc")]
    Rpc(ChunkLimit),
}

impl Mode {
    /// Remote procedure calls as existing peers have them: in messages of at most 32,768 bytes.
    #[cfg(feature = "rpc")]
    pub const RPC: Self = Self::Rpc(ChunkLimit::DEFAULT);

    /// Chunks of at most `max` bytes (1 to the link's chunk size).
    #[must_use]
    pub const fn chunks(max: u32) -> Self {
        Self::Chunks(ChunkLimit::new(max))
    }

    /// Remote procedure calls in messages of at most `max` bytes (1 to the link's chunk size), with
    /// the 2 bytes of object and procedure. Both ends have to have the same maximum, or more
    /// exactly the same number of length bytes ([`ChunkLimit`]).
    #[cfg(feature = "rpc")]
    #[must_use]
    pub const fn rpc(max: u32) -> Self {
        Self::Rpc(ChunkLimit::new(max))
    }
}

impl Default for Mode {
    /// Chunks of at most 32,768 bytes, as existing peers have them.
    fn default() -> Self {
        Self::Chunks(ChunkLimit::DEFAULT)
    }
}

/// Who has sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u32)] // as `Event`, which has one
pub enum Source {
    /// A user of an own channel.
    User {
        /// The own channel.
        channel: OwnChannel,
        /// The user.
        user: User,
    },
    /// The server of an entered channel.
    Server {
        /// The entered channel.
        channel: EnteredChannel,
    },
}

impl Source {
    /// Returns the channel in which it was sent.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::User { channel, .. } => Channel::Own(channel),
            Self::Server { channel } => Channel::Entered(channel),
        }
    }

    /// Returns the user; `None` for the server of an entered channel.
    #[must_use]
    pub const fn user(self) -> Option<User> {
        match self {
            Self::User { user, .. } => Some(user),
            Self::Server { .. } => None,
        }
    }
}

impl core::fmt::Display for Source {
    /// "user 7 of own channel 0", "the server of entered channel 2".
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::User { channel, user } => write!(f, "{user} of {channel}"),
            Self::Server { channel } => write!(f, "the server of {channel}"),
        }
    }
}

/// The longest chunk in bytes that reaches every receiver of a broadcast whole, whatever the
/// channel's maximum: it fits one unit.
pub const MAX_WHOLE_BROADCAST: usize = MAX_UNIT_PAYLOAD - EncodedLength::MAX;

/// Who is to receive something.
///
/// A broadcast reaches the users that are in the channel when the relay handles it. One above
/// [`MAX_WHOLE_BROADCAST`] can take several units, and a user who enters between two of them
/// receives only the later ones, which it takes for a broken chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Destination {
    /// The server of an entered channel.
    Server(EnteredChannel),
    /// One user of an own channel.
    User(OwnChannel, User),
    /// All users of an own channel.
    All(OwnChannel),
    /// All users of an own channel but one. While the program is told that this one is gone, all
    /// users are meant.
    AllBut(OwnChannel, User),
}

impl Destination {
    /// Returns the channel that it is in.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Server(channel) => Channel::Entered(channel),
            Self::User(channel, _) | Self::All(channel) | Self::AllBut(channel, _) => Channel::Own(channel),
        }
    }

    /// Returns true if there can be a receiver that both destinations reach.
    #[cfg(feature = "large-chunks")]
    pub(super) fn overlaps(self, other: Self) -> bool {
        let (Some(a), Some(b)) = (self.own(), other.own()) else { return self == other };
        let users_overlap = match (self, other) {
            (Self::User(_, x), Self::User(_, y)) => x == y,
            (Self::User(_, x), Self::AllBut(_, y)) | (Self::AllBut(_, y), Self::User(_, x)) => x != y,
            _ => true,
        };
        a == b && users_overlap
    }

    pub(super) const fn own(self) -> Option<OwnChannel> {
        match self {
            Self::Server(_) => None,
            Self::User(channel, _) | Self::All(channel) | Self::AllBut(channel, _) => Some(channel),
        }
    }
}

impl From<Source> for Destination {
    fn from(source: Source) -> Self {
        match source {
            Source::User { channel, user } => Self::User(channel, user),
            Source::Server { channel } => Self::Server(channel),
        }
    }
}

impl From<EnteredChannel> for Source {
    /// The channel's server.
    fn from(channel: EnteredChannel) -> Self {
        Self::Server { channel }
    }
}

impl From<EnteredChannel> for Destination {
    fn from(channel: EnteredChannel) -> Self {
        Self::Server(channel)
    }
}

impl From<OwnChannel> for Destination {
    /// All its users.
    fn from(channel: OwnChannel) -> Self {
        Self::All(channel)
    }
}

impl From<Channel> for Destination {
    /// All users of an own channel; the server of an entered one.
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Own(channel) => Self::All(channel),
            Channel::Entered(channel) => Self::Server(channel),
        }
    }
}

impl From<(OwnChannel, User)> for Destination {
    fn from((channel, user): (OwnChannel, User)) -> Self {
        Self::User(channel, user)
    }
}
