//! Bytes that wait, in one piece.

/// Up to `SIZE` bytes. They are taken from the front and added at the end.
#[derive(Clone, Debug)]
pub(crate) struct Buffer<const SIZE: usize> {
    bytes: [u8; SIZE],
    start: usize,
    end: usize,
}

impl<const SIZE: usize> Buffer<SIZE> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; SIZE], start: 0, end: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.end.saturating_sub(self.start) >= SIZE
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The front has been taken.
    pub(crate) fn take(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Copies the front to `to`.
    pub(crate) fn copy_to(&mut self, to: &mut [u8]) -> usize {
        let count = copy(self.waiting(), to);
        self.take(count);
        count
    }

    /// Adds as much as fits; returns how much.
    pub(crate) fn add(&mut self, from: &[u8]) -> usize {
        let count = copy(from, self.room());
        self.end = self.end.saturating_add(count).min(SIZE);
        count
    }

    /// All room that is free, in one piece.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So much of the room was filled.
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(SIZE);
    }
}

/// Copies as much as fits.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..count), to.get_mut(..count)) {
        to.copy_from_slice(from);
    }
    count
}
