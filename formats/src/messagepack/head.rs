//! What stands at the start of a value.

use crate::Error;

const END: Error = Error::new("the MessagePack ends too early");
const NO_VALUE: Error = Error::new("what begins here is no MessagePack");

/// A value, or the start of one that has others in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head<'de> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    F32(f32),
    F64(f64),
    /// A string, which should be UTF-8.
    Str(&'de [u8]),
    Bin(&'de [u8]),
    /// As many items follow.
    Array(usize),
    /// As many entries follow.
    Map(usize),
    /// A type and data.
    Extension(i8, &'de [u8]),
}

/// Bytes that are read from left to right.
#[derive(Clone, Copy)]
pub(super) struct Input<'de>(pub(super) &'de [u8]);

impl<'de> Input<'de> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.0.split_first_chunk().ok_or(END)?;
        self.0 = rest;
        Ok(*array)
    }

    fn bytes(&mut self, len: usize) -> Result<&'de [u8], Error> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(END)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A length in `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Error> {
        let bytes = self.array::<N>()?;
        Ok(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    /// Checks that as many values can be there; each takes a byte at least.
    fn values(&self, count: usize) -> Result<(), Error> {
        if count <= self.0.len() { Ok(()) } else { Err(END) }
    }

    fn items(&self, count: usize) -> Result<Head<'de>, Error> {
        self.values(count)?;
        Ok(Head::Array(count))
    }

    fn entries(&self, count: usize) -> Result<Head<'de>, Error> {
        self.values(count.saturating_mul(2))?;
        Ok(Head::Map(count))
    }

    fn extension(&mut self, len: usize) -> Result<Head<'de>, Error> {
        let kind = i8::from_be_bytes(self.array()?);
        Ok(Head::Extension(kind, self.bytes(len)?))
    }

    /// Whether a nil is next.
    pub(super) fn is_nil(&self) -> bool {
        self.0.first() == Some(&0xc0)
    }

    pub(super) fn head(&mut self) -> Result<Head<'de>, Error> {
        let [first] = self.array()?;
        let low = |mask: u8| usize::from(first & mask);
        Ok(match first {
            0x00..=0x7f => Head::Unsigned(first.into()),
            0x80..=0x8f => return self.entries(low(0x0f)),
            0x90..=0x9f => return self.items(low(0x0f)),
            0xa0..=0xbf => Head::Str(self.bytes(low(0x1f))?),
            0xc0 => Head::Nil,
            0xc1 => return Err(NO_VALUE),
            0xc2 | 0xc3 => Head::Bool(first == 0xc3),
            0xc4..=0xc6 => {
                let len = self.length_of_size(first.wrapping_sub(0xc4))?;
                Head::Bin(self.bytes(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.length_of_size(first.wrapping_sub(0xc7))?;
                return self.extension(len);
            }
            0xca => Head::F32(f32::from_be_bytes(self.array()?)),
            0xcb => Head::F64(f64::from_be_bytes(self.array()?)),
            0xcc => Head::Unsigned(u8::from_be_bytes(self.array()?).into()),
            0xcd => Head::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Head::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Head::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Head::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Head::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Head::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Head::Signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => return self.extension(1 << first.wrapping_sub(0xd4)),
            0xd9..=0xdb => {
                let len = self.length_of_size(first.wrapping_sub(0xd9))?;
                Head::Str(self.bytes(len)?)
            }
            0xdc => {
                let count = self.length::<2>()?;
                return self.items(count);
            }
            0xdd => {
                let count = self.length::<4>()?;
                return self.items(count);
            }
            0xde => {
                let count = self.length::<2>()?;
                return self.entries(count);
            }
            0xdf => {
                let count = self.length::<4>()?;
                return self.entries(count);
            }
            0xe0..=0xff => Head::Signed(first.cast_signed().into()),
        })
    }

    /// A length in 1, 2 or 4 bytes.
    fn length_of_size(&mut self, size: u8) -> Result<usize, Error> {
        match size {
            0 => self.length::<1>(),
            1 => self.length::<2>(),
            _ => self.length::<4>(),
        }
    }

    /// Passes over a value. Nothing is kept of those around it but how many follow.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1usize;
        while let Some(behind) = left.checked_sub(1) {
            left = match self.head()? {
                Head::Array(items) => behind.saturating_add(items),
                Head::Map(entries) => behind.saturating_add(entries).saturating_add(entries),
                _ => behind,
            };
        }
        Ok(())
    }
}
