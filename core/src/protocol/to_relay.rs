//! Endpoint to relay: commands, broadcasts, data (`docs/PROTOCOL.md`, "Endpoint to relay").

use super::decode::{DataState, DataStep};
use super::{Fragment, Header, MAX_NAME};

/// Bit of the channel byte that says "my own channel", as opposed to one that was entered.
const OWN: u8 = 128;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Cast {
    Single,
    All,
    AllBut,
}

impl Cast {
    #[inline]
    fn names_user(self, channel: u8) -> bool {
        channel & OWN != 0 && !matches!(self, Self::All)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State {
    Start,
    CommandCode,
    CommandTag { command: u8 },
    CommandLength { command: u8, tag: u8 },
    CommandPayload { command: u8, tag: u8, offset: u8, total: u8 },
    BroadcastMode,
    BroadcastSize(Cast),
    Data(Cast, DataState),
}

/// Takes an endpoint's byte stream apart. 12 bytes, `Copy`: keep a copy to go back to where it was.
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
    state: State,
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
        Self { state: State::Start }
    }

    /// Whether the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        matches!(self.state, State::Start)
    }

    /// The next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no sense
    /// is [`Unit::Malformed`].
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        if let (State::Start, [first @ (2..), ..]) = (self.state, input) {
            self.state = State::Data(Cast::Single, DataState::begin(*first));
            return self.decode_from(input.get(1..)?, 1);
        }
        self.decode_from(input, 0)
    }

    fn decode_from<'a>(&mut self, mut input: &'a [u8], mut used: usize) -> Option<(usize, Unit<'a>)> {
        loop {
            match self.state {
                State::Data(cast, data) => {
                    let step = data.advance(input, |channel| cast.names_user(channel));
                    match step {
                        DataStep::More(next) => {
                            self.state = State::Data(cast, next);
                            return None;
                        }
                        DataStep::Nothing { used: more, missing_user } => {
                            self.state = State::Start;
                            used = used.saturating_add(more);
                            if let Some(channel) = missing_user {
                                let channel = channel & !OWN;
                                return Some((used, Unit::Malformed(Malformed::MissingUser { channel })));
                            }
                            input = input.get(more..).unwrap_or_default();
                        }
                        DataStep::Fragment { used: more, channel, user, payload, next } => {
                            self.state = next.map_or(State::Start, |next| State::Data(cast, next));
                            return Some((
                                used.saturating_add(more),
                                data_unit(cast, channel, user, payload),
                            ));
                        }
                    }
                }
                State::CommandPayload { command, tag, offset, total } => {
                    let left = total.saturating_sub(offset);
                    if input.is_empty() && left > 0 {
                        return None;
                    }
                    let bytes = input.get(..usize::from(left)).unwrap_or(input);
                    #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u8")]
                    let len = bytes.len() as u8;
                    let payload = Fragment { bytes, offset: offset.into(), total: total.into() };
                    self.state = if len < left {
                        State::CommandPayload { command, tag, offset: offset.saturating_add(len), total }
                    } else {
                        State::Start
                    };
                    return Some((used.saturating_add(bytes.len()), Unit::Command { command, tag, payload }));
                }
                _ => {
                    let (&byte, rest) = input.split_first()?;
                    input = rest;
                    used = used.saturating_add(1);
                    if let Some(malformed) = self.head(byte) {
                        return Some((used, Unit::Malformed(malformed)));
                    }
                }
            }
        }
    }

    /// One byte of a command's head, of a broadcast prefix, or the first of a unit.
    fn head(&mut self, byte: u8) -> Option<Malformed> {
        self.state = match (self.state, byte) {
            (State::Start, 0) => State::CommandCode,
            (State::Start, 1) => State::BroadcastMode,
            (State::Start, first) => State::Data(Cast::Single, DataState::begin(first)),
            (State::CommandCode, command) => State::CommandTag { command },
            (State::CommandTag { command }, tag) => State::CommandLength { command, tag },
            (State::CommandLength { command, tag }, total) => {
                State::CommandPayload { command, tag, offset: 0, total }
            }
            (State::BroadcastMode, 0) => State::BroadcastSize(Cast::AllBut),
            // existing relays take any other mode for "all"
            (State::BroadcastMode, _) => State::BroadcastSize(Cast::All),
            // an empty broadcast has size 1, so 1 is a size here
            (State::BroadcastSize(_), 0) => {
                self.state = State::Start;
                return Some(Malformed::BroadcastOfNothing);
            }
            (State::BroadcastSize(cast), first) => State::Data(cast, DataState::begin(first)),
            (state @ (State::Data(..) | State::CommandPayload { .. }), _) => state, // not heads
        };
        None
    }
}

#[inline]
fn data_unit(cast: Cast, channel: u8, user: u8, payload: Fragment<'_>) -> Unit<'_> {
    let own = channel & OWN != 0;
    let channel = channel & !OWN;
    match (own, cast) {
        (false, Cast::Single) => Unit::ToServer { channel, payload },
        (false, _) => Unit::Malformed(Malformed::BroadcastByUser { channel }),
        (true, Cast::Single) => Unit::ToUser { channel, user, payload },
        (true, Cast::All) => Unit::ToAll { channel, payload },
        (true, Cast::AllBut) => Unit::ToAllBut { channel, excluded: user, payload },
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
