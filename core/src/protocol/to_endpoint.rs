//! Relay to endpoint: answers, events, data (`docs/PROTOCOL.md`, "Relay to endpoint").

use super::decode::{DataHead, data_head};
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
    /// Bytes of an answer or event that are in `bytes`.
    len: u8,
    /// Channel and user; or the bytes of an answer or event that mean something.
    bytes: [u8; CONTROL],
    /// Bytes of the payload of the current unit.
    total: u16,
    /// Bytes of the current unit that have not come. While the size comes: the size so far.
    left: u16,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)] // a new decoder is all zero, so a link in a `static` lies in .bss
enum Next {
    /// The first of a unit.
    First,
    /// The second one of a size.
    Size,
    Channel,
    User,
    /// The length of an answer or event.
    ControlLength,
    /// A byte of an answer or event.
    Control,
    /// Data.
    Payload,
}

/// What bytes of a unit's head amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Nothing yet.
    Cut,
    /// An answer or an event, or something without meaning: [`Decoder::control`].
    Control,
    /// [`Decoder::left`] bytes of data follow, of [`Decoder::party`].
    Data,
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
        Self { next: Next::First, len: 0, total: 0, left: 0, bytes: [0; CONTROL] }
    }

    /// Returns true if the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        matches!(self.next, Next::First)
    }

    /// Returns the next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no sense
    /// is [`Unit::Unknown`], and the stream goes on behind it.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        let mut used = 0usize;
        let mut head = Head::Cut;
        while self.left() == 0 && head == Head::Cut {
            let count;
            (count, head) = self.head(input.get(used..).filter(|rest| !rest.is_empty())?);
            used = used.wrapping_add(count);
        }
        if head == Head::Control {
            return Some((used, self.control()));
        }
        let rest = input.get(used..)?;
        let bytes = rest.get(..self.left()).unwrap_or(rest);
        if bytes.is_empty() && self.left() > 0 {
            return None;
        }
        let payload = Fragment { bytes, offset: self.total.wrapping_sub(self.left), total: self.total };
        self.skip(bytes.len());
        let (channel, user) = self.party();
        let unit = match channel & OWN {
            0 => Unit::FromServer { channel, payload },
            _ => Unit::FromUser { channel: channel & !OWN, user, payload },
        };
        Some((used.wrapping_add(bytes.len()), unit))
    }

    /// Returns what the answer or event says that has just come. Bytes behind those with a meaning are ignored.
    #[inline]
    pub(crate) const fn control(&self) -> Unit<'static> {
        match (self.bytes, self.len) {
            ([0, 0, channel, user, _], 4..) => Unit::UserEntered { channel, user },
            ([0, 1, channel, user, reason], 5..) => Unit::UserGone { channel, user, reason },
            ([0, 2, channel, reason, _], 4..) => Unit::ChannelGone { channel, reason },
            ([0, 255, a, b, _], 2..) => Unit::Keepalive { last: [a, b] },
            ([tag @ (1..), 0, channel, ..], 3..) => Unit::Success { tag, channel },
            ([tag @ (1..), 1, code, ..], 3..) => Unit::Refused { tag, code },
            _ => Unit::Unknown,
        }
    }

    /// Returns whose data has come last: the channel byte and, for an own channel, the user.
    #[inline]
    pub(crate) const fn party(&self) -> (u8, u8) {
        let [channel, user, ..] = self.bytes;
        (channel, user)
    }

    /// Returns how many bytes of data come next; 0 if a head does.
    #[inline]
    pub(crate) const fn left(&self) -> usize {
        if matches!(self.next, Next::Payload) { self.left as usize } else { 0 }
    }

    /// Goes past `count` bytes of data, at most [`Decoder::left`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u16")]
    pub(crate) const fn skip(&mut self, count: usize) {
        self.left = self.left.wrapping_sub(count as u16);
        if self.left == 0 {
            self.next = Next::First;
        }
    }

    /// Takes in bytes of a head from the front of `input`, which is not empty. Returns how many, and what they
    /// amount to.
    #[inline]
    pub(crate) fn head(&mut self, input: &[u8]) -> (usize, Head) {
        // whole heads of data at once: most are, and it is faster than byte by byte
        if cfg!(feature = "speed")
            && self.is_between_units()
            && let DataHead::Data { len, channel, user, payload } = data_head(input, |c| c & OWN != 0)
            && input.first() != Some(&0)
        {
            let [to_channel, to_user, ..] = &mut self.bytes;
            (*to_channel, *to_user) = (channel, user);
            self.left = payload;
            return (len, self.payload());
        }
        (1, input.first().map_or(Head::Cut, |&byte| self.byte(byte)))
    }

    fn payload(&mut self) -> Head {
        self.total = self.left;
        self.next = if self.left == 0 { Next::First } else { Next::Payload };
        Head::Data
    }

    /// Takes in one byte of a head.
    #[inline(never)]
    fn byte(&mut self, byte: u8) -> Head {
        let value = u16::from(byte);
        let [channel, user, ..] = &mut self.bytes;
        match self.next {
            Next::First => {
                (self.next, self.left) = match byte {
                    0 => (Next::ControlLength, 0),
                    1..128 => (Next::Channel, value),
                    _ => (Next::Size, (value & 127) << 8),
                };
            }
            Next::Size => {
                self.left |= value;
                // `80 00` is nothing at all
                self.next = if self.left == 0 { Next::First } else { Next::Channel };
            }
            Next::Channel => {
                *channel = byte;
                self.left = self.left.wrapping_sub(1);
                if byte & OWN == 0 {
                    return self.payload();
                }
                self.next = Next::User;
                // a unit that ends before it names the user has no meaning
                if self.left == 0 {
                    return self.without_meaning();
                }
            }
            Next::User | Next::Payload => {
                *user = byte;
                self.left = self.left.wrapping_sub(1);
                return self.payload();
            }
            Next::ControlLength => {
                self.bytes = [0; CONTROL];
                self.len = 0;
                self.left = value;
                self.next = Next::Control;
                if byte == 0 {
                    return self.without_meaning();
                }
            }
            Next::Control => {
                self.left = self.left.wrapping_sub(1);
                if self.left == 0 {
                    self.next = Next::First;
                }
                // what comes behind the bytes that mean something is passed over
                let Some(place) = self.bytes.get_mut(usize::from(self.len)) else { return Head::Cut };
                *place = byte;
                self.len = self.len.wrapping_add(1);
                if self.left == 0 || usize::from(self.len) == CONTROL {
                    return Head::Control;
                }
            }
        }
        Head::Cut
    }

    const fn without_meaning(&mut self) -> Head {
        self.next = Next::First;
        self.len = 0;
        Head::Control
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
