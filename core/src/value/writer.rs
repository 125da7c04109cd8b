//! Writing values one after another.

use super::length::{len_of_length, put_length};
use super::{Encode, EncodeError, I24, Sink, U24};
use crate::bytes::copy_to;

/// Writes values into a buffer, one after another, each whole or not at all.
///
/// Numbers are little-endian; those whose names end in `_be` are big-endian.
///
/// ```
/// use peote_net::value::{EncodeError, Writer};
/// let mut buffer = [0; 4];
/// let mut writer = Writer::new(&mut buffer);
/// writer.u16_be(1)?;
/// assert_eq!(writer.string("no room"), Err(EncodeError::Full { needed: 8, free: 2 }));
/// writer.bool(true)?;
/// assert_eq!(writer.finish(), [0, 1, 1]);
/// # Ok::<(), EncodeError>(())
/// ```
///
/// For a message that goes through a link it is shorter, and saves a copy, to hand a tuple of values to
/// [`Out::send_with`](crate::link::Out::send_with): see the [module](super).
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

/// The free part of a buffer.
struct Tail<'a, 'b>(&'a mut Writer<'b>);

impl Sink for Tail<'_, '_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        copy_to(self.0.buffer, self.0.len, bytes);
        self.0.len = self.0.len.saturating_add(bytes.len()).min(self.0.buffer.len());
    }
}

macro_rules! numbers {
    ($($name:ident, $name_be:ident, $number:literal;)*) => {$(
        #[doc = concat!("Writes ", $number, ".")]
        ///
        /// # Errors
        /// [`EncodeError::Full`].
        #[inline]
        pub fn $name(&mut self, number: $name) -> Result<(), EncodeError> {
            self.bytes(&number.to_le_bytes())
        }

        #[doc = concat!("Writes ", $number, ", big end first.")]
        ///
        /// # Errors
        /// [`EncodeError::Full`].
        #[inline]
        pub fn $name_be(&mut self, number: $name) -> Result<(), EncodeError> {
            self.bytes(&number.to_be_bytes())
        }
    )*};
}

impl<'a> Writer<'a> {
    /// Writes to the start of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// What has been written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Bytes that are free.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// Ends writing: what has been written.
    #[must_use]
    pub fn finish(self) -> &'a mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }

    /// Writes a value by its type.
    ///
    /// # Errors
    /// [`EncodeError::Full`], or the value cannot be written at all.
    #[inline]
    pub fn write<T: Encode + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.check(value.encoded_len()?)?;
        value.encode(&mut Tail(self));
        Ok(())
    }

    /// Writes bytes as they are, without a length.
    ///
    /// # Errors
    /// [`EncodeError::Full`].
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.check(bytes.len())?;
        Tail(self).put(bytes);
        Ok(())
    }

    #[inline]
    const fn check(&self, needed: usize) -> Result<(), EncodeError> {
        if needed <= self.free() { Ok(()) } else { Err(EncodeError::Full { needed, free: self.free() }) }
    }

    /// Writes a bool.
    ///
    /// # Errors
    /// [`EncodeError::Full`].
    #[inline]
    pub fn bool(&mut self, value: bool) -> Result<(), EncodeError> {
        self.bytes(&[u8::from(value)])
    }

    /// Writes a byte.
    ///
    /// # Errors
    /// [`EncodeError::Full`].
    #[inline]
    pub fn u8(&mut self, number: u8) -> Result<(), EncodeError> {
        self.bytes(&[number])
    }

    /// Writes a byte with a sign.
    ///
    /// # Errors
    /// [`EncodeError::Full`].
    #[inline]
    pub fn i8(&mut self, number: i8) -> Result<(), EncodeError> {
        self.bytes(&number.to_le_bytes())
    }

    numbers! {
        u16, u16_be, "2 bytes without a sign";
        i16, i16_be, "2 bytes with a sign";
        u32, u32_be, "4 bytes without a sign (not among existing peers)";
        i32, i32_be, "4 bytes with a sign";
        u64, u64_be, "8 bytes without a sign (not among existing peers)";
        i64, i64_be, "8 bytes with a sign (not among existing peers)";
        f32, f32_be, "a floating-point number of 4 bytes";
        f64, f64_be, "a floating-point number of 8 bytes";
    }

    /// Writes 3 bytes without a sign.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::Full`].
    pub fn u24(&mut self, number: u32) -> Result<(), EncodeError> {
        self.bytes(&U24::new(number).ok_or(EncodeError::OutOfRange)?.to_le_bytes())
    }

    /// Writes 3 bytes without a sign, big end first.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::Full`].
    pub fn u24_be(&mut self, number: u32) -> Result<(), EncodeError> {
        self.bytes(&U24::new(number).ok_or(EncodeError::OutOfRange)?.to_be_bytes())
    }

    /// Writes 3 bytes with a sign.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::Full`].
    pub fn i24(&mut self, number: i32) -> Result<(), EncodeError> {
        self.bytes(&I24::new(number).ok_or(EncodeError::OutOfRange)?.to_le_bytes())
    }

    /// Writes 3 bytes with a sign, big end first.
    ///
    /// # Errors
    /// [`EncodeError::OutOfRange`], [`EncodeError::Full`].
    pub fn i24_be(&mut self, number: i32) -> Result<(), EncodeError> {
        self.bytes(&I24::new(number).ok_or(EncodeError::OutOfRange)?.to_be_bytes())
    }

    /// Writes the length of something that follows.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn length(&mut self, length: usize) -> Result<(), EncodeError> {
        self.check(len_of_length(length)?)?;
        put_length(length, &mut Tail(self));
        Ok(())
    }

    /// Writes a byte string.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn byte_string(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.write(bytes)
    }

    /// Writes a string.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn string(&mut self, string: &str) -> Result<(), EncodeError> {
        self.write(string)
    }
}
