//! The lengths of strings and collections.
//!
//! Not those of chunks: the plain number is coded, and always in at most 4 bytes, whatever the channel.

use super::{DecodeError, EncodeError, Sink};

/// The greatest length of a string in bytes, or of a collection in items: 536,870,911.
pub const MAX_LENGTH: usize = (1 << 29) - 1;

/// Bytes that a length takes.
#[inline]
pub(super) const fn len_of_length(length: usize) -> Result<usize, EncodeError> {
    match length {
        0..=0x7f => Ok(1),
        0x80..=0x3fff => Ok(2),
        0x4000..=0x1f_ffff => Ok(3),
        0x20_0000..=MAX_LENGTH => Ok(4),
        _ => Err(EncodeError::TooLong { len: length }),
    }
}

/// Writes a length. The caller has asked [`len_of_length`] whether it can be coded.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "seven bits at a time; the fourth byte holds what is left"
)]
pub(super) fn put_length(length: usize, sink: &mut (impl Sink + ?Sized)) {
    let low = |shift: u32| 0x80 | (length >> shift) as u8;
    let rest = |shift: u32| (length >> shift) as u8;
    match length {
        0..=0x7f => sink.put(&[rest(0)]),
        0x80..=0x3fff => sink.put(&[low(0), rest(7)]),
        0x4000..=0x1f_ffff => sink.put(&[low(0), low(7), rest(14)]),
        _ => sink.put(&[low(0), low(7), low(14), rest(21)]),
    }
}

/// Reads a length from the start of `bytes`; says how many bytes it took as well.
#[inline]
pub(super) fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    match bytes {
        [only @ 0..=0x7f, rest @ ..] => Ok((usize::from(*only), rest)),
        _ => read_long_length(bytes),
    }
}

fn read_long_length(bytes: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    let mut length = 0;
    let mut rest = bytes;
    for shift in [0, 7, 14, 21] {
        let [byte, behind @ ..] = rest else {
            return Err(DecodeError::End { needed: 1, left: 0 });
        };
        rest = behind;
        if shift > 0 && *byte == 0 {
            return Err(DecodeError::OverlongLength);
        }
        let bits = if shift == 21 { *byte } else { *byte & 0x7f };
        length |= usize::from(bits) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    Ok((length, rest))
}
