//! The size field of data units, and the few bytes in front of a payload.

use super::MAX_UNIT;

/// The bytes in front of a payload: broadcast prefix, size, channel, user. At most 6.
///
/// ```
/// use peote_net::protocol::to_relay;
/// assert_eq!(to_relay::data_from_user(3, 2).as_bytes(), [3, 3]); // size 3 = channel byte + 2, channel 3
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Header {
    /// The greatest length of a header in bytes.
    pub const MAX: usize = 6;

    /// `size, channel`, and the user where there is one. The size counts everything behind itself.
    pub(super) const fn data(channel: u8, user: Option<u8>, payload: usize) -> Self {
        Self::new(false, channel, user, payload)
    }

    /// The same behind a broadcast prefix.
    pub(super) const fn broadcast(channel: u8, excluded: Option<u8>, payload: usize) -> Self {
        Self::new(true, channel, excluded, payload)
    }

    /// A broadcast that passes over the users that are left out.
    pub(super) const fn to_ready(channel: u8, excluded: Option<u8>, payload: usize) -> Self {
        let mut header = Self::new(true, channel, excluded, payload);
        // mode 1 becomes 2, and mode 0 becomes 3
        let [_, mode, ..] = &mut header.bytes;
        *mode ^= 3;
        header
    }

    /// Both. `channel` is as the wire carries it.
    #[expect(clippy::cast_possible_truncation, reason = "masked or shifted into a byte")]
    #[inline]
    pub(crate) const fn new(broadcast: bool, channel: u8, user: Option<u8>, payload: usize) -> Self {
        if cfg!(target_pointer_width = "64") {
            return Self::in_one_word(broadcast, channel, user, payload);
        }
        let (names, user, mode) = match user {
            Some(user) => (2u8, user, 0),
            None => (1, 0, 1),
        };
        let size = payload.saturating_add(names as usize);
        debug_assert!(size <= MAX_UNIT, "a unit's payload is too long for its size field");
        let (high, low) = (128 | (size >> 8) as u8, size as u8);
        // what lies behind the end is of no meaning
        let (bytes, len) = match (broadcast, size < 128) {
            (false, true) => ([low, channel, user, 0, 0, 0], 1u8),
            (false, false) => ([high, low, channel, user, 0, 0], 2),
            (true, true) => ([1, mode, low, channel, user, 0], 3),
            (true, false) => ([1, mode, high, low, channel, user], 4),
        };
        Self { bytes, len: len.wrapping_add(names) }
    }

    /// The same, faster where a word has 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "masked or shifted into a byte")]
    #[inline]
    const fn in_one_word(broadcast: bool, channel: u8, user: Option<u8>, payload: usize) -> Self {
        // put together from the back: the first byte is the lowest of `bytes`
        let (names, mut bytes) = match user {
            Some(user) => (2u8, (user as u64) << 8 | channel as u64),
            None => (1, channel as u64),
        };
        let size = payload.saturating_add(names as usize);
        debug_assert!(size <= MAX_UNIT, "a unit's payload is too long for its size field");
        bytes = bytes << 8 | (size as u8) as u64;
        let mut len = names.wrapping_add(1);
        if size >= 128 {
            bytes = bytes << 8 | (128 | (size >> 8) as u8) as u64;
            len = len.wrapping_add(1);
        }
        if broadcast {
            let mode = if user.is_some() { 0 } else { 1 };
            bytes = bytes << 16 | mode << 8 | 1;
            len = len.wrapping_add(2);
        }
        let [a, b, c, d, e, f, ..] = bytes.to_le_bytes();
        Self { bytes: [a, b, c, d, e, f], len }
    }

    /// The header's bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// Returns the bytes as a number, the first one lowest.
    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        let [a, b, c, d, e, f] = self.bytes;
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }

    /// Returns the header's length in bits, at most 48.
    #[inline]
    pub(crate) const fn bits(self) -> u8 {
        self.len.wrapping_mul(8)
    }

    /// The header's length in bytes.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the header has no bytes. Headers made by this crate have at least two.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}
