//! Tables of a fixed size.

use super::{ChannelSlot, ConnectionSlot, MembershipSlot, Page, Parts, Storage};

/// Tables of a fixed size, for `static` items: all bits are zero at first, so they take no flash.
///
/// [`static_storage!`](super::static_storage) names the sizes, [`memory`](super) says what each of
/// them means.
///
/// `size_of` is `152 * CONNECTIONS + 124 * CHANNELS + 32 * MEMBERSHIPS + 64 * PAGES`, rounded up to
/// 8.
///
/// When a table is used up, what needs a place in it is refused: connections
/// ([`Full`](crate::relay::Full)), channels
/// ([`Reason::TooManyChannels`](crate::Reason::TooManyChannels)), users
/// ([`Reason::ChannelFull`](crate::Reason::ChannelFull)).
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
            flows: &mut [],
        }
    }
}
