//! The memory of a link.

use crate::link::local::LocalParts;
use crate::link::slots::{OwnSlot, PartySlot};
use crate::protocol::{MAX_CHANNELS, MAX_COMMAND};

/// Hands out the memory of a link. [`LinkBuffers`] has it in arrays; other implementations can have
/// it elsewhere.
///
/// All slices keep their lengths and contents between calls. [`BufferParts`] says what they have to
/// be at the start.
pub trait Buffers {
    /// All of the memory at once.
    fn parts(&mut self) -> BufferParts<'_>;
}

impl<B: Buffers + ?Sized> Buffers for &mut B {
    fn parts(&mut self) -> BufferParts<'_> {
        B::parts(self)
    }
}

/// The memory of a link, in slices.
#[derive(Debug)]
pub struct BufferParts<'a> {
    /// One for each own channel there can be, at most 128 count. [`OwnSlot::FREE`] at the start.
    pub own_channels: &'a mut [OwnSlot],
    /// One for each party there can be, at most 65,534 count. [`PartySlot::FREE`] at the start.
    pub parties: &'a mut [PartySlot],
    /// The window times the number of parties, in bytes.
    pub chunks: &'a mut [u8],
    /// The greatest chunk a channel of this link can have, in bytes.
    pub chunk_size: usize,
    /// Bytes of the slot of each party, at least the chunk size. At most 268,435,455 count.
    pub window: usize,
    /// What waits to be sent. At least 259 bytes, the longest command.
    pub transmit: &'a mut [u8],
    /// What was received last. At least one byte.
    pub receive: &'a mut [u8],
    /// For users on the same link as the server of their channel; [`LocalParts::none`] without
    /// them.
    pub local: LocalParts<'a>,
}

/// The memory of a link in arrays, in itself. [`link_buffers!`](crate::link::link_buffers) names
/// its sizes.
///
/// [`link::memory`](crate::link::memory) says what each size means and which range it has. It takes
///
/// ```text
/// PARTIES × (WINDOW + 52) + OWN_CHANNELS × 20 + TRANSMIT + RECEIVE
/// ```
///
/// bytes, rounded up to 4 ([`LinkBuffers::SIZE`]), on 64-bit and on 32-bit targets. Without feature
/// `speed` a party takes 4 bytes less, without `flow` 16 less; without `admission` an own channel
/// takes 4 less. `WINDOW` is `CHUNK` unless it is named. [`Link`](crate::link::Link) says what a link
/// adds.
///
/// All bytes are zero in a new one, so a `static` takes no flash. Sizes that cannot work do not
/// compile:
///
/// ```compile_fail
/// // TRANSMIT of 100 bytes cannot hold the longest command
/// let buffers = peote_net::link::LinkBuffers::<256, 4, 1, 100, 512>::new();
/// ```
#[derive(Debug)]
pub struct LinkBuffers<
    const CHUNK: usize = 32_768,
    const PARTIES: usize = 2,
    const OWN_CHANNELS: usize = 2,
    const TRANSMIT: usize = 36_864,
    const RECEIVE: usize = 4_096,
    const WINDOW: usize = CHUNK,
> {
    own_channels: [OwnSlot; OWN_CHANNELS],
    parties: [PartySlot; PARTIES],
    chunks: [[u8; WINDOW]; PARTIES],
    transmit: [u8; TRANSMIT],
    receive: [u8; RECEIVE],
}

impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
> LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>
{
    const SIZES_WORK: () = {
        assert!(CHUNK >= 1, "CHUNK is 0: a chunk has at least 1 byte");
        assert!(
            CHUNK as u64 <= 0x7fff_ffff,
            "CHUNK is above 2,147,483,647 bytes, the longest chunk the protocol can code"
        );
        assert!(WINDOW >= CHUNK, "WINDOW is below CHUNK: the slot of a party keeps a whole chunk");
        assert!(WINDOW <= 0x0fff_ffff, "WINDOW is above 268,435,455 bytes, the most that count");
        assert!(PARTIES >= 1, "PARTIES is 0: a link has room for at least 1 entered channel or user");
        assert!(PARTIES <= 65_534, "PARTIES is above 65,534, the most a link can number");
        assert!(OWN_CHANNELS <= MAX_CHANNELS, "OWN_CHANNELS is above 128, the most the protocol can number");
        assert!(TRANSMIT >= MAX_COMMAND, "TRANSMIT is below 259 bytes, the longest command");
        assert!(RECEIVE >= 16, "RECEIVE is below 16 bytes: every poll would handle next to nothing");
    };

    /// The size in bytes of one of these buffers.
    pub const SIZE: usize = size_of::<Self>();

    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::SIZES_WORK;
        Self {
            own_channels: [const { OwnSlot::FREE }; OWN_CHANNELS],
            parties: [const { PartySlot::FREE }; PARTIES],
            chunks: [[0; WINDOW]; PARTIES],
            transmit: [0; TRANSMIT],
            receive: [0; RECEIVE],
        }
    }
}

impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
> Default for LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
> Buffers for LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>
{
    fn parts(&mut self) -> BufferParts<'_> {
        BufferParts {
            own_channels: &mut self.own_channels,
            parties: &mut self.parties,
            chunks: self.chunks.as_flattened_mut(),
            chunk_size: CHUNK,
            window: WINDOW,
            transmit: &mut self.transmit,
            receive: &mut self.receive,
            local: LocalParts::none(),
        }
    }
}
