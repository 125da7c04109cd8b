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
        /// The length the peer stated, in bytes.
        len: u64,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)] // so that a new one is all zero
enum State {
    /// In the length field: `code` so far, from `bytes` bytes.
    Length { code: u32, bytes: u8 },
    /// In the chunk: `received` of `len` bytes are in the slot.
    Body { len: u32, received: u32 },
    /// The peer broke the rules.
    Broken,
}

/// The receiving state of one direction of one channel. 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Assembler {
    state: State,
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Assembler {
    /// An assembler at the start of the data.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Length { code: 0, bytes: 0 } }
    }

    /// Whether the data received so far ends with the end of a chunk.
    #[must_use]
    pub const fn is_between_chunks(&self) -> bool {
        matches!(self.state, State::Length { bytes: 0, .. })
    }

    /// Looks at `input` up to the end of the first chunk in it, and says how many bytes that took.
    ///
    /// `slot` keeps the part of a chunk that has come, between calls: hand in the same one until it is complete. A chunk
    /// that is longer than the slot counts as too large, whatever the limit allows.
    #[inline]
    pub fn feed(&mut self, limit: ChunkLimit, input: &[u8], slot: &mut [u8]) -> (usize, Step) {
        let mut used = 0usize;
        loop {
            match self.state {
                State::Length { code, bytes } => {
                    let Some(&byte) = input.get(used) else { return (used, Step::More) };
                    used = used.wrapping_add(1);
                    match length_byte(limit, code, bytes, byte, slot.len()) {
                        Ok(next) => self.state = next,
                        Err(violation) => {
                            self.state = State::Broken;
                            return (used, Step::Violation(violation));
                        }
                    }
                }
                State::Body { len, received } => return self.body(input, used, len, received, slot),
                State::Broken => return (input.len(), Step::More),
            }
        }
    }

    #[inline]
    fn body(&mut self, input: &[u8], used: usize, len: u32, received: u32, slot: &mut [u8]) -> (usize, Step) {
        let left = len.wrapping_sub(received) as usize;
        let rest = input.get(used..).unwrap_or_default();
        if rest.len() >= left && received == 0 {
            self.state = State::Length { code: 0, bytes: 0 };
            let end = used.wrapping_add(left);
            return (end, Step::Whole { start: used, end });
        }
        let piece = rest.get(..left).unwrap_or(rest);
        copy_to(slot, received as usize, piece);
        if piece.len() == left {
            self.state = State::Length { code: 0, bytes: 0 };
            return (used.wrapping_add(left), Step::Completed { len: len as usize });
        }
        #[expect(clippy::cast_possible_truncation, reason = "shorter than `left`, a u32")]
        let received = received.wrapping_add(piece.len() as u32);
        self.state = State::Body { len, received };
        (input.len(), Step::More)
    }
}

/// The state behind one more byte of a length field.
#[inline]
fn length_byte(limit: ChunkLimit, code: u32, bytes: u8, byte: u8, slot: usize) -> Result<State, Violation> {
    let last = bytes.wrapping_add(1) >= limit.length_bytes();
    if byte == 0 && bytes > 0 {
        return Err(Violation::OverlongLength);
    }
    let value = if last { byte } else { byte & 127 };
    // at most 4 × 7 + 8 bits, for `bytes` is at most 4
    let code = u64::from(code) | u64::from(value).wrapping_shl(7u32.wrapping_mul(bytes.into()));
    if !last && byte & 128 != 0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 4 × 7 bits, or it would be the last byte"
        )]
        return Ok(State::Length { code: code as u32, bytes: bytes.wrapping_add(1) });
    }
    let len = code.wrapping_add(1);
    let max = u32::try_from(slot).unwrap_or(u32::MAX).min(limit.max());
    match u32::try_from(len) {
        Ok(len) if len <= max => Ok(State::Body { len, received: 0 }),
        _ => Err(Violation::ChunkTooLarge { len, max }),
    }
}
