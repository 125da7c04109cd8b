//! Endpoint to relay: commands, broadcasts, data (`docs/PROTOCOL.md`, "Endpoint to relay").

use super::decode::{DataHead, Head, Progress, data_head};
use super::to_endpoint::Capabilities;
use super::{Fragment, Header, MAX_NAME};

/// Bit of the channel byte that says "my own channel", as opposed to one that was entered.
pub(crate) const OWN: u8 = 128;

/// The commands an endpoint can give a relay.
///
/// ```
/// use peote_net::protocol::to_relay::Command;
/// assert_eq!(Command::from_code(1), Some(Command::Enter));
/// assert_eq!(Command::Delete.code(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Command {
    /// Create a channel; the payload is its name. Answered.
    Create,
    /// Enter a channel; the payload is its name. Answered.
    Enter,
    /// Leave an entered channel; the payload is its number. Not answered.
    Leave,
    /// Delete an own channel; the payload is its number. Not answered.
    Delete,
    /// Remove a user from an own channel; the payload is the channel's and the user's number. Only for relays
    /// that announce it ([`Capabilities::REMOVE_USER`](super::to_endpoint::Capabilities::REMOVE_USER)).
    RemoveUser,
    /// Remove a user and keep its connection out; payload as for [`Command::RemoveUser`]. Only for relays that announce it
    /// ([`Capabilities::BLOCK_USER`](super::to_endpoint::Capabilities::BLOCK_USER)).
    BlockUser,
}

impl Command {
    /// The command with this number on the wire.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Create),
            1 => Some(Self::Enter),
            2 => Some(Self::Leave),
            3 => Some(Self::Delete),
            4 => Some(Self::RemoveUser),
            5 => Some(Self::BlockUser),
            _ => None,
        }
    }

    /// What a relay must have announced before an endpoint may give this command: nothing for the original ones.
    ///
    /// ```
    /// use peote_net::protocol::to_endpoint::Capabilities;
    /// use peote_net::protocol::to_relay::Command;
    /// assert_eq!(Command::Enter.capability(), Capabilities::NONE);
    /// assert_eq!(Command::BlockUser.capability(), Capabilities::BLOCK_USER);
    /// ```
    #[must_use]
    pub const fn capability(self) -> Capabilities {
        match self {
            Self::Create | Self::Enter | Self::Leave | Self::Delete => Capabilities::NONE,
            Self::RemoveUser => Capabilities::REMOVE_USER,
            Self::BlockUser => Capabilities::BLOCK_USER,
        }
    }

    /// The command's number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Create => 0,
            Self::Enter => 1,
            Self::Leave => 2,
            Self::Delete => 3,
            Self::RemoveUser => 4,
            Self::BlockUser => 5,
        }
    }
}

/// What leaves the sender's intent unclear, so that a relay closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Malformed {
    /// A broadcast prefix in front of data for an entered channel: only a channel's server broadcasts.
    BroadcastByUser {
        /// The number of the entered channel.
        channel: u8,
    },
    /// A broadcast prefix in front of something that is not data.
    BroadcastOfNothing,
    /// Data for a user of an own channel that ends before it names the user.
    MissingUser {
        /// The number of the own channel.
        channel: u8,
    },
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BroadcastByUser { channel } => {
                write!(f, "a user broadcast in entered channel {channel}, which only its server may")
            }
            Self::BroadcastOfNothing => f.write_str("a broadcast prefix without data behind it"),
            Self::MissingUser { channel } => write!(f, "data of own channel {channel} names no user"),
        }
    }
}

