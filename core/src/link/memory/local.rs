//! Memory for local users, in arrays.

use super::{BufferParts, Buffers};
use crate::link::local::{LocalParts, LocalUserSlot, MAX_LINE, NameSlot};

/// Memory of a link with local users: that of `B`, and
/// `OWN_CHANNELS × 268 + USERS × (2 × LINE + 216)` bytes, rounded up to 8. On 32-bit targets a user
/// takes 152 bytes instead of 216 ([`LocalUserSlot`]), without feature `admission` 8 less.
///
/// - `OWN_CHANNELS`: own channels that local users can enter, as a rule all that `B` has.
/// - `USERS`: local users at once. Each takes two of `B`'s parties, one at either side.
/// - `LINE`: bytes that can be under way in one direction between a user and its server, from 64. A
///   record takes 12 bytes and its payload, and 12 are kept for the end. With lag, no more than
///   `LINE` bytes arrive in half a round trip.
///
/// All bytes are zero in a new one, so a `static` takes no flash. Sizes that cannot work do not
/// compile.
///
/// ```
/// use peote_net::link::{Link, link_buffers};
/// // one own channel with up to two local users, 512 bytes under way in each direction
/// type Memory = link_buffers!(
///     chunk: 256, parties: 8, own_channels: 1, transmit: 1024, receive: 512,
///     local_users: 2, line: 512,
/// );
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
