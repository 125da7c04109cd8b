//! Relay to endpoint: answers, events, data (`docs/PROTOCOL.md`, "Relay to endpoint").

use super::{Fragment, Header};

/// Bit of the channel byte that says "your own channel", as opposed to one that was entered.
const OWN: u8 = 128;

/// Bytes of an answer or event that mean something; the longest is "user gone".
const CONTROL: usize = 5;

/// What a relay can do beyond the original protocol, announced in a keepalive.
///
/// ```
/// use peote_net::protocol::to_endpoint::Capabilities;
/// let announced = Capabilities::from_keepalive([0x50, 0x01]).unwrap();
/// assert!(announced.contains(Capabilities::REMOVE_USER));
/// assert_eq!(Capabilities::from_keepalive([0, 0]), None); // an ordinary keepalive
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Capabilities(u8);

impl Capabilities {
    /// No more than the original protocol.
    pub const NONE: Self = Self(0);
    /// The relay knows [`Command::RemoveUser`](super::to_relay::Command::RemoveUser).
    pub const REMOVE_USER: Self = Self(1);
    /// The relay knows [`Command::BlockUser`](super::to_relay::Command::BlockUser).
    pub const BLOCK_USER: Self = Self(2);

    /// Nothing comes when there is nothing to say: no keepalives, and silence means nothing. Announced by transports that are no network
    /// (`peote_net::offline`), not by relays.
    pub const NO_KEEPALIVES: Self = Self(0x80);

    /// First of a keepalive's two last bytes, if it announces capabilities.
    const MARK: u8 = 0x50;

    /// What the two last bytes of a keepalive announce, if they announce anything.
    #[must_use]
    pub const fn from_keepalive(last: [u8; 2]) -> Option<Self> {
        match last {
            [Self::MARK, bits] => Some(Self(bits)),
            _ => None,
        }
    }

    /// Whether all of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One unit from a relay, or the part of it that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unit<'a> {
    /// A command was carried out.
    Success {
        /// The command's tag, 1..=255.
        tag: u8,
        /// The number of the channel that was created or entered.
        channel: u8,
    },
    /// A command was refused.
    Refused {
        /// The command's tag, 1..=255.
        tag: u8,
        /// Why; see [`Reason::of_create`](crate::Reason::of_create) and [`Reason::of_enter`](crate::Reason::of_enter).
        code: u8,
    },
    /// A user has entered an own channel.
    UserEntered {
        /// The own channel's number.
        channel: u8,
        /// The user's number in it.
        user: u8,
    },
    /// A user is gone from an own channel.
    UserGone {
        /// The own channel's number.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// Why; see [`Reason::of_end`](crate::Reason::of_end).
        reason: u8,
    },
    /// An entered channel is gone.
    ChannelGone {
        /// The entered channel's number.
        channel: u8,
        /// Why; see [`Reason::of_end`](crate::Reason::of_end).
        reason: u8,
    },
    /// The relay is alive.
    Keepalive {
        /// The two last bytes; see [`Capabilities::from_keepalive`].
        last: [u8; 2],
    },
    /// The server of an entered channel speaks.
    FromServer {
        /// The entered channel's number, 0..=127.
        channel: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// A user of an own channel speaks.
    FromUser {
        /// The own channel's number, 0..=127.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// Something this version gives no meaning to. It has been passed over; the stream goes on behind it.
    Unknown,
}

/// Takes a relay's byte stream apart. 12 bytes, `Copy`.
///
/// ```
/// use peote_net::protocol::to_endpoint::{Decoder, Unit};
/// let mut decoder = Decoder::new();
/// assert_eq!(decoder.decode(&[0, 4, 0, 0]), None); // an event, its end is yet to come
/// assert_eq!(decoder.decode(&[7, 9]), Some((2, Unit::UserEntered { channel: 7, user: 9 })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decoder {
    next: Next,
    /// The current unit is an answer or an event, or has no meaning.
    control: bool,
    /// Bytes behind the head of the current unit.
    total: u16,
    /// Those of them that have not come yet. While the head comes: the size so far.
    left: u16,
    /// Channel and user; or the bytes of an answer or event that mean something.
    bytes: [u8; CONTROL],
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)] // so that a new decoder is all zero, and a link in a `static` lies in .bss
enum Next {
    /// The first of a unit.
    First,
    /// The second one of a size.
    Size,
    Channel,
    User,
    /// Data.
    Payload,
    /// The length of an answer or event.
    ControlLength,
    /// A byte of an answer or event.
    Control,
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
        Self { next: Next::First, control: false, total: 0, left: 0, bytes: [0; CONTROL] }
    }

    /// Whether the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        matches!(self.next, Next::First)
    }

    /// The next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no sense
    /// is [`Unit::Unknown`], and the stream goes on behind it.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        let (used, len) = self.advance(input)?;
        let Some((channel, user)) = self.data_of() else {
            return Some((used, self.control()));
        };
        let bytes = input.get(used.wrapping_sub(len)..used).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "at most `total`, a u16")]
        let offset = self.total.wrapping_sub(self.left).wrapping_sub(len as u16);
        let payload = Fragment { bytes, offset, total: self.total };
        let unit = match user {
            None => Unit::FromServer { channel, payload },
            Some(user) => Unit::FromUser { channel, user, payload },
        };
        Some((used, unit))
    }

    /// The channel and the user of the data that was found last; `None` if it is an answer or an event.
    #[inline]
    pub(crate) const fn data_of(&self) -> Option<(u8, Option<u8>)> {
        let [channel, user, ..] = self.bytes;
        match channel & OWN {
            _ if self.control => None,
            0 => Some((channel, None)),
            _ => Some((channel & !OWN, Some(user))),
        }
    }

    /// What the answer or event says that was found last. Bytes behind those that have a meaning are ignored.
    pub(crate) const fn control(&self) -> Unit<'static> {
        match (self.bytes, self.total) {
            ([tag @ (1..), 0, channel, ..], 3..) => Unit::Success { tag, channel },
            ([tag @ (1..), 1, code, ..], 3..) => Unit::Refused { tag, code },
            ([0, 0, channel, user, _], 4..) => Unit::UserEntered { channel, user },
            ([0, 1, channel, user, reason], 5..) => Unit::UserGone { channel, user, reason },
            ([0, 2, channel, reason, _], 4..) => Unit::ChannelGone { channel, reason },
            ([0, 255, a, b, _], 2..) => Unit::Keepalive { last: [a, b] },
            _ => Unit::Unknown,
        }
    }

    /// Goes on to the next unit, or piece of one: how many bytes of `input` were used up to its end, and how many of those, at the end,
    /// are data. `None`: more is needed.
    #[cfg_attr(target_os = "none", inline)]
    #[cfg_attr(not(target_os = "none"), inline(always))] // as a call, it makes receiving slower
    pub(crate) fn advance(&mut self, input: &[u8]) -> Option<(usize, usize)> {
        let mut used = 0usize;
        while self.next != Next::Payload {
            let &byte = input.get(used)?;
            used = used.wrapping_add(1);
            if self.byte(byte) {
                return Some((used, 0));
            }
        }
        let len = input.len().wrapping_sub(used).min(self.left.into());
        if len == 0 && self.left > 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u16")]
        let count = len as u16;
        self.left = self.left.wrapping_sub(count);
        if self.left == 0 {
            self.next = Next::First;
        }
        Some((used.wrapping_add(len), len))
    }

    /// Takes in one byte that is not data. Whether it completes a unit.
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))] // inlined, it takes more code
    fn byte(&mut self, byte: u8) -> bool {
        let value = u16::from(byte);
        match self.next {
            Next::First => {
                self.control = byte == 0;
                (self.next, self.left) = match byte {
                    0 => (Next::ControlLength, 0),
                    1..128 => (Next::Channel, value),
                    _ => (Next::Size, (value & 127) << 8),
                };
                false
            }
            Next::Size => {
                self.left |= value;
                // `80 00` is nothing at all
                self.next = if self.left == 0 { Next::First } else { Next::Channel };
                false
            }
            Next::Channel | Next::User | Next::Payload => {
                self.left = self.left.wrapping_sub(1);
                self.total = self.left;
                let names_user = self.next == Next::Channel && byte & OWN != 0;
                let [channel, user, ..] = &mut self.bytes;
                *(if self.next == Next::Channel { channel } else { user }) = byte;
                self.next = if names_user { Next::User } else { Next::Payload };
                // a unit that ends before it names the user has no meaning
                self.control = names_user && self.left == 0;
                if self.control {
                    self.next = Next::First;
                }
                self.control
            }
            Next::ControlLength => {
                self.bytes = [0; CONTROL];
                self.total = value;
                self.left = value;
                self.next = if value == 0 { Next::First } else { Next::Control };
                value == 0
            }
            Next::Control => {
                let at = usize::from(self.total.wrapping_sub(self.left));
                self.left = self.left.wrapping_sub(1);
                if self.left == 0 {
                    self.next = Next::First;
                }
                // what comes behind the bytes that mean something is passed over
                let Some(place) = self.bytes.get_mut(at) else { return false };
                *place = byte;
                self.left == 0 || at.wrapping_add(1) == CONTROL
            }
        }
    }
}

