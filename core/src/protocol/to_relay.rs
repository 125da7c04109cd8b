//! Endpoint to relay: commands, broadcasts, data (`docs/PROTOCOL.md`, "Endpoint to relay").

use super::decode::{DataHead, Head, Progress, data_head};
use super::to_endpoint::Capabilities;
use super::{Fragment, Header, MAX_NAME, MAX_WORDS};

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
    /// Remove a user from an own channel; the payload is the channel's and the user's number. Only
    /// for relays that announce it
    /// ([`Capabilities::REMOVE_USER`](super::to_endpoint::Capabilities::REMOVE_USER)).
    RemoveUser,
    /// Remove a user and keep its connection out; payload as for [`Command::RemoveUser`]. Only for
    /// relays that announce it
    /// ([`Capabilities::BLOCK_USER`](super::to_endpoint::Capabilities::BLOCK_USER)).
    BlockUser,
    /// What the endpoint is and can do; the payload is [items](super::items). Answered by a hello
    /// of the relay. This and those below are only for relays that announce it
    /// ([`Capabilities::HELLO`](super::to_endpoint::Capabilities::HELLO)).
    Hello,
    /// What the user says with the command to enter that stands directly behind this one; the
    /// payload is the words.
    Words,
    /// More bytes may be sent to this endpoint; see [`Grant`].
    Grant,
    /// Let a user in that knocks; see [`Verdict`].
    Admit,
    /// Refuse a user that knocks; see [`Verdict`].
    Refuse,
    /// Change for users whether broadcasts pass over them; the payload is the own channel's number
    /// and the users'.
    LeaveOut,
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
            6 => Some(Self::Hello),
            7 => Some(Self::Words),
            8 => Some(Self::Grant),
            9 => Some(Self::Admit),
            10 => Some(Self::Refuse),
            11 => Some(Self::LeaveOut),
            _ => None,
        }
    }

    /// What a relay must have announced before an endpoint may give this command: nothing for the
    /// original ones.
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
            Self::Hello | Self::Words | Self::Grant | Self::Admit | Self::Refuse | Self::LeaveOut => {
                Capabilities::HELLO
            }
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
            Self::Hello => 6,
            Self::Words => 7,
            Self::Grant => 8,
            Self::Admit => 9,
            Self::Refuse => 10,
            Self::LeaveOut => 11,
        }
    }
}

/// What leaves the sender's intent unclear, so that a relay closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Malformed {
    /// A broadcast prefix in front of data for an entered channel: only a channel's server
    /// broadcasts.
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
    /// A channel's server that takes part speaks to all its users but the ones that it has left
    /// out.
    ToReady {
        /// The sender's number for its own channel, 0..=127.
        channel: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// The same, but for one user more.
    ToReadyBut {
        /// The sender's number for its own channel, 0..=127.
        channel: u8,
        /// The number of that user.
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
    ToReady { channel: u8 },
    ToReadyBut { channel: u8, excluded: u8 },
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
            Self::ToReady { channel } => Unit::ToReady { channel, payload },
            Self::ToReadyBut { channel, excluded } => Unit::ToReadyBut { channel, excluded, payload },
            Self::Malformed(malformed) => Unit::Malformed(malformed),
        }
    }
}

