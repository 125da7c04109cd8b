//! The memory that local users take.

use super::super::receive::PartyRef;
use super::super::{BufferParts, Buffers, EnteredChannel, OwnChannel};
use super::SimulatedLine;
use super::line::{Line, MAX_LINE};
use crate::bytes::copy_to;

/// The place of an own channel's name, and of what its simulated line is like. Opaque.
#[derive(Clone, Debug)]
pub struct NameSlot {
    pub(super) simulated: SimulatedLine,
    /// The server has blocked this link's own connection, so no local user may enter any more.
    pub(super) blocked: bool,
    len: u8,
    bytes: [u8; 255],
}

impl NameSlot {
    /// A place without a name.
    pub const FREE: Self = Self { simulated: SimulatedLine::new(), blocked: false, len: 0, bytes: [0; 255] };

    pub(super) fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// At most 255 bytes, as the caller has checked.
    pub(super) fn set(&mut self, name: &[u8]) {
        self.len = u8::try_from(name.len()).unwrap_or(0);
        copy_to(&mut self.bytes, 0, name);
    }
}

/// The place of one local user in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct LocalUserSlot {
    pub(super) stage: Stage,
    /// The channel, as long as its server has not deleted it.
    pub(super) own: Option<OwnChannel>,
    /// The user's side, until it has left or has been told that the channel is gone.
    pub(super) entered: Option<EnteredChannel>,
    /// The party at the server's side; `None` if there was no place for it.
    pub(super) party: Option<PartyRef>,
    pub(super) simulated: SimulatedLine,
    pub(super) to_server: Line,
    pub(super) to_user: Line,
}

/// How far a local user has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // so that a free place is all zero, and a link in a `static` lies in .bss
pub(super) enum Stage {
    Free,
    /// Its channel is being created.
    Waiting,
    /// On its way to the server.
    Entering,
    /// The server knows it.
    Served,
    /// The server has removed it, and has not heard of its end yet.
    Removed,
    /// The server has heard of its end, or has ended it.
    Ended,
}

impl LocalUserSlot {
    /// A place that is free.
    pub const FREE: Self = Self {
        stage: Stage::Free,
        own: None,
        entered: None,
        party: None,
        simulated: SimulatedLine::new(),
        to_server: Line::EMPTY,
        to_user: Line::EMPTY,
    };
}

/// The part of a link's memory that is for local users, in slices.
#[derive(Debug)]
pub struct LocalParts<'a> {
    /// One for each own channel that local users can enter. [`NameSlot::FREE`] at the start.
    pub names: &'a mut [NameSlot],
    /// One for each local user there can be, at most 65,279 count. [`LocalUserSlot::FREE`] at the start.
    pub users: &'a mut [LocalUserSlot],
    /// Two lines for each local user, all of the same length, at least [`LocalParts::MIN_LINE`] bytes. Of each
    /// line, 16,777,215 bytes count.
    pub lines: &'a mut [u8],
}

impl LocalParts<'_> {
    /// The least length of a line in bytes.
    pub const MIN_LINE: usize = 64;

    /// No memory: the link has no local users, and entering a channel of its own is refused by the relay.
    #[must_use]
    pub const fn none() -> Self {
        Self { names: &mut [], users: &mut [], lines: &mut [] }
    }

    #[inline]
    pub(in crate::link) const fn reborrow(&mut self) -> LocalParts<'_> {
        LocalParts { names: self.names, users: self.users, lines: self.lines }
    }

    /// The length of one line.
    pub(super) fn line_size(&self) -> usize {
        let size = self.lines.len().checked_div(self.users.len().saturating_mul(2)).unwrap_or(0);
        size.min(MAX_LINE)
    }
}

/// Memory of a link with local users: that of `B`, and
/// `OWN_CHANNELS × 268 + USERS × (2 × LINE + `[`size_of::<LocalUserSlot>()`](LocalUserSlot)`)` bytes, rounded up to 8.
///
/// - `OWN_CHANNELS`: own channels that local users can enter, as a rule all that `B` has.
/// - `USERS`: local users at once. Each takes two of `B`'s parties, one at either side.
/// - `LINE`: bytes that can be under way in one direction between a user and its server, from 64. A record takes 12 bytes and its payload, and 12
///   are kept for the end. With lag, no more than `LINE` bytes arrive in half a round trip.
///
/// All bytes are zero in a new one, so a `static` takes no flash. Sizes that cannot work do not compile.
///
/// ```
/// use peote_net::link::{Link, LinkBuffers, LocalBuffers};
/// // one own channel with up to two local users, 512 bytes under way in each direction
/// type Memory = LocalBuffers<LinkBuffers<256, 8, 1, 1024, 512>, 1, 2, 512>;
/// let link = Link::<Memory>::with_local_users();
/// # drop(link);
/// ```
#[derive(Debug)]
pub struct LocalBuffers<B, const OWN_CHANNELS: usize, const USERS: usize, const LINE: usize> {
    buffers: B,
    names: [NameSlot; OWN_CHANNELS],
    users: [LocalUserSlot; USERS],
    lines: [[[u8; LINE]; 2]; USERS],
}

impl<B, const OWN_CHANNELS: usize, const USERS: usize, const LINE: usize>
    LocalBuffers<B, OWN_CHANNELS, USERS, LINE>
{
    const SIZES_WORK: () = {
        assert!(LINE >= LocalParts::MIN_LINE, "LINE is below 64 bytes: hardly anything would fit");
        assert!(LINE <= MAX_LINE, "LINE is above 16,777,215 bytes, the longest record a line can have");
        assert!(USERS <= 65_279, "USERS is above 65,279, the most that can be numbered");
    };

    /// Empty memory around that of `buffers`.
    #[must_use]
    pub const fn new(buffers: B) -> Self {
        let () = Self::SIZES_WORK;
        Self {
            buffers,
            names: [const { NameSlot::FREE }; OWN_CHANNELS],
            users: [const { LocalUserSlot::FREE }; USERS],
            lines: [[[0; LINE]; 2]; USERS],
        }
    }
}

impl<B: Buffers, const OWN_CHANNELS: usize, const USERS: usize, const LINE: usize> Buffers
    for LocalBuffers<B, OWN_CHANNELS, USERS, LINE>
{
    fn parts(&mut self) -> BufferParts<'_> {
        let local = LocalParts {
            names: &mut self.names,
            users: &mut self.users,
            lines: self.lines.as_flattened_mut().as_flattened_mut(),
        };
        BufferParts { local, ..self.buffers.parts() }
    }
}
