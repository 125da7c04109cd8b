//! The forwarding core's tables, on the heap.

use peote_net::relay::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts, Pool, Storage};

/// Vectors that double while there is room below their limits.
#[derive(Debug)]
pub(crate) struct HeapStorage {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
    max_connections: usize,
    max_channels: usize,
}

/// More places than there can be of anything.
const MOST: usize = 1 << 30;

impl HeapStorage {
    /// Limits of 0 are none.
    pub(crate) fn new(max_connections: usize, max_channels: usize) -> Self {
        let limit = |limit| if limit == 0 { MOST } else { limit };
        Self {
            connections: Vec::new(),
            channels: Vec::new(),
            memberships: Vec::new(),
            pages: Vec::new(),
            buckets: Vec::new(),
            max_connections: limit(max_connections),
            max_channels: limit(max_channels),
        }
    }
}

fn longer<T: Clone>(slots: &mut Vec<T>, empty: T, most: usize) -> bool {
    let before = slots.len();
    let len = (before * 2).max(64).min(most);
    slots.reserve_exact(len.saturating_sub(before));
    slots.resize(len.max(before), empty);
    slots.len() > before
}

impl Storage for HeapStorage {
    #[inline]
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            connections: &mut self.connections,
            channels: &mut self.channels,
            memberships: &mut self.memberships,
            pages: &mut self.pages,
            buckets: &mut self.buckets,
        }
    }

    fn grow(&mut self, pool: Pool) -> bool {
        match pool {
            Pool::Connections => longer(&mut self.connections, ConnectionSlot::EMPTY, self.max_connections),
            Pool::Channels => longer(&mut self.channels, ChannelSlot::EMPTY, self.max_channels),
            Pool::Memberships => longer(&mut self.memberships, MembershipSlot::EMPTY, MOST),
            Pool::Pages => longer(&mut self.pages, Page::EMPTY, MOST),
            Pool::Buckets => longer(&mut self.buckets, 0, self.max_channels),
        }
    }
}
