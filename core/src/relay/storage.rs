//! Where a relay's tables lie.

use super::places::Page;
use super::slots::{ChannelSlot, ConnectionSlot, MembershipSlot};

/// One of the tables of a [`Storage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Pool {
    /// [`Parts::connections`].
    Connections,
    /// [`Parts::channels`].
    Channels,
    /// [`Parts::memberships`].
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
    /// A connection takes one for each 16 channels it owns and one for each 16 it has entered; a channel one for each 16
    /// users and one for each 64 bytes of its name. Numbers are reused late, so one that comes and goes takes up to 16 of them in time,
    /// and keeps them while it lives; when half of all pages are taken, numbers that have rested are reused instead, and without any a channel is full. A channel takes up to 16 more for the connections that its
    /// server has blocked, one for each 7, and keeps them while it lives; when half of all pages are taken, it gets no further one (see [`Note::Blocked`](super::Note::Blocked)).
    pub pages: &'a mut [Page],
    /// Starts of the chains in which channels are found by name, 0 at first. About one for each channel; with fewer, finding gets slower.
    pub buckets: &'a mut [u32],
}

/// Memory for a relay's tables: of a fixed length ([`StaticStorage`]), on the heap and growing (`GrowingStorage`, with the feature `alloc`), or where the program has it.
///
/// What the slices hold belongs to the relay: an implementation makes them of `EMPTY` slots and only ever makes them longer.
///
/// ```
/// use peote_net::relay::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts, Relay, Storage};
///
/// /// Tables in memory whose size is known when the program starts: that of another chip, or what nobody else needs.
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

    /// Makes one of the tables longer, keeping what is in it. `false` if it stays as it is; the relay then refuses what it has no room for.
    fn grow(&mut self, pool: Pool) -> bool {
        let _ = pool;
        false
    }
}

/// Tables of a fixed size, for `static` items: all bits are zero at first, so they take no room in flash.
///
/// - `CONNECTIONS`: connections at once.
/// - `CHANNELS`: channels at once, whoever owns them.
/// - `MEMBERSHIPS`: users at once, counted once in each channel they are in.
/// - `PAGES`: see [`Parts::pages`]. `2 * CONNECTIONS + 2 * CHANNELS` is enough while names have at most 64 bytes and nobody has more
///   than 16 channels or users. Blocking takes one more for each 7 connections that a channel has blocked.
///
/// `size_of` is `136 * CONNECTIONS + 124 * CHANNELS + 32 * MEMBERSHIPS + 64 * PAGES`, rounded up to 8.
///
/// When a table is used up, what needs a place in it is refused: connections ([`Full`](super::Full)), channels
/// ([`Reason::TooManyChannels`](crate::Reason::TooManyChannels)), users ([`Reason::ChannelFull`](crate::Reason::ChannelFull)).
///
/// ```
/// use peote_net::relay::{Relay, StaticStorage};
/// // 8 connections with up to 8 channels and 32 users in all, in about 4.3 KiB
/// const RELAY: Relay<StaticStorage<8, 8, 32, 20>> = Relay::new(StaticStorage::new());
/// assert!(size_of_val(&RELAY) <= 4500);
/// ```
///
/// Sizes that cannot work do not compile:
///
/// ```compile_fail
/// # use peote_net::relay::StaticStorage;
/// // 8 channels, but no page for their names and users
/// const STORAGE: StaticStorage<8, 8, 32, 4> = StaticStorage::new();
/// ```
#[derive(Debug)]
pub struct StaticStorage<
    const CONNECTIONS: usize,
    const CHANNELS: usize,
    const MEMBERSHIPS: usize,
    const PAGES: usize,
> {
    connections: [ConnectionSlot; CONNECTIONS],
    channels: [ChannelSlot; CHANNELS],
    memberships: [MembershipSlot; MEMBERSHIPS],
    pages: [Page; PAGES],
    buckets: [u32; CHANNELS],
}

impl<const CONNECTIONS: usize, const CHANNELS: usize, const MEMBERSHIPS: usize, const PAGES: usize>
    StaticStorage<CONNECTIONS, CHANNELS, MEMBERSHIPS, PAGES>
{
    const POSSIBLE: () = {
        assert!(CONNECTIONS >= 2, "a relay needs CONNECTIONS of at least 2: a server and a user");
        assert!(CHANNELS >= 1, "a relay without CHANNELS forwards nothing");
        assert!(MEMBERSHIPS >= 1, "a relay without MEMBERSHIPS lets nobody enter a channel");
        assert!(
            PAGES / 2 > CHANNELS,
            "PAGES must be at least 2 * CHANNELS + 2: a channel's name and users, a server's and a user's channels"
        );
        assert!(CONNECTIONS < 1 << 31 && MEMBERSHIPS < 1 << 31 && PAGES < 1 << 31, "a size of 2^31 or more");
    };

    /// Empty tables.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::POSSIBLE;
        Self {
            connections: [const { ConnectionSlot::EMPTY }; CONNECTIONS],
            channels: [const { ChannelSlot::EMPTY }; CHANNELS],
            memberships: [const { MembershipSlot::EMPTY }; MEMBERSHIPS],
            pages: [const { Page::EMPTY }; PAGES],
            buckets: [0; CHANNELS],
        }
    }
}

impl<const CONNECTIONS: usize, const CHANNELS: usize, const MEMBERSHIPS: usize, const PAGES: usize> Default
    for StaticStorage<CONNECTIONS, CHANNELS, MEMBERSHIPS, PAGES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const CONNECTIONS: usize, const CHANNELS: usize, const MEMBERSHIPS: usize, const PAGES: usize> Storage
    for StaticStorage<CONNECTIONS, CHANNELS, MEMBERSHIPS, PAGES>
{
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            connections: &mut self.connections,
            channels: &mut self.channels,
            memberships: &mut self.memberships,
            pages: &mut self.pages,
            buckets: &mut self.buckets,
        }
    }
}
