//! What a relay wants of its memory.

use super::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot, Page};

/// One of the tables of a [`Storage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Pool {
    /// [`Parts::connections`].
    Connections,
    /// [`Parts::channels`].
    Channels,
    /// [`Parts::memberships`], and [`Parts::flows`] where there are any.
    Memberships,
    /// [`Parts::pages`].
    Pages,
    /// [`Parts::buckets`].
    Buckets,
}

/// The tables, for the relay alone.
#[derive(Debug)]
pub struct Parts<'a> {
    /// One for each connection.
    pub connections: &'a mut [ConnectionSlot],
    /// One for each channel.
    pub channels: &'a mut [ChannelSlot],
    /// One for each user of each channel.
    pub memberships: &'a mut [MembershipSlot],
    /// 64 bytes each; [`memory`](super) says what they are for. At most 2^31 - 1 count.
    pub pages: &'a mut [Page],
    /// Starts of the chains in which channels are found by name, 0 at first. About one for each
    /// channel; with fewer, finding gets slower.
    pub buckets: &'a mut [u32],
    /// One for each membership at least, or none. Without them the relay does not take part in flow
    /// control and admission (`docs/PROTOCOL.md`, section 11.4), and does not announce it.
    pub flows: &'a mut [FlowSlot],
}

/// Memory for a relay's tables: of a fixed length ([`StaticStorage`](super::StaticStorage)), on the
/// heap and growing (`GrowingStorage`, feature `alloc`), or where the program has it.
///
/// What the slices hold belongs to the relay. An implementation makes them of `EMPTY` slots, and
/// later at most longer.
///
/// ```
/// use peote_net::relay::memory::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts};
/// use peote_net::relay::{Relay, Storage};
///
/// /// Tables in memory whose size is known when the program starts.
/// struct Lent<'a> {
///     connections: &'a mut [ConnectionSlot],
///     channels: &'a mut [ChannelSlot],
///     memberships: &'a mut [MembershipSlot],
///     pages: &'a mut [Page],
///     buckets: &'a mut [u32],
/// }
///
/// impl Storage for Lent<'_> {
///     fn parts(&mut self) -> Parts<'_> {
///         Parts {
///             connections: self.connections,
///             channels: self.channels,
///             memberships: self.memberships,
///             pages: self.pages,
///             buckets: self.buckets,
///             flows: &mut [],
///         }
///     }
/// }
///
/// let (mut connections, mut channels) = (vec![ConnectionSlot::EMPTY; 8], vec![ChannelSlot::EMPTY; 8]);
/// let (mut memberships, mut pages) = (vec![MembershipSlot::EMPTY; 32], vec![Page::EMPTY; 32]);
/// let mut buckets = [0; 8];
/// let mut relay = Relay::new(Lent {
///     connections: &mut connections,
///     channels: &mut channels,
///     memberships: &mut memberships,
///     pages: &mut pages,
///     buckets: &mut buckets,
/// });
/// assert_eq!((0..10).filter(|_| relay.connect().is_ok()).count(), 8);
/// ```
pub trait Storage {
    /// The tables.
    fn parts(&mut self) -> Parts<'_>;

    /// Makes one of the tables longer, keeping what is in it. Returns false if it stays as it is;
    /// the relay then refuses what it has no room for. This one does nothing.
    fn grow(&mut self, pool: Pool) -> bool {
        let _ = pool;
        false
    }
}
