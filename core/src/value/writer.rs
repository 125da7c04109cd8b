//! Writing values one after another.

use super::length::{MAX_BYTES, len_of_length_within, put_length_within};
use super::room::{Fixed, Room};
use super::{Counted, Encode, EncodeError, I24, Sink, U24};

/// Writes values, one after another, each whole or not at all: into a buffer ([`new`](Self::new)),
/// or into memory that grows (`growing`, feature `alloc`).
///
/// Numbers are little-endian; functions whose names end in `_be` have big-endian ones.
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
/// For a message that goes through a link it is shorter, and saves a copy, to hand a tuple of
/// values to [`Out::send_with`](crate::link::Out::send_with): see the [module](super).
#[derive(Debug)]
pub struct Writer<B> {
    room: B,
}

/// What takes the bytes of a value that has room.
struct Tail<'w, B>(&'w mut B);

impl<B: Room> Sink for Tail<'_, B> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0.put(bytes);
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

impl<'a> Writer<Fixed<'a>> {
    /// Writes to the start of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { room: Fixed::new(buffer) }
    }

    /// Bytes that are free.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.room.free()
    }

    /// Ends writing: what has been written.
    #[must_use]
    pub fn finish(self) -> &'a mut [u8] {
        self.room.finish()
    }
}

#[cfg(feature = "alloc")]
impl Writer<alloc::vec::Vec<u8>> {
    /// Writes to the heap, whose memory grows as needed. [`EncodeError::Full`] never comes. Feature
    /// `alloc`.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use peote_net::value::Writer;
    /// let mut writer = Writer::growing();
    /// for number in 0..1_000 {
    ///     writer.i32(number)?;
    /// }
    /// assert_eq!(writer.finish().len(), 4_000);
    /// # }
    /// # Ok::<(), peote_net::value::EncodeError>(())
    /// ```
    #[must_use]
    pub const fn growing() -> Self {
        Self { room: alloc::vec::Vec::new() }
    }

    /// Forgets what has been written, and keeps the memory for the next message.
    pub fn clear(&mut self) {
        self.room.clear();
    }

    /// Ends writing: what has been written.
    #[must_use]
    pub fn finish(self) -> alloc::vec::Vec<u8> {
        self.room
    }
}

impl<B: Room> Writer<B> {
    /// What has been written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.room.written()
    }

    /// Writes a value by its type.
    ///
    /// # Errors
    /// [`EncodeError::Full`], or the value cannot be written at all.
    #[inline]
    pub fn write<T: Encode + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.room.prepare(value.encoded_len()?)?;
        value.encode(&mut Tail(&mut self.room));
        Ok(())
    }

    /// Writes bytes as they are, without a length.
    ///
    /// # Errors
    /// [`EncodeError::Full`].
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.room.prepare(bytes.len())?;
        self.room.put(bytes);
        Ok(())
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
        self.length_within::<MAX_BYTES>(length)
    }

    /// Writes the length of something that follows, in at most `N` bytes: see [`Counted`].
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn length_within<const N: usize>(&mut self, length: usize) -> Result<(), EncodeError> {
        self.room.prepare(len_of_length_within::<N>(length)?)?;
        put_length_within::<N>(length, &mut Tail(&mut self.room));
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

    /// Writes a byte string whose length has at most `N` bytes: see [`Counted`].
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn byte_string_within<const N: usize>(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.write(&Counted::<_, N>(bytes))
    }

    /// Writes a string.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn string(&mut self, string: &str) -> Result<(), EncodeError> {
        self.write(string)
    }

    /// Writes a string whose length has at most `N` bytes: see [`Counted`].
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::Full`].
    #[inline]
    pub fn string_within<const N: usize>(&mut self, string: &str) -> Result<(), EncodeError> {
        self.write(&Counted::<_, N>(string))
    }
}