/// Finds out what the first bytes of a unit are. `takes_part` says whether the sender takes part.
#[inline]
fn parse(bytes: &[u8], takes_part: bool) -> Head<Kind> {
    match *bytes {
        [0 | 1, ..] => parse_command_or_broadcast(bytes, takes_part),
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

fn parse_command_or_broadcast(bytes: &[u8], takes_part: bool) -> Head<Kind> {
    match *bytes {
        [0, command, tag, payload, ..] => {
            Head::Unit { len: 4, kind: Kind::Command { command, tag }, payload: payload.into() }
        }
        // a command is no data (an empty broadcast has size 1, so 1 is a size here)
        [1, _, 0, ..] => {
            Head::Unit { len: 3, kind: Kind::Malformed(Malformed::BroadcastOfNothing), payload: 0 }
        }
        [1, mode, ref data @ ..] => parse_broadcast(Mode::of(mode, takes_part), data),
        _ => Head::Cut,
    }
}

/// Whom a broadcast is for.
#[derive(Clone, Copy)]
struct Mode {
    all_but_one: bool,
    ready: bool,
}

impl Mode {
    /// Existing relays take any mode but 0 for "all", and existing endpoints may send any.
    const fn of(mode: u8, takes_part: bool) -> Self {
        match mode {
            0 => Self { all_but_one: true, ready: false },
            2 if takes_part => Self { all_but_one: false, ready: true },
            3 if takes_part => Self { all_but_one: true, ready: true },
            _ => Self { all_but_one: false, ready: false },
        }
    }

    const fn kind(self, channel: u8, excluded: u8) -> Kind {
        match (self.all_but_one, self.ready) {
            (true, false) => Kind::ToAllBut { channel, excluded },
            (false, false) => Kind::ToAll { channel },
            (true, true) => Kind::ToReadyBut { channel, excluded },
            (false, true) => Kind::ToReady { channel },
        }
    }
}

/// The data unit behind a broadcast prefix.
fn parse_broadcast(mode: Mode, data: &[u8]) -> Head<Kind> {
    match data_head(data, |channel| mode.all_but_one && channel & OWN != 0) {
        DataHead::Cut => Head::Cut,
        DataHead::Nothing { len } => Head::Nothing { len: len.wrapping_add(2) },
        DataHead::MissingUser { len, channel } => missing_user(len.wrapping_add(2), channel),
        DataHead::Data { len, channel, .. } if channel & OWN == 0 => {
            // close at once: whatever the payload is, nobody will get it
            let kind = Kind::Malformed(Malformed::BroadcastByUser { channel });
            Head::Unit { len: len.wrapping_add(2), kind, payload: 0 }
        }
        DataHead::Data { len, channel, user: excluded, payload } => {
            Head::Unit { len: len.wrapping_add(2), kind: mode.kind(channel & !OWN, excluded), payload }
        }
    }
}

fn missing_user(len: usize, channel: u8) -> Head<Kind> {
    let kind = Kind::Malformed(Malformed::MissingUser { channel: channel & !OWN });
    Head::Unit { len, kind, payload: 0 }
}

/// Takes an endpoint's byte stream apart. 18 bytes, `Copy`: keep a copy to go back to where it was.
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
    takes_part: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream. Takes every broadcast mode but 0 for "all", as relays do
    /// for existing endpoints.
    #[must_use]
    pub const fn new() -> Self {
        Self::of(false)
    }

    /// A decoder between two units of an endpoint of which it is known whether it takes part: if it
    /// does, broadcast modes 2 and 3 have their own meaning.
    #[must_use]
    pub const fn of(takes_part: bool) -> Self {
        Self { progress: Progress::new(Kind::Command { command: 0, tag: 0 }), takes_part }
    }

    /// Whether the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        self.progress.is_between_units()
    }

    /// The next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no
    /// sense is [`Unit::Malformed`].
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        let takes_part = self.takes_part;
        let (used, kind, payload) = self.progress.next(input, |bytes| parse(bytes, takes_part))?;
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

/// The bytes in front of `payload` bytes of data for user `user` of own channel `channel`;
/// `payload` as for [`data_from_user`].
#[inline]
#[must_use]
pub const fn data_from_server(channel: u8, user: u8, payload: usize) -> Header {
    Header::data(channel | OWN, Some(user), payload)
}

/// The bytes in front of `payload` bytes of data for all users of own channel `channel`, but
/// `excluded` if there is one; `payload` as for [`data_from_user`].
#[inline]
#[must_use]
pub const fn broadcast(channel: u8, excluded: Option<u8>, payload: usize) -> Header {
    Header::broadcast(channel | OWN, excluded, payload)
}

/// The bytes in front of `payload` bytes of data for all users of own channel `channel` but those
/// that are left out, and `excluded` if there is one; `payload` as for [`data_from_user`].
#[inline]
#[must_use]
pub const fn broadcast_to_ready(channel: u8, excluded: Option<u8>, payload: usize) -> Header {
    Header::to_ready(channel | OWN, excluded, payload)
}

/// The four bytes in front of a name, for [`Command::Create`] and [`Command::Enter`]. `None` if the
/// name is longer than [`MAX_NAME`] bytes.
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

/// The four bytes in front of the payload of a [`Command::Hello`] or [`Command::Words`]. `None` if
/// it is longer than [`MAX_ITEMS`](super::items::MAX_ITEMS) or [`MAX_WORDS`].
#[must_use]
pub const fn command_head(command: Command, payload: usize) -> Option<[u8; 4]> {
    let most = if matches!(command, Command::Hello) { super::items::MAX_ITEMS } else { MAX_WORDS };
    if payload > most {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
    Some([0, command.code(), 0, payload as u8])
}

/// What a [`Command::Grant`] says: more payload bytes may be sent to the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Grant {
    /// By the server of the entered channel with that number, 0..=127.
    Server {
        /// The channel.
        channel: u8,
        /// How many more.
        bytes: u32,
    },
    /// By a user of the own channel with that number, 0..=127.
    User {
        /// The channel.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// How many more.
        bytes: u32,
    },
}

impl Grant {
    /// Reads the payload of a [`Command::Grant`]. `None` if it is none.
    #[must_use]
    pub const fn from_payload(payload: &[u8]) -> Option<Self> {
        match *payload {
            [channel @ 0..OWN, a, b, c, d] => {
                Some(Self::Server { channel, bytes: u32::from_le_bytes([a, b, c, d]) })
            }
            [channel @ OWN..=255, user, a, b, c, d] => {
                Some(Self::User { channel: channel & !OWN, user, bytes: u32::from_le_bytes([a, b, c, d]) })
            }
            _ => None,
        }
    }
}

/// A whole [`Command::Grant`] for the server of entered channel `channel`.
#[must_use]
pub const fn grant_server(channel: u8, bytes: u32) -> [u8; 9] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [0, Command::Grant.code(), 0, 5, channel & !OWN, a, b, c, d]
}

