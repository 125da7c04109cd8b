//! The lengths of strings and collections.
//!
//! Lengths of chunks are coded in another way. Here the plain number is coded, in at most 4 bytes
//! for every channel. [`Counted`](super::Counted) names another number of bytes.

use super::{DecodeError, EncodeError, Sink};

/// Bytes that a length has at most, where nothing else is said.
pub(super) const MAX_BYTES: usize = 4;

/// The greatest length of a string in bytes, or of a collection in items: 536,870,911.
pub const MAX_LENGTH: usize = greatest::<MAX_BYTES>();

/// The greatest length in `N` bytes, of which the last one carries 8 bits.
pub(super) const fn greatest<const N: usize>() -> usize {
    const { assert!(N >= 1 && N <= MAX_BYTES, "lengths have 1 to 4 bytes") };
    match N {
        1 => 0xff,
        2 => 0x7fff,
        3 => 0x3f_ffff,
        _ => 0x1fff_ffff,
    }
}

/// Returns the bytes that the length of a string or a collection takes: 1 to 4.
///
/// For an [`Encode`](super::Encode) of a type that brings its bytes piece by piece, together with
/// [`put_length`].
///
/// # Errors
/// [`EncodeError::TooLong`] above [`MAX_LENGTH`].
///
/// ```
/// use peote_net::value::{Encode, EncodeError, Form, Sink, len_of_length, put_length};
///
/// /// A string of nothing but the letter `a`.
/// struct Letters(usize);
///
/// impl Encode for Letters {
///     const FORM: Form = <&str>::FORM;
///
///     fn encoded_len(&self) -> Result<usize, EncodeError> {
///         Ok(len_of_length(self.0)? + self.0)
///     }
///
///     fn encode(&self, sink: &mut impl Sink) {
///         put_length(self.0, sink);
///         (0..self.0).for_each(|_| sink.put(b"a"));
///     }
/// }
/// ```
#[inline]
pub const fn len_of_length(length: usize) -> Result<usize, EncodeError> {
    len_of_length_within::<MAX_BYTES>(length)
}

/// Writes the length of a string or a collection. [`len_of_length`] says whether that can be coded,
/// and in how many bytes.
#[inline]
pub fn put_length(length: usize, sink: &mut impl Sink) {
    put_length_within::<MAX_BYTES>(length, sink);
}

/// Bytes that a length takes where it may take `N`.
#[inline]
pub(super) const fn len_of_length_within<const N: usize>(length: usize) -> Result<usize, EncodeError> {
    if length > greatest::<N>() {
        return Err(EncodeError::TooLong { len: length });
    }
    let needed = match length {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    };
    // the last byte that is allowed has room for one bit more
    Ok(if needed > N { N } else { needed })
}

/// Writes a length. The caller has asked [`len_of_length_within`] whether it can be coded.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time; the last byte holds what is left")]
pub(super) fn put_length_within<const N: usize>(length: usize, sink: &mut (impl Sink + ?Sized)) {
    let low = |shift: u32| 0x80 | (length >> shift) as u8;
    let rest = |shift: u32| (length >> shift) as u8;
    match len_of_length_within::<N>(length) {
        Ok(1) => sink.put(&[rest(0)]),
        Ok(2) => sink.put(&[low(0), rest(7)]),
        Ok(3) => sink.put(&[low(0), low(7), rest(14)]),
        _ => sink.put(&[low(0), low(7), low(14), rest(21)]),
    }
}

/// Reads a length of at most `N` bytes from the start of `bytes`; returns what follows it as well.
#[inline]
pub(super) fn read_length<const N: usize>(bytes: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    match bytes {
        [only, rest @ ..] if N == 1 || *only < 0x80 => Ok((usize::from(*only), rest)),
        _ => read_long_length(bytes, shift_of_last::<N>()),
    }
}

/// Where the bits of the last byte go that is allowed.
const fn shift_of_last<const N: usize>() -> u32 {
    match N {
        1 => 0,
        2 => 7,
        3 => 14,
        _ => 21,
    }
}

fn read_long_length(bytes: &[u8], last: u32) -> Result<(usize, &[u8]), DecodeError> {
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
        let bits = if shift == last { *byte } else { *byte & 0x7f };
        length |= usize::from(bits) << shift;
        if shift == last || *byte < 0x80 {
            break;
        }
    }
    Ok((length, rest))
}
