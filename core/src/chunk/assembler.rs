//! Finding chunks in data that arrives in any pieces.

use super::ChunkLimit;
use crate::bytes::copy_to;

/// How a peer broke the rules of chunks. Its data cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Violation {
    /// A length with more bytes than it needs.
    OverlongLength,
    /// A chunk above the channel's maximum.
    ChunkTooLarge {
        /// The length that the peer stated, in bytes; `u32::MAX` stands for greater ones as well.
        len: u32,
        /// The channel's maximum in bytes.
        max: u32,
    },
    /// More bytes than the link had granted.
    WindowExceeded,
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::WindowExceeded => f.write_str("more bytes than were granted"),
            Self::OverlongLength => f.write_str("a chunk length with more bytes than it needs"),
            Self::ChunkTooLarge { len, max } => {
                write!(f, "a chunk of {len} bytes where at most {max} are allowed")
            }
        }
    }
}

/// What a piece of data amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step {
    /// No chunk is complete yet; all input was used.
    More,
    /// A whole chunk lies in the input, at `start..end`. Nothing was copied.
    Whole {
        /// Where it starts in the input.
        start: usize,
        /// Where it ends in the input.
        end: usize,
    },
    /// A chunk that came in pieces is complete: the first `len` bytes of the slot.
    Completed {
        /// Its length in bytes.
        len: usize,
    },
    /// The peer broke the rules. From now on everything is passed over.
    Violation(Violation),
}

/// The receiving state of one direction of one channel. 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Assembler {
    /// The length of the current chunk; 0 while its length field comes.
    len: u32,
    /// Bytes of the current chunk that are in the slot. While its length field comes: the code so
    /// far.
    done: u32,
    /// Bytes of the length field that have come; [`BROKEN`] or more if the peer broke the rules.
    /// Then `done` is the length that was too great, or 0 for an overlong field.
    field: u8,
}

/// More bytes than a length field has: the peer broke the rules.
const BROKEN: u8 = 252;
/// The same, and it has been told.
const BROKEN_AND_TOLD: u8 = 253;
/// The peer sent more than was granted.
const WINDOW_EXCEEDED: u8 = 254;
/// The same, and it has been told.
#[cfg(feature = "flow")]
const WINDOW_EXCEEDED_AND_TOLD: u8 = 255;

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Assembler {
    /// An assembler at the start of the data. All bytes are zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, done: 0, field: 0 }
    }

    /// Returns true if the data received so far ends with the end of a chunk.
    #[must_use]
    pub const fn is_between_chunks(&self) -> bool {
        self.len == 0 && self.field == 0
    }

    /// Looks at `input` up to the end of the first chunk in it. Returns how many bytes that took,
    /// and what they amounted to.
    ///
    /// `slot` keeps the part of a chunk that has come, between calls: hand in the same one until it
    /// is complete. A chunk that is longer than the slot counts as too large, even if the limit
    /// allows it.
    #[inline]
    pub fn feed(&mut self, limit: ChunkLimit, input: &[u8], slot: &mut [u8]) -> (usize, Step) {
        let limit = limit.up_to(slot.len());
        let start = self.take_length(limit, input);
        if self.len == 0 {
            return match self.take_violation(limit) {
                Some(violation) => (start, Step::Violation(violation)),
                None => (input.len(), Step::More),
            };
        }
        let rest = input.get(start..).unwrap_or_default();
        if let Some(len) = self.take_whole(rest) {
            let end = start.wrapping_add(len);
            return (end, Step::Whole { start, end });
        }
        let (count, len) = self.take_piece(rest, slot, 0);
        (start.wrapping_add(count), len.map_or(Step::More, |len| Step::Completed { len }))
    }

    /// Takes in the length field at the front of `input`, unless the current chunk's length is
    /// known. Returns how many bytes that took. Afterwards [`Assembler::is_in_chunk`] says whether
    /// the length is known.
    #[cfg_attr(feature = "speed", inline)]
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(crate) fn take_length(&mut self, limit: ChunkLimit, input: &[u8]) -> usize {
        // most fields are one byte
        if cfg!(feature = "speed")
            && self.len == 0
            && self.field == 0
            && let [byte @ 0..128, ..] = *input
            && u32::from(byte) < limit.max()
        {
            self.len = u32::from(byte).wrapping_add(1);
            return 1;
        }
        let mut used = 0usize;
        while self.len == 0
            && self.field < BROKEN
            && let Some(&byte) = input.get(used)
        {
            used = used.wrapping_add(1);
            self.length_byte(limit, byte);
        }
        used
    }

    /// Returns true if the length of the current chunk is known.
    #[inline]
    pub(crate) const fn is_in_chunk(&self) -> bool {
        self.len > 0
    }

    /// Returns how the peer has broken the rules, once.
    pub(crate) const fn take_violation(&mut self, limit: ChunkLimit) -> Option<Violation> {
        if cfg!(feature = "flow") && self.field == WINDOW_EXCEEDED {
            self.field = self.field.wrapping_add(1);
            return Some(Violation::WindowExceeded);
        }
        if self.field != BROKEN {
            return None;
        }
        self.field = BROKEN_AND_TOLD;
        self.violation(limit)
    }

    /// Returns how the peer has broken the rules, also if that has been told.
    pub(crate) const fn violation(&self, limit: ChunkLimit) -> Option<Violation> {
        match self.field {
            WINDOW_EXCEEDED.. => Some(Violation::WindowExceeded),
            BROKEN.. if self.done == 0 => Some(Violation::OverlongLength),
            BROKEN.. => Some(Violation::ChunkTooLarge { len: self.done, max: limit.max() }),
            _ => None,
        }
    }

    /// Takes a chunk that lies whole at the front of `input`. Returns its length.
    #[inline]
    pub(crate) fn take_whole(&mut self, input: &[u8]) -> Option<usize> {
        let len = self.len as usize;
        let is_whole = self.done == 0 && len <= input.len();
        if is_whole {
            self.len = 0;
        }
        is_whole.then_some(len)
    }

    /// Takes a piece of a chunk from the front of `input` to its slot, which begins at `at` in
    /// `memory`. Returns how many bytes that took, and the chunk's length if it is complete.
    #[inline]
    pub(crate) fn take_piece(
        &mut self,
        input: &[u8],
        memory: &mut [u8],
        at: usize,
    ) -> (usize, Option<usize>) {
        let left = self.len.wrapping_sub(self.done) as usize;
        let piece = input.get(..left).unwrap_or(input);
        copy_to(memory, at.wrapping_add(self.done as usize), piece);
        #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u32")]
        {
            self.done = self.done.wrapping_add(piece.len() as u32);
        }
        let len = self.len as usize;
        if piece.len() < left {
            return (piece.len(), None);
        }
        (self.len, self.done) = (0, 0);
        (piece.len(), Some(len))
    }

    /// Takes in one byte of a length field.
    #[inline]
    fn length_byte(&mut self, limit: ChunkLimit, byte: u8) {
        let shift = 7u32.wrapping_mul(self.field.into());
        if byte == 0 && self.field > 0 {
            (self.done, self.field) = (0, BROKEN);
        } else if byte & 128 != 0 && self.field.wrapping_add(1) < limit.length_bytes() {
            self.done |= u32::from(byte & 127).wrapping_shl(shift);
            self.field = self.field.wrapping_add(1);
        } else {
            let len = with_last_byte(self.done, byte, shift);
            if len > limit.max() {
                (self.done, self.field) = (len, BROKEN);
            } else {
                *self = Self { len, done: 0, field: 0 };
            }
        }
    }
}

