//! Where a writer writes.

use super::EncodeError;
use crate::bytes::copy_to;

/// Where a [`Writer`](super::Writer) writes. Programs have no need to name it.
pub trait Room: sealed::Sealed {
    /// Makes sure that as many bytes have room.
    #[doc(hidden)]
    fn prepare(&mut self, needed: usize) -> Result<(), EncodeError>;

    /// Takes bytes that have room.
    #[doc(hidden)]
    fn put(&mut self, bytes: &[u8]);

    /// What has been taken.
    #[doc(hidden)]
    fn written(&self) -> &[u8];
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Fixed<'_> {}
    #[cfg(feature = "alloc")]
    impl Sealed for alloc::vec::Vec<u8> {}
}

/// A buffer of a fixed size, with what has been written at its start.
#[derive(Debug)]
pub struct Fixed<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Fixed<'a> {
    pub(super) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    pub(super) const fn free(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    pub(super) fn finish(self) -> &'a mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }
}

impl Room for Fixed<'_> {
    #[inline]
    fn prepare(&mut self, needed: usize) -> Result<(), EncodeError> {
        if needed <= self.free() { Ok(()) } else { Err(EncodeError::Full { needed, free: self.free() }) }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        copy_to(self.buffer, self.len, bytes);
        self.len = self.len.saturating_add(bytes.len()).min(self.buffer.len());
    }

    fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

#[cfg(feature = "alloc")]
impl Room for alloc::vec::Vec<u8> {
    #[inline]
    fn prepare(&mut self, needed: usize) -> Result<(), EncodeError> {
        self.reserve(needed);
        Ok(())
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn written(&self) -> &[u8] {
        self
    }
}
