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
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
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
    /// Bytes of the current chunk that are in the slot. While its length field comes: the code so far.
    done: u32,
    /// Bytes of the length field that have come; [`BROKEN`] if the peer broke the rules.
    field: u8,
}

/// More bytes than a length field has.
const BROKEN: u8 = u8::MAX;

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

    /// Looks at `input` up to the end of the first chunk in it. Returns how many bytes that took, and what they
    /// amounted to.
    ///
    /// `slot` keeps the part of a chunk that has come, between calls: hand in the same one until it is complete. A chunk
    /// that is longer than the slot counts as too large, whatever the limit allows.
    #[inline]
    pub fn feed(&mut self, limit: ChunkLimit, input: &[u8], slot: &mut [u8]) -> (usize, Step) {
        self.feed_in(limit.up_to(slot.len()), input, slot, 0)
    }

    /// The same with a slot that begins at `at` in `memory`, and is as long as the limit's maximum.
    #[inline]
    pub(crate) fn feed_in(
        &mut self,
        limit: ChunkLimit,
        input: &[u8],
        memory: &mut [u8],
        at: usize,
    ) -> (usize, Step) {
        let mut rest = input;
        while self.len == 0 {
            let Some((&byte, behind)) = rest.split_first() else { return (input.len(), Step::More) };
            rest = behind;
            if self.field == BROKEN {
                return (input.len(), Step::More);
            }
            if let Err(violation) = self.length_byte(limit, byte) {
                self.field = BROKEN;
                return (input.len().wrapping_sub(rest.len()), Step::Violation(violation));
            }
        }
        let start = input.len().wrapping_sub(rest.len());
        let left = self.len.wrapping_sub(self.done) as usize;
        let end = start.wrapping_add(left).min(input.len());
        if rest.len() >= left && self.done == 0 {
            self.len = 0;
            return (end, Step::Whole { start, end });
        }
        let piece = rest.get(..left).unwrap_or(rest);
        copy_to(memory, at.wrapping_add(self.done as usize), piece);
        #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u32")]
        {
            self.done = self.done.wrapping_add(piece.len() as u32);
        }
        let len = self.len;
        if self.done < len {
            return (end, Step::More);
        }
        (self.len, self.done) = (0, 0);
        (end, Step::Completed { len: len as usize })
    }

    /// Takes in one byte of a length field.
    #[inline]
    fn length_byte(&mut self, limit: ChunkLimit, byte: u8) -> Result<(), Violation> {
        if byte == 0 && self.field > 0 {
            return Err(Violation::OverlongLength);
        }
        let shift = 7u32.wrapping_mul(self.field.into());
        self.field = self.field.wrapping_add(1);
        if byte & 128 != 0 && self.field < limit.length_bytes() {
            self.done |= u32::from(byte & 127).wrapping_shl(shift);
            return Ok(());
        }
        let len = with_last_byte(self.done, byte, shift);
        let max = limit.max();
        if len > max {
            return Err(Violation::ChunkTooLarge { len, max });
        }
        *self = Self { len, done: 0, field: 0 };
        Ok(())
    }
}

/// Returns the length that a field says whose last byte is `byte`. One above 32 bits counts as the greatest.
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
