//! A queue of bytes over memory that is handed to each call.

#[cfg(feature = "admission")]
use crate::bytes::move_up;
use crate::bytes::{copy_to, move_to_front};

/// Which part of a queue's memory is in use. It always lies in one piece.
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
    #[cfg_attr(feature = "speed", inline)]
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) fn push(&mut self, memory: &mut [u8], bytes: &[u8]) {
        let end = self.start.wrapping_add(self.len);
        if memory.len().wrapping_sub(end) < bytes.len() {
            self.move_to_front(memory);
        }
        copy_to(memory, self.start.wrapping_add(self.len), bytes);
        self.len = self.len.wrapping_add(bytes.len());
    }

    /// Adds the first `len` bytes of `word`, at most 16.
    #[inline]
    pub(super) fn push_word(&mut self, memory: &mut [u8], word: [u8; 16], len: usize) {
        let end = self.start.wrapping_add(self.len);
        match memory.get_mut(end..).and_then(|tail| tail.first_chunk_mut()) {
            // what lies behind the end is overwritten by what comes next
            Some(place) => {
                *place = word;
                self.len = self.len.wrapping_add(len);
            }
            None => self.push_at_end(memory, word.get(..len).unwrap_or(&word)),
        }
    }

    /// [`push`](Self::push) where there is hardly room behind the end. Apart, so that the compiler
    /// does not join it with what is nearly always done.
    #[cold]
    #[inline(never)]
    fn push_at_end(&mut self, memory: &mut [u8], bytes: &[u8]) {
        self.push(memory, bytes);
    }

    /// Inserts `bytes` at `offset` behind the oldest one. The caller has made sure that they fit.
    #[cfg(feature = "admission")]
    pub(super) fn insert(&mut self, memory: &mut [u8], offset: usize, bytes: &[u8]) {
        self.move_to_front(memory);
        let end = self.len.saturating_add(bytes.len());
        if offset <= self.len && end <= memory.len() {
            move_up(memory, offset, self.len, bytes.len());
            copy_to(memory, offset, bytes);
            self.len = end;
        }
    }

    /// Takes `count` bytes out that lie `offset` behind the oldest one.
    #[cfg(feature = "admission")]
    pub(super) fn remove(&mut self, memory: &mut [u8], offset: usize, count: usize) {
        self.move_to_front(memory);
        let from = offset.saturating_add(count);
        if from <= self.len && self.len <= memory.len() {
            // what is to be removed is overwritten from the front
            let tail = memory.get_mut(offset..self.len).unwrap_or_default();
            move_to_front(tail, count, tail.len());
            self.len = self.len.saturating_sub(count);
        }
    }

    /// Makes room at the end. What was taken out since the last time is room for as many bytes, so
    /// this is rare unless the queue stays nearly full and is emptied by a few bytes at a time.
    #[cold]
    fn move_to_front(&mut self, memory: &mut [u8]) {
        let end = self.start.wrapping_add(self.len);
        move_to_front(memory, self.start, end);
        self.start = 0;
    }

    /// Returns all bytes, the oldest one first.
    pub(super) fn front<'a>(&self, memory: &'a [u8]) -> &'a [u8] {
        memory.get(self.start..self.start.wrapping_add(self.len)).unwrap_or_default()
    }

    /// Takes the `count` oldest bytes out.
    pub(super) const fn consume(&mut self, count: usize) {
        let count = if count < self.len { count } else { self.len };
        self.len = self.len.wrapping_sub(count);
        self.start = if self.len == 0 { 0 } else { self.start.wrapping_add(count) };
    }

    /// Copies the bytes at `offset` behind the oldest one out. The caller has made sure that they
    /// are there.
    #[cfg(feature = "local")]
    pub(super) fn peek(&self, memory: &[u8], offset: usize, bytes: &mut [u8]) {
        let at = self.start.saturating_add(offset);
        copy_to(bytes, 0, memory.get(at..at.saturating_add(bytes.len())).unwrap_or_default());
    }

    /// Replaces the bytes at `offset` behind the oldest one. The caller has made sure that they are
    /// there.
    #[cfg(feature = "local")]
    pub(super) fn poke(&self, memory: &mut [u8], offset: usize, bytes: &[u8]) {
        copy_to(memory, self.start.saturating_add(offset), bytes);
    }
}
