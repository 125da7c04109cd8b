//! Tables on the heap, which grow.

use alloc::vec::Vec;
use core::mem::size_of;

use super::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot, Page, Parts, Pool, Storage};

/// Places that a table has when it is needed for the first time: enough pages for any one command.
const FIRST: usize = 16;
/// More places than there can be of anything.
pub(in crate::relay) const MOST: usize = 1 << 30;

/// Tables on the heap, which grow as they are needed. Feature `alloc`.
///
/// - A table has no memory before it is needed. Then it has 16 places, and twice as many whenever
///   they are used up. It never gets shorter.
/// - So a table takes at most twice what its most places in use took; the pages at most four times,
///   because half of them are to stay free. While it moves it takes half as much again.
/// - A table that there is no memory for stays as it is, and what needs a place in it is refused.
/// - [`set_limit`](Self::set_limit) bounds all of them together, in bytes, those included that a
///   table moves to. One that would go beyond stays as it is.
/// - The size of each place is that of [`StaticStorage`](super::StaticStorage).
///
/// There is no other limit but 2<sup>30</sup> places. A program refuses connections before
/// [`Relay::connect`](crate::relay::Relay::connect), and channels and users in
/// [`Host::allow`](crate::relay::Host::allow): these limits can change at any time. Without them a
/// connection has 128 channels and is in 128 others at most.
///
/// ```
/// use peote_net::relay::{GrowingStorage, Relay};
/// let mut relay = Relay::new(GrowingStorage::new());
/// assert!((0..1000).all(|_| relay.connect().is_ok()));
/// ```
#[derive(Debug)]
pub struct GrowingStorage {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
    flows: Vec<FlowSlot>,
    limit: usize,
}

impl Default for GrowingStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl GrowingStorage {
    /// Empty tables, without memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            connections: Vec::new(),
            channels: Vec::new(),
            memberships: Vec::new(),
            pages: Vec::new(),
            buckets: Vec::new(),
            flows: Vec::new(),
            limit: usize::MAX,
        }
    }

    /// Bytes that all tables take.
    #[must_use]
    pub const fn memory(&self) -> usize {
        bytes(&self.connections)
            .saturating_add(bytes(&self.channels))
            .saturating_add(bytes(&self.memberships))
            .saturating_add(bytes(&self.pages))
            .saturating_add(bytes(&self.buckets))
            .saturating_add(bytes(&self.flows))
    }

    /// Bytes that all tables may take from now on. What is there stays.
    pub const fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Whether there may be a table that is as much longer as this one gets, beside all that there
    /// is, and so many `more` bytes.
    const fn fits<T>(&self, table: &[T], more: usize) -> bool {
        self.memory().saturating_add(more).saturating_add(longer(table)) <= self.limit
    }

    /// The same of both tables of memberships, of which one grows after the other.
    const fn both_fit(&self) -> bool {
        if self.flows.len() > self.memberships.len() {
            return self.fits(self.memberships.as_slice(), 0);
        }
        let more = longer(self.flows.as_slice()).saturating_sub(bytes(&self.flows));
        self.fits(self.flows.as_slice(), 0) && self.fits(self.memberships.as_slice(), more)
    }
}

/// Bytes of a table that has grown.
const fn longer<T>(table: &[T]) -> usize {
    let (double, first) = (size_of_val(table).saturating_mul(2), FIRST.saturating_mul(size_of::<T>()));
    if double < first { first } else { double }
}

const fn bytes<T>(table: &Vec<T>) -> usize {
    table.capacity().saturating_mul(size_of::<T>())
}

pub(in crate::relay) fn lengthen<T: Clone>(table: &mut Vec<T>, empty: T) -> bool {
    let before = table.len();
    let len = before.saturating_mul(2).clamp(FIRST, MOST);
    let more = len.saturating_sub(before);
    if more == 0 || table.try_reserve_exact(more).is_err() {
        return false;
    }
    table.resize(len, empty);
    true
}

impl Storage for GrowingStorage {
    #[inline]
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            connections: &mut self.connections,
            channels: &mut self.channels,
            memberships: &mut self.memberships,
            pages: &mut self.pages,
            buckets: &mut self.buckets,
            flows: &mut self.flows,
        }
    }

    fn grow(&mut self, pool: Pool) -> bool {
        let fits = match pool {
            Pool::Connections => self.fits(&self.connections, 0),
            Pool::Channels => self.fits(&self.channels, 0),
            Pool::Memberships => self.both_fit(),
            Pool::Pages => self.fits(&self.pages, 0),
            Pool::Buckets => self.fits(&self.buckets, 0),
        };
        if !fits {
            return false;
        }
        match pool {
            Pool::Connections => lengthen(&mut self.connections, ConnectionSlot::EMPTY),
            Pool::Channels => lengthen(&mut self.channels, ChannelSlot::EMPTY),
            Pool::Memberships => {
                let has_flows = self.flows.len() > self.memberships.len();
                (has_flows || lengthen(&mut self.flows, FlowSlot::EMPTY))
                    && lengthen(&mut self.memberships, MembershipSlot::EMPTY)
            }
            Pool::Pages => lengthen(&mut self.pages, Page::EMPTY),
            Pool::Buckets => lengthen(&mut self.buckets, 0),
        }
    }
}