/// A whole [`Command::Grant`] for user `user` of own channel `channel`.
#[must_use]
pub const fn grant_user(channel: u8, user: u8, bytes: u32) -> [u8; 10] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [0, Command::Grant.code(), 0, 6, channel | OWN, user, a, b, c, d]
}

/// What a [`Command::Admit`] or [`Command::Refuse`] says of a user that knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Verdict<'a> {
    /// The own channel's number.
    pub channel: u8,
    /// The number that is reserved for the user.
    pub user: u8,
    /// That of the knock.
    pub ticket: u8,
    /// Why the user is refused: [`CODE_FULL`] or [`CODE_REFUSED`]. `None`: it is admitted.
    pub code: Option<u8>,
    /// What the server says about it.
    pub words: &'a [u8],
}

/// A [`Command::Refuse`] because the channel is full.
pub const CODE_FULL: u8 = 4;
/// A [`Command::Refuse`] because the server does not want the user.
pub const CODE_REFUSED: u8 = 7;

impl<'a> Verdict<'a> {
    /// Reads the payload of a [`Command::Admit`]. `None` if it is none.
    #[must_use]
    pub const fn from_admit(payload: &'a [u8]) -> Option<Self> {
        match *payload {
            [channel, user, ticket] => Some(Self { channel, user, ticket, code: None, words: &[] }),
            _ => None,
        }
    }

    /// Reads the payload of a [`Command::Refuse`]. `None` if it is none.
    #[must_use]
    pub const fn from_refuse(payload: &'a [u8]) -> Option<Self> {
        match payload {
            [channel, user, ticket, code, words @ ..] if words.len() <= MAX_WORDS => {
                Some(Self { channel: *channel, user: *user, ticket: *ticket, code: Some(*code), words })
            }
            _ => None,
        }
    }
}

/// A whole [`Command::Admit`].
#[must_use]
pub const fn admit(channel: u8, user: u8, ticket: u8) -> [u8; 7] {
    [0, Command::Admit.code(), 0, 3, channel, user, ticket]
}

/// The bytes of a [`Command::Refuse`] in front of the server's words. `None` if those are longer
/// than [`MAX_WORDS`].
#[must_use]
pub const fn refuse(channel: u8, user: u8, ticket: u8, code: u8, words: usize) -> Option<[u8; 8]> {
    if words > MAX_WORDS {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_WORDS")]
    let len = (words as u8).wrapping_add(4);
    Some([0, Command::Refuse.code(), 0, len, channel, user, ticket, code])
}

/// The bytes of a [`Command::LeaveOut`] in front of the numbers of the users, at most 254. `None`
/// if there are more.
#[must_use]
pub const fn leave_out(channel: u8, users: usize) -> Option<[u8; 5]> {
    if users > 254 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 254")]
    let len = (users as u8).wrapping_add(1);
    Some([0, Command::LeaveOut.code(), 0, len, channel])
}
