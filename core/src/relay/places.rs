//! Places of tables: which are taken, and pages, which hold what is too small for a table of its
//! own.

/// Entries in a [`Page`].
pub(super) const PAGE: usize = 16;

/// The greatest index plus one that a table can have. One bit is left for those who keep indices.
pub(super) const MAX_INDEX: u32 = (1 << 31) - 1;

/// An index of no place.
pub(super) const NOWHERE: u32 = MAX_INDEX - 1;

/// 16 entries of a table of channels or users, 64 bytes of a channel's name, or 7 connections that
/// a channel's server has blocked.
#[derive(Clone, Debug)]
pub struct Page(pub(super) [u32; PAGE]);

impl Page {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self([0; PAGE]);
}

/// A place that is chained to another one while it is free.
pub(super) trait Chained {
    fn next(&mut self) -> &mut u32;
}

impl Chained for Page {
    fn next(&mut self) -> &mut u32 {
        let [first, ..] = &mut self.0;
        first
    }
}

/// Which places of one kind are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// Places that were ever taken; those behind are as they were made.
    ever: u32,
    /// Index plus one of the first free place among them.
    free: u32,
    /// Places that are taken now.
    now: u32,
}

impl Taken {
    pub(super) const NONE: Self = Self { ever: 0, free: 0, now: 0 };

    pub(super) const fn now(self) -> usize {
        self.now as usize
    }

    /// Takes a place. What it holds is whatever its last owner left, except for its chain field,
    /// which is 0.
    pub(super) fn take<T: Chained>(&mut self, slots: &mut [T]) -> Option<u32> {
        let index = if let Some(index) = self.free.checked_sub(1) {
            self.free = core::mem::take(slots.get_mut(index as usize)?.next());
            index
        } else {
            if self.ever as usize >= slots.len() || self.ever >= NOWHERE {
                return None;
            }
            let index = self.ever;
            self.ever = index.saturating_add(1);
            index
        };
        self.now = self.now.saturating_add(1);
        Some(index)
    }

    /// Gives a place back that was taken.
    pub(super) fn give<T: Chained>(&mut self, slots: &mut [T], index: u32) {
        if let Some(slot) = slots.get_mut(index as usize) {
            *slot.next() = core::mem::replace(&mut self.free, index.saturating_add(1));
            self.now = self.now.saturating_sub(1);
        }
    }
}
