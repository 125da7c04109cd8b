//! Tables on the heap, which grow.

use alloc::vec::Vec;

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
/// - The size of each place is that of [`StaticStorage`](super::StaticStorage).
///
/// There is no limit but the memory, and 2<sup>30</sup> places. A program refuses connections before
/// [`Relay::connect`](crate::relay::Relay::connect), and channels and users in
/// [`Host::allow`](crate::relay::Host::allow): these limits can change at any time. Without them a
/// connection has 128 channels and is in 128 others at most.
///
/// ```
/// use peote_net::relay::{GrowingStorage, Relay};
/// let mut relay = Relay::new(GrowingStorage::new());
/// assert!((0..1000).all(|_| relay.connect().is_ok()));
/// ```
#[derive(Debug, Default)]
pub struct GrowingStorage {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
    flows: Vec<FlowSlot>,
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
        }
    }
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
