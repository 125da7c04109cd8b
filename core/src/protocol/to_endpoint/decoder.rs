//! Takes apart what a relay says.

use super::{OWN, TAKES_PART, Unit};
use crate::protocol::Fragment;
use crate::protocol::decode::{DataHead, data_head};

/// Bytes of an answer or event of the original protocol that mean something; the longest is "user
/// gone".
const ORIGINAL: usize = 5;

/// Bytes in front of the tail of an answer or event; the longest is "raised".
const CONTROL: usize = if cfg!(feature = "flow") { 12 } else { ORIGINAL };

/// Takes a relay's byte stream apart. 12 bytes, 18 with feature `flow`; `Copy`.
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
    /// The tail of an answer or event: words or items.
    Tail,
    /// What stands behind all that means something in an answer or event.
    Rest,
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
    /// An answer or an event of which [`Decoder::left`] bytes of words or items follow.
    Tail,
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

    /// Returns the next unit or piece of a unit, and how many bytes of `input` were used up to its
    /// end.
    ///
    /// `None` means that all of `input` was used and more is needed. Does not fail: what makes no
    /// sense is [`Unit::Unknown`], and the stream goes on behind it.
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
            return Some((used, self.control(Fragment::EMPTY)));
        }
        let rest = input.get(used..)?;
        let bytes = rest.get(..self.left()).unwrap_or(rest);
        if bytes.is_empty() && self.left() > 0 {
            return None;
        }
        let is_tail = self.is_in_tail();
        let payload = Fragment { bytes, offset: self.total.wrapping_sub(self.left), total: self.total };
        self.skip(bytes.len());
        if is_tail {
            return Some((used.wrapping_add(bytes.len()), self.control(payload)));
        }
        let (channel, user) = self.party();
        let unit = match channel & OWN {
            0 => Unit::FromServer { channel, payload },
            _ => Unit::FromUser { channel: channel & !OWN, user, payload },
        };
        Some((used.wrapping_add(bytes.len()), unit))
    }

    /// Returns what the answer or event says that has just come, with that piece of its words or
    /// items. Bytes behind those with a meaning are ignored.
    #[inline]
    pub(crate) const fn control<'a>(&self, tail: Fragment<'a>) -> Unit<'a> {
        let [first, second, channel, user, fifth, ..] = self.bytes;
        match (first, second, self.len) {
            (0, 0, 4..) => Unit::UserEntered { channel, user },
            (0, 1, 5..) => Unit::UserGone { channel, user, reason: fifth },
            (0, 2, 4..) => Unit::ChannelGone { channel, reason: user },
            (0, 255, 2..) => Unit::Keepalive { last: [channel, user] },
            (1.., 0, 8..) if cfg!(feature = "flow") => {
                Unit::Entered { tag: first, channel, user, window: self.number(4) }
            }
            (1.., 0, 3..) => Unit::Success { tag: first, channel },
            (1.., 1, 3..) => Unit::Refused { tag: first, code: channel, words: tail },
            _ if cfg!(feature = "flow") => self.event_of_flow(tail),
            _ => Unit::Unknown,
        }
    }

    /// The same for the events that only an endpoint gets that has said hello.
    const fn event_of_flow<'a>(&self, tail: Fragment<'a>) -> Unit<'a> {
        let [first, kind, channel, user, ticket, ..] = self.bytes;
        if first != 0 {
            return Unit::Unknown;
        }
        let own = channel & OWN != 0;
        match (kind, self.len) {
            (3, 2..) => Unit::Hello { items: tail },
            (4, 10..) => {
                let takes_part = self.flags() & TAKES_PART != 0;
                Unit::Knock { channel, user, ticket, takes_part, window: self.number(6), words: tail }
            }
            (5, 8..) if own => Unit::GrantFromUser { channel: channel & !OWN, user, bytes: self.number(4) },
            (5, 7..) if !own => Unit::GrantFromServer { channel, bytes: self.number(3) },
            (6, 12..) => {
                let (send, receive) = (self.number(4), self.number(8));
                Unit::Raised { own, channel: channel & !OWN, user, send, receive }
            }
            _ => Unit::Unknown,
        }
    }

    /// Returns the flags of a knock.
    const fn flags(&self) -> u8 {
        match self.bytes.split_at_checked(5) {
            Some((_, [flags, ..])) => *flags,
            _ => 0,
        }
    }

    /// Returns the number at that place of the answer or event.
    const fn number(&self, at: usize) -> u32 {
        match self.bytes.split_at_checked(at) {
            Some((_, [a, b, c, d, ..])) => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0,
        }
    }

    /// Returns how many bytes of an answer or event there have to be before it counts, and whether
    /// those behind them are its tail. That is known with its second byte.
    const fn fixed(&self) -> (usize, bool) {
        let [first, second, ..] = self.bytes;
        if !cfg!(feature = "flow") {
            return (ORIGINAL, false);
        }
        match (first, second) {
            _ if self.len < 2 => (CONTROL, false),
            (1.., 1) => (3, true),
            (0, 3) => (2, true),
            (0, 4) => (10, true),
            (1.., 0) | (0, 5) => (8, false),
            (0, 6) => (12, false),
            _ => (ORIGINAL, false),
        }
    }

    /// Returns true if [`Decoder::left`] bytes of an answer's or event's words or items come next,
    /// and not data.
    #[inline]
    pub(crate) const fn is_in_tail(&self) -> bool {
        cfg!(feature = "flow") && matches!(self.next, Next::Tail)
    }

    /// Returns whose data has come last: the channel byte and, for an own channel, the user.
    #[inline]
    pub(crate) const fn party(&self) -> (u8, u8) {
        let [channel, user, ..] = self.bytes;
        (channel, user)
    }

    /// Returns how many bytes of data, or of a tail, come next; 0 if a head does.
    #[inline]
    pub(crate) const fn left(&self) -> usize {
        if matches!(self.next, Next::Payload) || self.is_in_tail() { self.left as usize } else { 0 }
    }

    /// Goes past `count` bytes of data or of a tail, at most [`Decoder::left`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u16")]
    pub(crate) const fn skip(&mut self, count: usize) {
        self.left = self.left.wrapping_sub(count as u16);
        if self.left == 0 {
            self.next = Next::First;
        }
    }

    /// Takes in bytes of a head from the front of `input`, which is not empty. Returns how many,
    /// and what they amount to.
    #[inline]
    pub(crate) fn head(&mut self, input: &[u8]) -> (usize, Head) {
        // whole heads of data at once: most are, and it is faster than byte by byte
        if cfg!(feature = "speed") && self.is_between_units() {
            let [to_channel, to_user, ..] = &mut self.bytes;
            // those of short units from users are looked for first
            if let [size @ 2..128, channel @ OWN..=255, user, ..] = *input {
                (*to_channel, *to_user) = (channel, user);
                self.left = u16::from(size).wrapping_sub(2);
                return (3, self.payload());
            }
            if let DataHead::Data { len, channel, user, payload } = data_head(input, |c| c & OWN != 0)
                && input.first() != Some(&0)
            {
                (*to_channel, *to_user) = (channel, user);
                self.left = payload;
                return (len, self.payload());
            }
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
            Next::User | Next::Payload | Next::Tail => {
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
            Next::Control => return self.control_byte(byte),
            Next::Rest => {
                self.left = self.left.wrapping_sub(1);
                if self.left == 0 {
                    self.next = Next::First;
                }
            }
        }
        Head::Cut
    }

    /// Takes in one byte of an answer or event.
    fn control_byte(&mut self, byte: u8) -> Head {
        self.left = self.left.wrapping_sub(1);
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len = self.len.wrapping_add(1);
        }
        let (fixed, has_tail) = self.fixed();
        if self.left == 0 {
            self.next = Next::First;
            return Head::Control;
        }
        if usize::from(self.len) < fixed {
            return Head::Cut;
        }
        self.total = self.left;
        self.next = if has_tail { Next::Tail } else { Next::Rest };
        if has_tail { Head::Tail } else { Head::Control }
    }

    const fn without_meaning(&mut self) -> Head {
        self.next = Next::First;
        self.len = 0;
        Head::Control
    }
}
