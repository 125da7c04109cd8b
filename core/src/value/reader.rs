//! Reading values one after another.

use super::length::{MAX_BYTES, read_length};
use super::{Decode, DecodeError, I24, U24};

/// Reads values from bytes, one after another. What has a length borrows from the bytes.
///
/// Numbers are little-endian; functions whose names end in `_be` have big-endian ones. After an
/// error the reader stands anywhere in the bytes.
///
/// ```
/// use peote_net::value::{DecodeError, Reader};
/// let mut reader = Reader::new(&[1, 0, 2, 0, 2, b'h', b'i', 200]);
/// assert_eq!(reader.u16()?, 1);
/// assert_eq!(reader.u16_be()?, 0x0200);
/// assert_eq!(reader.string()?, "hi");
/// assert_eq!(reader.finish(), Err(DecodeError::LeftOver { bytes: 1 }));
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

macro_rules! numbers {
    ($($name:ident, $name_be:ident, $number:literal;)*) => {$(
        #[doc = concat!("Reads ", $number, ".")]
        ///
        /// # Errors
        /// [`DecodeError::End`].
        #[inline]
        pub fn $name(&mut self) -> Result<$name, DecodeError> {
            self.array().map($name::from_le_bytes)
        }

        #[doc = concat!("Reads ", $number, ", big end first.")]
        ///
        /// # Errors
        /// [`DecodeError::End`].
        #[inline]
        pub fn $name_be(&mut self) -> Result<$name, DecodeError> {
            self.array().map($name::from_be_bytes)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.bytes
    }

    /// Reads a value by its type.
    ///
    /// # Errors
    /// The bytes are not such a value.
    #[inline]
    pub fn read<T: Decode<'a>>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    /// Reads a value by its type, behind which nothing may be left.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`finish`](Self::finish).
    #[inline]
    pub fn only<T: Decode<'a>>(mut self) -> Result<T, DecodeError> {
        let value = T::decode(&mut self)?;
        self.finish()?;
        Ok(value)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`DecodeError::LeftOver`].
    #[inline]
    pub const fn finish(self) -> Result<(), DecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            bytes => Err(DecodeError::LeftOver { bytes }),
        }
    }

    /// Reads the next `len` bytes as they are.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.bytes.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.bytes = rest;
                Ok(bytes)
            }
            None => Err(DecodeError::End { needed: len, left: self.bytes.len() }),
        }
    }

    /// Reads the next `N` bytes as they are.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.bytes.split_first_chunk() {
            Some((bytes, rest)) => {
                self.bytes = rest;
                Ok(*bytes)
            }
            None => Err(DecodeError::End { needed: N, left: self.bytes.len() }),
        }
    }

    /// Reads a bool: 0 is false, all others are true.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.u8().map(|byte| byte != 0)
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    /// Reads a byte with a sign.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.array().map(i8::from_le_bytes)
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

    /// Reads 3 bytes without a sign.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn u24(&mut self) -> Result<u32, DecodeError> {
        self.array().map(|bytes| U24::from_le_bytes(bytes).get())
    }

    /// Reads 3 bytes without a sign, big end first.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn u24_be(&mut self) -> Result<u32, DecodeError> {
        self.array().map(|bytes| U24::from_be_bytes(bytes).get())
    }

    /// Reads 3 bytes with a sign.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn i24(&mut self) -> Result<i32, DecodeError> {
        self.array().map(|bytes| I24::from_le_bytes(bytes).get())
    }

    /// Reads 3 bytes with a sign, big end first.
    ///
    /// # Errors
    /// [`DecodeError::End`].
    #[inline]
    pub fn i24_be(&mut self) -> Result<i32, DecodeError> {
        self.array().map(|bytes| I24::from_be_bytes(bytes).get())
    }

    /// Reads the length of something.
    ///
    /// What it announces need not be there: [`items`](Self::items) checks that.
    ///
    /// # Errors
    /// [`DecodeError::End`], [`DecodeError::OverlongLength`].
    #[inline]
    pub fn length(&mut self) -> Result<usize, DecodeError> {
        self.length_within::<MAX_BYTES>()
    }

    /// Reads the length of something, of at most `N` bytes: see [`Counted`](super::Counted).
    ///
    /// # Errors
    /// [`DecodeError::End`], [`DecodeError::OverlongLength`].
    #[inline]
    pub fn length_within<const N: usize>(&mut self) -> Result<usize, DecodeError> {
        let (length, rest) = read_length::<N>(self.bytes)?;
        self.bytes = rest;
        Ok(length)
    }

    /// Reads the length of a collection of `T`: the number of its items.
    ///
    /// # Errors
    /// [`DecodeError::OverlongLength`]; [`DecodeError::End`] also if as many items cannot fit into
    /// what follows.
    #[inline]
    pub fn items<T: Decode<'a>>(&mut self) -> Result<usize, DecodeError> {
        let items = self.length()?;
        let least = if T::MIN_LEN > 1 { T::MIN_LEN } else { 1 };
        let needed = items.saturating_mul(least);
        if needed > self.bytes.len() {
            return Err(DecodeError::End { needed, left: self.bytes.len() });
        }
        Ok(items)
    }

    /// Reads a byte string.
    ///
    /// # Errors
    /// [`DecodeError::End`], [`DecodeError::OverlongLength`].
    #[inline]
    pub fn byte_string(&mut self) -> Result<&'a [u8], DecodeError> {
        self.byte_string_within::<MAX_BYTES>()
    }

    /// Reads a byte string whose length has at most `N` bytes: see [`Counted`](super::Counted).
    ///
    /// # Errors
    /// As [`byte_string`](Self::byte_string).
    #[inline]
    pub fn byte_string_within<const N: usize>(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.length_within::<N>()?;
        self.bytes(len)
    }

    /// Reads a string.
    ///
    /// # Errors
    /// [`DecodeError::End`], [`DecodeError::OverlongLength`], [`DecodeError::Utf8`].
    #[inline]
    pub fn string(&mut self) -> Result<&'a str, DecodeError> {
        self.string_within::<MAX_BYTES>()
    }

    /// Reads a string whose length has at most `N` bytes: see [`Counted`](super::Counted).
    ///
    /// # Errors
    /// As [`string`](Self::string).
    #[inline]
    pub fn string_within<const N: usize>(&mut self) -> Result<&'a str, DecodeError> {
        core::str::from_utf8(self.byte_string_within::<N>()?).map_err(|_| DecodeError::Utf8)
    }
}