/// The bytes in front of `payload` bytes of data for a user, in its entered channel `channel`.
///
/// `payload` is 1..=[`MAX_UNIT_PAYLOAD`](super::MAX_UNIT_PAYLOAD).
#[inline]
#[must_use]
pub const fn data_for_user(channel: u8, payload: usize) -> Header {
    Header::data(channel & !OWN, None, payload)
}

/// The bytes in front of `payload` bytes of data from `user` for the server of own channel `channel`; `payload` as for [`data_for_user`].
#[inline]
#[must_use]
pub const fn data_for_server(channel: u8, user: u8, payload: usize) -> Header {
    Header::data(channel | OWN, Some(user), payload)
}

/// The answer to a command that was carried out.
#[must_use]
pub const fn success(tag: u8, channel: u8) -> [u8; 5] {
    [0, 3, tag, 0, channel]
}

/// The answer to a command that was refused.
#[must_use]
pub const fn refused(tag: u8, code: u8) -> [u8; 5] {
    [0, 3, tag, 1, code]
}

/// "User `user` has entered your channel `channel`."
#[must_use]
pub const fn user_entered(channel: u8, user: u8) -> [u8; 6] {
    [0, 4, 0, 0, channel, user]
}

/// "User `user` is gone from your channel `channel`."
#[must_use]
pub const fn user_gone(channel: u8, user: u8, reason: u8) -> [u8; 7] {
    [0, 5, 0, 1, channel, user, reason]
}

/// "Channel `channel`, which you had entered, is gone."
#[must_use]
pub const fn channel_gone(channel: u8, reason: u8) -> [u8; 6] {
    [0, 4, 0, 2, channel, reason]
}

/// "I am alive."
#[must_use]
pub const fn keepalive() -> [u8; 6] {
    [0, 4, 0, 255, 0, 0]
}

/// "I am alive, and these are my capabilities."
#[must_use]
pub const fn announcement(capabilities: Capabilities) -> [u8; 6] {
    [0, 4, 0, 255, Capabilities::MARK, capabilities.0]
}
