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
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked or shifted into a byte")]
    pub(super) const fn data(channel: u8, user: Option<u8>, payload: usize) -> Self {
        let size = payload.saturating_add(if user.is_some() { 2 } else { 1 });
        debug_assert!(size <= MAX_UNIT, "a unit's payload is too long for its size field");
        let (high, low) = (128 | (size >> 8) as u8, size as u8);
        match (size < 128, user) {
            (true, None) => Self { bytes: [low, channel, 0, 0, 0, 0], len: 2 },
            (true, Some(user)) => Self { bytes: [low, channel, user, 0, 0, 0], len: 3 },
            (false, None) => Self { bytes: [high, low, channel, 0, 0, 0], len: 3 },
            (false, Some(user)) => Self { bytes: [high, low, channel, user, 0, 0], len: 4 },
        }
    }

    /// The same behind a broadcast prefix.
    #[inline]
    pub(super) const fn broadcast(channel: u8, excluded: Option<u8>, payload: usize) -> Self {
        let mode = if excluded.is_some() { 0 } else { 1 };
        let Self { bytes: [a, b, c, d, ..], len } = Self::data(channel, excluded, payload);
        Self { bytes: [1, mode, a, b, c, d], len: len.saturating_add(2) }
    }

    /// The header's bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// The header's length in bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the header has no bytes. Headers made by this crate have at least two.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}
