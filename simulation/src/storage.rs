//! Memory for a relay's tables, which grows.

use peote_net::relay::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts, Pool, Storage};

/// No table gets longer than this.
const MOST: usize = 1 << 20;

/// Memory for the tables of a [`Relay`](peote_net::relay::Relay) that grows as they do, for hosts in tests.
///
/// ```
/// use peote_net::relay::Relay;
/// use peote_net_simulation::GrowingStorage;
/// let mut relay = Relay::new(GrowingStorage::default());
/// assert!((0..1000).all(|_| relay.connect().is_ok()));
/// ```
#[derive(Debug, Default)]
pub struct GrowingStorage {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
}

fn longer<T: Clone>(slots: &mut Vec<T>, empty: T) -> bool {
    let before = slots.len();
    slots.resize((before * 2).clamp(8, MOST), empty);
    slots.len() > before
}

impl Storage for GrowingStorage {
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
