//! How long chunks may be, and how a length is coded.

/// A channel's maximum chunk size, and the number of length bytes that goes with it.
///
/// Both ends of a channel have to agree on the number of length bytes. It follows from the maximum,
/// so that two ends with the same maximum agree; an end that accepts less than its peers use names
/// their maximum as well ([`ChunkLimit::among`]).
///
/// ```
/// use peote_net::chunk::ChunkLimit;
/// assert_eq!(ChunkLimit::new(256).length_bytes(), 1);
/// assert_eq!(ChunkLimit::new(257).length_bytes(), 2);
/// // a small receiver among peers that use the default of 32 KiB
/// let small = ChunkLimit::new(200).among(32_768);
/// assert_eq!((small.max(), small.length_bytes()), (200, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChunkLimit {
    max: u32,
    length_bytes: u8,
    /// Whether chunks are remote procedure calls, where a link keeps what a channel is like.
    #[cfg(feature = "rpc")]
    is_rpc: bool,
}

/// The bytes of a coded length, 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EncodedLength {
    bytes: [u8; EncodedLength::MAX],
    len: u8,
}

impl EncodedLength {
    /// The greatest number of length bytes.
    pub const MAX: usize = 5;

    /// No length field at all.
    pub(crate) const NONE: Self = Self { bytes: [0; Self::MAX], len: 0 };

    /// Returns the bytes as a number, the first one lowest.
    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        let [a, b, c, d, e] = self.bytes;
        u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }

    /// The bytes in front of a chunk.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
}

impl Default for ChunkLimit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ChunkLimit {
    /// The greatest maximum there is: 2,147,483,647 bytes.
    pub const GREATEST: u32 = 0x7fff_ffff;

    /// 32,768 bytes, two length bytes: what existing peers use unless told otherwise.
    pub const DEFAULT: Self = Self::new(32_768);

    /// No chunks at all: raw data. All zero.
    pub(crate) const NONE: Self = Self::with(0, 0);

    /// Chunks of 1 to `max` bytes; `max` is 1..=[`ChunkLimit::GREATEST`].
    ///
    /// Other values make a limit that is not [valid](ChunkLimit::is_valid): no length can be coded
    /// under it, and creating or entering a channel with it is an error.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        let length_bytes = match max {
            1..=256 => 1,
            257..=32_768 => 2,
            32_769..=4_194_304 => 3,
            4_194_305..=536_870_912 => 4,
            536_870_913..=Self::GREATEST => 5,
            _ => 0,
        };
        Self::with(max, length_bytes)
    }

    const fn with(max: u32, length_bytes: u8) -> Self {
        Self {
            max,
            length_bytes,
            #[cfg(feature = "rpc")]
            is_rpc: false,
        }
    }

    /// Returns the limit of a channel of remote procedure calls.
    #[cfg(feature = "rpc")]
    pub(crate) const fn for_rpc(self) -> Self {
        Self { is_rpc: true, ..self }
    }

    #[cfg(feature = "rpc")]
    #[inline]
    pub(crate) const fn is_rpc(self) -> bool {
        self.is_rpc
    }

    /// Returns true for [`NONE`](Self::NONE).
    #[inline]
    pub(crate) const fn is_none(self) -> bool {
        self.length_bytes == 0
    }

    /// The same maximum with as many length bytes as peers use whose maximum is `peers_max`.
    ///
    /// `peers_max` below this limit's own maximum makes a limit that is not valid.
    #[must_use]
    pub const fn among(self, peers_max: u32) -> Self {
        let peers = Self::new(peers_max);
        let length_bytes = if peers_max < self.max { 0 } else { peers.length_bytes };
        Self { length_bytes, ..self }
    }

    /// Returns the limit of a receiver that has room for `room` bytes only.
    pub(crate) fn up_to(self, room: usize) -> Self {
        let max = u32::try_from(room).map_or(self.max, |room| self.max.min(room));
        Self { max, ..self }
    }

    /// Whether lengths can be coded under this limit.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.max >= 1 && self.length_bytes >= 1
    }

    /// The greatest length of a chunk in bytes.
    #[must_use]
    pub const fn max(self) -> u32 {
        self.max
    }

    /// The greatest number of bytes a length field takes, 1 to 5; 0 if the limit is not valid.
    #[must_use]
    pub const fn length_bytes(self) -> u8 {
        self.length_bytes
    }

    /// The length field of a chunk of `len` bytes; `None` if `len` is 0 or above the maximum.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven bits at a time; the last byte holds what is left, at most 8 bits"
    )]
    #[inline]
    pub fn encode_length(self, len: usize) -> Option<EncodedLength> {
        let len = u32::try_from(len).ok().filter(|&len| len <= self.max && self.is_valid())?;
        let code = len.checked_sub(1)?;
        if code < 128 || self.length_bytes == 1 {
            return Some(EncodedLength { bytes: [code as u8, 0, 0, 0, 0], len: 1 });
        }
        let (first, code) = (128 | code as u8, code >> 7);
        if code < 128 || self.length_bytes == 2 {
            return Some(EncodedLength { bytes: [first, code as u8, 0, 0, 0], len: 2 });
        }
        #[cfg(not(feature = "large-chunks"))]
        return None; // a limit of three bytes, which no channel has
        #[cfg(feature = "large-chunks")]
        return self.encode_large(first, code);
    }

    /// The same for a length of more than two bytes: the first one, and the code without it.
    #[cfg(feature = "large-chunks")]
    #[expect(clippy::cast_possible_truncation, reason = "as above")]
    #[cold]
    fn encode_large(self, first: u8, mut code: u32) -> Option<EncodedLength> {
        let mut encoded = EncodedLength { bytes: [first, 0, 0, 0, 0], len: 1 };
        for place in encoded.bytes.iter_mut().take(self.length_bytes.into()).skip(1) {
            encoded.len = encoded.len.saturating_add(1);
            if code < 128 || encoded.len == self.length_bytes {
                *place = code as u8;
                return Some(encoded);
            }
            *place = 128 | code as u8;
            code >>= 7;
        }
        None // not a valid limit
    }
}
