//! Reading values by their type.

use super::{DecodeError, Reader};

/// A value that can be read from bytes, from which it can borrow.
///
/// A type of your own reads its parts, one after another:
///
/// ```
/// use peote_net::value::{Decode, DecodeError, List, Reader};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Point { x: i16, y: i16 }
///
/// impl<'a> Decode<'a> for Point {
///     const MIN_LEN: usize = 4;
///     fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
///         Ok(Self { x: reader.i16()?, y: reader.i16()? })
///     }
/// }
///
/// let points = Reader::new(&[1, 1, 0, 0xff, 0xff]).only::<List<'_, Point>>()?;
/// assert_eq!(points.iter().next(), Some(Point { x: 1, y: -1 }));
/// # Ok::<(), DecodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be received as a typed value",
    label = "cannot be received",
    note = "typed values are bool, u8 to u64, i8 to i64, U24, I24, f32, f64, &str, &[u8], List, Map, and tuples, arrays and heapless collections of \
            them; others travel in haxe::Haxe or messagepack::MessagePack, or implement Encode and Decode",
    note = "a slice other than &[u8] cannot be received, because items do not lie in a message as they do in memory: List does without"
)]
pub trait Decode<'a>: Sized {
    /// The least number of bytes that a value takes. Lengths that announce more items than could
    /// fit are refused by it.
    ///
    /// 0 counts as 1: a value of no bytes cannot be an item.
    const MIN_LEN: usize = 1;

    /// Reads a value.
    ///
    /// # Errors
    /// The bytes are not such a value. How many of them were taken is not said.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// Reads a value that is all of `bytes`, such as a chunk.
    ///
    /// # Errors
    /// The bytes are not such a value, or some are left behind it.
    #[inline]
    fn from_bytes(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Reader::new(bytes).only()
    }

    /// Goes through `count` values without keeping them; values that any bytes are valid for are
    /// passed over at once.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[doc(hidden)]
    #[inline]
    fn skip(reader: &mut Reader<'a>, count: usize) -> Result<(), DecodeError> {
        for _ in 0..count {
            // a value of no bytes would go round as often as the length says
            let before = reader.remaining().len();
            Self::decode(reader)?;
            if reader.remaining().len() >= before {
                return Err(DecodeError::Inner("a value of no bytes cannot be an item"));
            }
        }
        Ok(())
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.bool()? { T::decode(reader).map(Some) } else { Ok(None) }
    }
}

impl<'a, T: Decode<'a>, E: Decode<'a>> Decode<'a> for Result<T, E> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.bool()? { T::decode(reader).map(Ok) } else { E::decode(reader).map(Err) }
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for [T; N] {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let items = reader.items::<T>()?;
        if items != N {
            return Err(DecodeError::ArrayLength { items, expected: N });
        }
        let mut vec = heapless::Vec::<T, N>::new();
        for _ in 0..N {
            // there is room for N
            let _ = vec.push(T::decode(reader)?);
        }
        vec.into_array().map_err(|vec| DecodeError::ArrayLength { items: vec.len(), expected: N })
    }
}
