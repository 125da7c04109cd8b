//! The memory of a link, on the heap.

use peote_net::link::Buffers;
use peote_net::link::memory::{BufferParts, LocalParts, OwnSlot, PartySlot};
#[cfg(feature = "local")]
use peote_net::link::memory::{LocalUserSlot, NameSlot};

/// Memory of a link in sizes that a test chooses when it runs, also ones that are too small for a
/// program. Its places in the address space do not move with the link.
///
/// ```
/// use peote_net::link::Link;
/// use peote_net_testkit::heap::{Heap, Sizes};
/// let sizes = Sizes { chunk_size: 100, receive: 1, ..Sizes::default() };
/// let link = Link::with_buffers(Heap::new(sizes));
/// ```
#[derive(Clone, Debug)]
pub struct Heap {
    /// One for each own channel.
    pub own_channels: Vec<OwnSlot>,
    /// One for each user of an own channel, and for each entered channel.
    pub parties: Vec<PartySlot>,
    /// The chunks that the parties are sending, one behind the other.
    pub chunks: Vec<u8>,
    /// The greatest chunk, in bytes. The window is the same.
    pub chunk_size: usize,
    /// What waits to be written.
    pub transmit: Vec<u8>,
    /// What one poll reads.
    pub receive: Vec<u8>,
    /// Names of own channels, for local users.
    #[cfg(feature = "local")]
    pub names: Vec<NameSlot>,
    /// One for each local user.
    #[cfg(feature = "local")]
    pub users: Vec<LocalUserSlot>,
    /// Two lines for each local user.
    #[cfg(feature = "local")]
    pub lines: Vec<u8>,
}

/// How much memory a [`Heap`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The greatest chunk, in bytes. The window is the same.
    pub chunk_size: usize,
    /// Own channels, at once.
    pub own_channels: usize,
    /// Users of own channels plus entered channels, at once.
    pub parties: usize,
    /// Bytes that can wait to be written.
    pub transmit: usize,
    /// Bytes that are read by one poll at most.
    pub receive: usize,
    /// Local users, at once. Without feature `local` there are none.
    pub local_users: usize,
    /// Bytes that can be under way between a local user and its server, in each direction.
    pub local_line: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk_size: 1024,
            own_channels: 4,
            parties: 8,
            transmit: 2048,
            receive: 512,
            local_users: 0,
            local_line: MIN_LINE,
        }
    }
}

/// The shortest line that a local user can have.
#[cfg(feature = "local")]
const MIN_LINE: usize = LocalParts::MIN_LINE;
#[cfg(not(feature = "local"))]
const MIN_LINE: usize = 0;

impl Heap {
    /// Memory of these sizes.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        let Sizes { chunk_size, own_channels, parties, transmit, receive, .. } = sizes;
        #[cfg(feature = "local")]
        let Sizes { local_users, local_line, .. } = sizes;
        Self {
            own_channels: vec![OwnSlot::FREE; own_channels],
            parties: vec![PartySlot::FREE; parties],
            chunks: vec![0; chunk_size * parties],
            chunk_size,
            transmit: vec![0; transmit],
            receive: vec![0; receive],
            #[cfg(feature = "local")]
            names: vec![NameSlot::FREE; if local_users > 0 { own_channels } else { 0 }],
            #[cfg(feature = "local")]
            users: vec![LocalUserSlot::FREE; local_users],
            #[cfg(feature = "local")]
            lines: vec![0; 2 * local_users * local_line],
        }
    }
}

impl Buffers for Heap {
    fn parts(&mut self) -> BufferParts<'_> {
        BufferParts {
            own_channels: &mut self.own_channels,
            parties: &mut self.parties,
            chunks: &mut self.chunks,
            chunk_size: self.chunk_size,
            window: self.chunk_size,
            transmit: &mut self.transmit,
            receive: &mut self.receive,
            #[cfg(feature = "local")]
            local: LocalParts { names: &mut self.names, users: &mut self.users, lines: &mut self.lines },
            #[cfg(not(feature = "local"))]
            local: LocalParts::none(),
        }
    }
}