/// One unit from an endpoint, or the part of it that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unit<'a> {
    /// A command. Its payload can come in pieces; the command counts once the last one is there.
    Command {
        /// The command's number; see [`Command::from_code`].
        command: u8,
        /// Echoed in the answer; 0 asks for none.
        tag: u8,
        /// Name or numbers.
        payload: Fragment<'a>,
    },
    /// A user speaks to the server of a channel it has entered.
    ToServer {
        /// The sender's number for the entered channel, 0..=127.
        channel: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// A channel's server speaks to one user.
    ToUser {
        /// The sender's number for its own channel, 0..=127.
        channel: u8,
        /// The user's number in that channel.
        user: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// A channel's server speaks to all its users.
    ToAll {
        /// The sender's number for its own channel, 0..=127.
        channel: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// A channel's server speaks to all its users but one.
    ToAllBut {
        /// The sender's number for its own channel, 0..=127.
        channel: u8,
        /// The number of the user that is left out.
        excluded: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// Something no endpoint means. What follows may be anything: close the connection.
    Malformed(Malformed),
}

/// What a unit is, apart from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Kind {
    Command { command: u8, tag: u8 },
    ToServer { channel: u8 },
    ToUser { channel: u8, user: u8 },
    ToAll { channel: u8 },
    ToAllBut { channel: u8, excluded: u8 },
    Malformed(Malformed),
}

impl Kind {
    #[inline]
    fn unit(self, payload: Fragment<'_>) -> Unit<'_> {
        match self {
            Self::Command { command, tag } => Unit::Command { command, tag, payload },
            Self::ToServer { channel } => Unit::ToServer { channel, payload },
            Self::ToUser { channel, user } => Unit::ToUser { channel, user, payload },
            Self::ToAll { channel } => Unit::ToAll { channel, payload },
            Self::ToAllBut { channel, excluded } => Unit::ToAllBut { channel, excluded, payload },
            Self::Malformed(malformed) => Unit::Malformed(malformed),
        }
    }
}

/// Finds out what the first bytes of a unit are.
#[inline]
fn parse(bytes: &[u8]) -> Head<Kind> {
    match *bytes {
        [] => Head::Cut,
        [0 | 1, ..] => parse_command_or_broadcast(bytes),
        _ => match data_head(bytes, |channel| channel & OWN != 0) {
            DataHead::Cut => Head::Cut,
            DataHead::Nothing { len } => Head::Nothing { len },
            DataHead::MissingUser { len, channel } => missing_user(len, channel),
            DataHead::Data { len, channel, user, payload } => {
                let kind = if channel & OWN == 0 {
                    Kind::ToServer { channel }
                } else {
                    Kind::ToUser { channel: channel & !OWN, user }
                };
                Head::Unit { len, kind, payload }
            }
        },
    }
}

fn parse_command_or_broadcast(bytes: &[u8]) -> Head<Kind> {
    match *bytes {
        [0, command, tag, payload, ..] => {
            Head::Unit { len: 4, kind: Kind::Command { command, tag }, payload: payload.into() }
        }
        // a command is no data (an empty broadcast has size 1, so 1 is a size here)
        [1, _, 0, ..] => {
            Head::Unit { len: 3, kind: Kind::Malformed(Malformed::BroadcastOfNothing), payload: 0 }
        }
        [1, mode, ref data @ ..] => parse_broadcast(mode == 0, data),
        _ => Head::Cut,
    }
}

/// The data unit behind a broadcast prefix. (Existing relays take any mode but 0 for "all".)
fn parse_broadcast(all_but_one: bool, data: &[u8]) -> Head<Kind> {
    match data_head(data, |channel| all_but_one && channel & OWN != 0) {
        DataHead::Cut => Head::Cut,
        DataHead::Nothing { len } => Head::Nothing { len: len.wrapping_add(2) },
        DataHead::MissingUser { len, channel } => missing_user(len.wrapping_add(2), channel),
        DataHead::Data { len, channel, .. } if channel & OWN == 0 => {
            // close at once: whatever the payload is, nobody will get it
            let kind = Kind::Malformed(Malformed::BroadcastByUser { channel });
            Head::Unit { len: len.wrapping_add(2), kind, payload: 0 }
        }
        DataHead::Data { len, channel, user: excluded, payload } => {
            let channel = channel & !OWN;
            let kind =
                if all_but_one { Kind::ToAllBut { channel, excluded } } else { Kind::ToAll { channel } };
            Head::Unit { len: len.wrapping_add(2), kind, payload }
        }
    }
}

fn missing_user(len: usize, channel: u8) -> Head<Kind> {
    let kind = Kind::Malformed(Malformed::MissingUser { channel: channel & !OWN });
    Head::Unit { len, kind, payload: 0 }
}

/// Takes an endpoint's byte stream apart. 16 bytes, `Copy`: keep a copy to go back to where it was.
///
/// ```
/// use peote_net::protocol::to_relay::{Decoder, Unit};
/// let mut decoder = Decoder::new();
/// // leave number 0, then 4 bytes of data for the server of entered channel 1
/// let stream = [0, 2, 0, 1, 0, 5, 1, b'a', b'b', b'c', b'd'];
/// let (used, unit) = decoder.decode(&stream).unwrap();
/// assert!(matches!(unit, Unit::Command { command: 2, tag: 0, payload } if payload.bytes() == [0]));
/// let (_, unit) = decoder.decode(&stream[used..]).unwrap();
/// assert!(matches!(unit, Unit::ToServer { channel: 1, payload } if payload.bytes() == b"abcd"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decoder {
    progress: Progress<Kind>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { progress: Progress::new(Kind::Command { command: 0, tag: 0 }) }
    }

    /// Whether the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        self.progress.is_between_units()
    }

    /// The next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no sense
    /// is [`Unit::Malformed`].
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        let (used, kind, payload) = self.progress.next(input, parse)?;
        Some((used, kind.unit(payload)))
    }
}

/// The bytes in front of `payload` bytes of data for the server of entered channel `channel`.
///
/// `payload` is 1..=[`MAX_UNIT_PAYLOAD`](super::MAX_UNIT_PAYLOAD).
#[inline]
#[must_use]
pub const fn data_from_user(channel: u8, payload: usize) -> Header {
    Header::data(channel & !OWN, None, payload)
}

/// The bytes in front of `payload` bytes of data for user `user` of own channel `channel`; `payload` as for [`data_from_user`].
#[inline]
#[must_use]
pub const fn data_from_server(channel: u8, user: u8, payload: usize) -> Header {
    Header::data(channel | OWN, Some(user), payload)
}

/// The bytes in front of `payload` bytes of data for all users of own channel `channel`, but `excluded` if there is one;
/// `payload` as for [`data_from_user`].
#[inline]
#[must_use]
pub const fn broadcast(channel: u8, excluded: Option<u8>, payload: usize) -> Header {
    Header::broadcast(channel | OWN, excluded, payload)
}

/// The four bytes in front of a name, for [`Command::Create`] and [`Command::Enter`]. `None` if the name is longer than
/// [`MAX_NAME`] bytes.
#[must_use]
pub fn name_command(command: Command, tag: u8, name: &[u8]) -> Option<[u8; 4]> {
    const _: () = assert!(MAX_NAME == u8::MAX as usize);
    Some([0, command.code(), tag, u8::try_from(name.len()).ok()?])
}

/// A whole [`Command::Leave`] (of an entered channel) or [`Command::Delete`] (of an own channel).
#[must_use]
pub const fn number_command(command: Command, channel: u8) -> [u8; 5] {
    [0, command.code(), 0, 1, channel]
}

/// A whole [`Command::RemoveUser`] or [`Command::BlockUser`].
#[must_use]
pub const fn user_command(command: Command, channel: u8, user: u8) -> [u8; 6] {
    [0, command.code(), 0, 2, channel, user]
}
