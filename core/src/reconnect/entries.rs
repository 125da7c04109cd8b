//! What a list of channels lies in.

use super::Entry;

/// The memory of a [`ChannelList`](super::ChannelList): a fixed number of entries, or, with feature
/// `alloc`, a `Vec` of them that grows.
pub trait Entries: sealed::Sealed {
    /// What names are kept in.
    type Name;

    /// How many entries there can be.
    const CAPACITY: usize;

    #[doc(hidden)]
    fn entries(&self) -> &[Entry<Self::Name>];

    #[doc(hidden)]
    fn entries_mut(&mut self) -> &mut [Entry<Self::Name>];

    /// Adds a free entry. Returns false if there can be no more.
    #[doc(hidden)]
    fn grow(&mut self) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl<N, const CHANNELS: usize> Sealed for [super::Entry<N>; CHANNELS] {}
    #[cfg(feature = "alloc")]
    impl<N> Sealed for alloc::vec::Vec<super::Entry<N>> {}
}

impl<N, const CHANNELS: usize> Entries for [Entry<N>; CHANNELS] {
    type Name = N;

    const CAPACITY: usize = CHANNELS;

    fn entries(&self) -> &[Entry<N>] {
        self
    }

    fn entries_mut(&mut self) -> &mut [Entry<N>] {
        self
    }

    fn grow(&mut self) -> bool {
        false
    }
}

#[cfg(feature = "alloc")]
impl<N> Entries for alloc::vec::Vec<Entry<N>> {
    type Name = N;

    const CAPACITY: usize = usize::MAX;

    fn entries(&self) -> &[Entry<N>] {
        self
    }

    fn entries_mut(&mut self) -> &mut [Entry<N>] {
        self
    }

    fn grow(&mut self) -> bool {
        self.push(Entry::FREE);
        true
    }
}
