//! The forwarding core's tables, on the heap.

use peote_net::relay::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts, Pool, Storage};

/// Vectors that double. The limits are the program's, because they can change while it runs.
#[derive(Debug, Default)]
pub(crate) struct HeapStorage {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
}

/// More places than there can be of anything.
const MOST: usize = 1 << 30;

fn longer<T: Clone>(slots: &mut Vec<T>, empty: T) -> bool {
    let before = slots.len();
    let len = (before * 2).clamp(64, MOST);
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
            Pool::Connections => longer(&mut self.connections, ConnectionSlot::EMPTY),
            Pool::Channels => longer(&mut self.channels, ChannelSlot::EMPTY),
            Pool::Memberships => longer(&mut self.memberships, MembershipSlot::EMPTY),
            Pool::Pages => longer(&mut self.pages, Page::EMPTY),
            Pool::Buckets => longer(&mut self.buckets, 0),
        }
    }
}