/// What is kept in a slot behind a chunk that the program has not dealt with.
#[cfg(feature = "flow")]
impl Assembler {
    /// The first `len` of `stored` bytes in the slot are an event that is kept.
    pub(crate) fn keep(&mut self, len: usize, stored: usize) {
        let count = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
        *self = Self { len: count(len), done: count(stored), field: 0 };
    }

    /// Returns the length of the event that is kept, and of all that is stored; the assembler is
    /// between chunks then.
    pub(crate) const fn take_kept(&mut self) -> (usize, usize) {
        let kept = (self.len as usize, self.done as usize);
        *self = Self::new();
        kept
    }

    /// The peer has sent more than was granted.
    pub(crate) const fn break_window(&mut self) {
        *self = Self { len: 0, done: 0, field: WINDOW_EXCEEDED_AND_TOLD };
    }

    /// Returns true if the peer has broken the rules.
    pub(crate) const fn is_broken(&self) -> bool {
        self.field >= BROKEN
    }

    /// Returns how many bytes of the current chunk have not come.
    pub(crate) const fn left(&self) -> usize {
        self.len.saturating_sub(self.done) as usize
    }

    /// Returns the length of the event that is kept.
    pub(crate) const fn kept_len(&self) -> usize {
        self.len as usize
    }

    /// Returns how many bytes are stored in the slot. The beginning of a length is not, nor is what
    /// a peer says that has broken the rules.
    pub(crate) const fn stored(&self) -> usize {
        if self.field == 0 { self.done as usize } else { 0 }
    }

    /// More bytes have been stored in the slot.
    pub(crate) fn add_stored(&mut self, count: usize) {
        self.done = self.done.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// Returns the length that a field says whose last byte is `byte`. One above 32 bits counts as the
/// greatest.
#[cfg(feature = "large-chunks")]
fn with_last_byte(code: u32, byte: u8, shift: u32) -> u32 {
    // at most 4 × 7 + 8 bits
    let len = (u64::from(code) | u64::from(byte).wrapping_shl(shift)).wrapping_add(1);
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Returns the length that a field says whose last byte is `byte`: at most 7 + 8 bits.
#[cfg(not(feature = "large-chunks"))]
fn with_last_byte(code: u32, byte: u8, shift: u32) -> u32 {
    (code | u32::from(byte).wrapping_shl(shift)).wrapping_add(1)
}
