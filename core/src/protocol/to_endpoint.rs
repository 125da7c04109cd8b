//! Relay to endpoint: answers, events, data (`docs/PROTOCOL.md`, "Relay to endpoint").

use super::decode::{DataHead, Head, Progress, data_head};
use super::{Fragment, Header};
use crate::bytes::copy_to;

/// Bit of the channel byte that says "your own channel", as opposed to one that was entered.
const OWN: u8 = 128;

/// Bytes of an answer or event that mean something; the longest is "user gone".
const CONTROL: usize = CONTROL_BYTES as usize;
const CONTROL_BYTES: u8 = 5;

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

/// What a unit is, apart from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)] // so that a new decoder is all zero, and a link in a `static` lies in .bss
enum Kind {
    /// An answer or event: its first bytes, and how many there are in all.
    Control {
        bytes: [u8; CONTROL],
        total: u8,
    },
    FromServer {
        channel: u8,
    },
    FromUser {
        channel: u8,
        user: u8,
    },
    Unknown,
}

impl Kind {
    #[inline]
    fn unit(self, payload: Fragment<'_>) -> Unit<'_> {
        match self {
            Self::Control { bytes, total } => control_unit(bytes, total),
            Self::FromServer { channel } => Unit::FromServer { channel, payload },
            Self::FromUser { channel, user } => Unit::FromUser { channel, user, payload },
            Self::Unknown => Unit::Unknown,
        }
    }
}

/// Finds out what the first bytes of a unit are.
#[inline]
fn parse(bytes: &[u8]) -> Head<Kind> {
    match *bytes {
        [] => Head::Cut,
        [0, ref control @ ..] => parse_control(control),
        _ => match data_head(bytes, |channel| channel & OWN != 0) {
            DataHead::Cut => Head::Cut,
            DataHead::Nothing { len } => Head::Nothing { len },
            DataHead::MissingUser { len, .. } => Head::Unit { len, kind: Kind::Unknown, payload: 0 },
            DataHead::Data { len, channel, user, payload } => {
                let kind = if channel & OWN == 0 {
                    Kind::FromServer { channel }
                } else {
                    Kind::FromUser { channel: channel & !OWN, user }
                };
                Head::Unit { len, kind, payload }
            }
        },
    }
}

/// An answer or event behind its first byte, 0.
fn parse_control(control: &[u8]) -> Head<Kind> {
    let Some((&total, behind)) = control.split_first() else { return Head::Cut };
    let known = usize::from(total).min(CONTROL);
    let Some(behind) = behind.get(..known) else { return Head::Cut };
    let mut bytes = [0; CONTROL];
    copy_to(&mut bytes, 0, behind);
    Head::Unit { len: known.wrapping_add(2), kind: Kind::Control { bytes, total }, payload: 0 }
}

/// Takes a relay's byte stream apart. 22 bytes, `Copy`.
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
    progress: Progress<Kind>,
    /// Bytes to be passed over: what an answer or event has behind those that mean something.
    skip: u8,
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
        Self { progress: Progress::new(Kind::Control { bytes: [0; CONTROL], total: 0 }), skip: 0 }
    }

    /// Whether the stream stands between two units.
    #[must_use]
    pub const fn is_between_units(&self) -> bool {
        self.progress.is_between_units() && self.skip == 0
    }

    /// The next unit or piece of a unit, and how many bytes of `input` were used up to its end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no sense
    /// is [`Unit::Unknown`], and the stream goes on behind it.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Unit<'a>)> {
        let passed_over = usize::from(self.skip).min(input.len());
        if passed_over > 0 {
            #[expect(clippy::cast_possible_truncation, reason = "at most `skip`, a u8")]
            let count = passed_over as u8;
            self.skip = self.skip.wrapping_sub(count);
        }
        let (used, kind, payload) = self.progress.next(input.get(passed_over..)?, parse)?;
        if let Kind::Control { total, .. } = kind {
            self.skip = total.saturating_sub(CONTROL_BYTES);
        }
        Some((passed_over.wrapping_add(used), kind.unit(payload)))
    }
}

/// What a whole answer or event says. Bytes behind those that have a meaning are ignored.
fn control_unit(bytes: [u8; CONTROL], total: u8) -> Unit<'static> {
    match (bytes, total) {
        ([tag @ (1..), 0, channel, ..], 3..) => Unit::Success { tag, channel },
        ([tag @ (1..), 1, code, ..], 3..) => Unit::Refused { tag, code },
        ([0, 0, channel, user, _], 4..) => Unit::UserEntered { channel, user },
        ([0, 1, channel, user, reason], 5..) => Unit::UserGone { channel, user, reason },
        ([0, 2, channel, reason, _], 4..) => Unit::ChannelGone { channel, reason },
        ([0, 255, a, b, _], 2..) => Unit::Keepalive { last: [a, b] },
        _ => Unit::Unknown,
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
