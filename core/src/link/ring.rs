//! A ring of bytes over memory that is handed to each call.

use crate::bytes::copy_to;

/// Which part of a ring's memory is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    start: usize,
    len: usize,
}

impl Ring {
    pub(super) const fn new() -> Self {
        Self { start: 0, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) const fn free(&self, memory: &[u8]) -> usize {
        memory.len().saturating_sub(self.len)
    }

    /// Adds `bytes` at the end. The caller has made sure that they fit; what does not is left out.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn push(&mut self, memory: &mut [u8], bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.free(memory), "more was pushed than fits");
        let end = self.start.wrapping_add(self.len);
        let at = if end < memory.len() { end } else { end.wrapping_sub(memory.len()) };
        let (first, rest) = bytes.split_at_checked(memory.len().wrapping_sub(at)).unwrap_or((bytes, &[]));
        copy_to(memory, at, first);
        if !rest.is_empty() {
            copy_to(memory, 0, rest);
        }
        self.len = self.len.wrapping_add(bytes.len());
    }

    /// The oldest bytes, as far as they lie in one piece.
    #[inline]
    pub(super) fn front<'a>(&self, memory: &'a [u8]) -> &'a [u8] {
        let end = self.start.saturating_add(self.len).min(memory.len());
        memory.get(self.start..end).unwrap_or_default()
    }

    /// Takes the `count` oldest bytes out.
    #[inline]
    pub(super) fn consume(&mut self, memory: &[u8], count: usize) {
        let count = count.min(self.len);
        self.len = self.len.saturating_sub(count);
        let start = self.start.saturating_add(count);
        // empty: start over at the front, so that what comes next lies in one piece
        self.start = match (self.len, start < memory.len()) {
            (0, _) => 0,
            (_, true) => start,
            (_, false) => start.saturating_sub(memory.len()),
        };
    }

    /// Copies the bytes at `offset` behind the oldest one out. The caller has made sure that they are there.
    #[cfg(feature = "local")]
    pub(super) fn peek(&self, memory: &[u8], offset: usize, bytes: &mut [u8]) {
        for (byte, at) in bytes.iter_mut().zip(offset..) {
            *byte = memory.get(self.place(memory, at)).copied().unwrap_or(0);
        }
    }

    /// Replaces the bytes at `offset` behind the oldest one. The caller has made sure that they are there.
    #[cfg(feature = "local")]
    pub(super) fn poke(&self, memory: &mut [u8], offset: usize, bytes: &[u8]) {
        for (&byte, at) in bytes.iter().zip(offset..) {
            if let Some(place) = memory.get_mut(self.place(memory, at)) {
                *place = byte;
            }
        }
    }

    /// Where the byte at `offset` lies.
    #[cfg(feature = "local")]
    const fn place(&self, memory: &[u8], offset: usize) -> usize {
        let at = self.start.saturating_add(offset);
        if at < memory.len() { at } else { at.saturating_sub(memory.len()) }
    }
}
