//! Strings whose length has fewer bytes.

use heapless::{String, Vec};

use super::length::{greatest, len_of_length_within, put_length_within};
use super::{Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// A string or byte string whose length has at most `N` bytes, 1 to 4, of which the last one
/// carries 8 bits: up to 255, 32,767, 4,194,303 or 536,870,911 bytes.
///
/// With 4 it is the string of all other places. The growing output of existing peers can be made
/// for fewer, outside of remote procedure calls; both ends have to agree on it.
///
/// ```
/// use peote_net::value::{Counted, Reader, Writer};
///
/// let text = "x".repeat(200);
/// let mut buffer = [0; 300];
/// let mut writer = Writer::new(&mut buffer);
/// writer.write(&Counted::<_, 1>(text.as_str()))?;
/// assert_eq!(writer.written()[..2], [200, b'x'], "two bytes, 0xc8 0x01, in a string");
///
/// let Counted(read) = Reader::new(writer.written()).only::<Counted<&str, 1>>()?;
/// assert_eq!(read, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counted<T, const N: usize>(
    /// The string: `&str`, `&[u8]`, or `String` and `Vec` of heapless.
    pub T,
);

impl<T, const N: usize> Counted<T, N> {
    /// The greatest length.
    pub const MAX_LENGTH: usize = greatest::<N>();
}

impl<T: AsRef<[u8]>, const N: usize> Encode for Counted<T, N> {
    const FORM: Form = Form::named(match N {
        1 => "counted-1",
        2 => "counted-2",
        3 => "counted-3",
        _ => "counted-4",
    });

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = self.0.as_ref().len();
        Ok(len_of_length_within::<N>(len)?.saturating_add(len))
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        let bytes = self.0.as_ref();
        put_length_within::<N>(bytes.len(), sink);
        sink.put(bytes);
    }
}

impl<'a, const N: usize> Decode<'a> for Counted<&'a [u8], N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.byte_string_within::<N>().map(Self)
    }
}

impl<'a, const N: usize> Decode<'a> for Counted<&'a str, N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.string_within::<N>().map(Self)
    }
}

impl<'a, const SIZE: usize, const N: usize> Decode<'a> for Counted<String<SIZE>, N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let string = reader.string_within::<N>()?;
        let capacity = DecodeError::Capacity { items: string.len(), capacity: SIZE };
        String::try_from(string).map(Self).map_err(|_| capacity)
    }
}

impl<'a, const SIZE: usize, const N: usize> Decode<'a> for Counted<Vec<u8, SIZE>, N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.byte_string_within::<N>()?;
        let capacity = DecodeError::Capacity { items: bytes.len(), capacity: SIZE };
        Vec::from_slice(bytes).map(Self).map_err(|_| capacity)
    }
}
