//! What a link's memory keeps of one own channel and of one party.

use super::EnteredChannel;
#[cfg(all(feature = "admission", feature = "server"))]
use super::flow::Door;
use super::flow::Window;
use super::kept::state::{OwnKept, PartyKept};
use crate::chunk::{Assembler, ChunkLimit};

/// What tells the successive channels of one slot apart.
///
/// A *standing* handle stays valid when its channel ends: the slot is [away](OwnState::Away) then,
/// and not free.
pub(super) mod generation {
    const STANDING: u32 = 1 << 31;

    /// Returns the generation behind this one. Its handle is no standing one.
    pub(in crate::link) const fn next(generation: u32) -> u32 {
        generation.wrapping_add(1) & !STANDING
    }

    /// Returns the same for a standing handle.
    pub(in crate::link) const fn standing(generation: u32) -> u32 {
        generation | STANDING
    }

    /// Returns the same for a handle that is no standing one.
    pub(in crate::link) const fn passing(generation: u32) -> u32 {
        generation & !STANDING
    }

    pub(in crate::link) const fn is_standing(generation: u32) -> bool {
        generation & STANDING != 0
    }
}

/// The state of one own channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // a free slot is all zero, so a link in a `static` lies in .bss
pub(super) enum OwnState {
    Free,
    /// It is not open, and its handle stays valid: see [`generation`].
    Away,
    /// The command is on its way. `wanted` is false once the program has deleted the channel.
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "no channel is created"))]
    Creating {
        tag: u8,
        wanted: bool,
    },
    Open {
        number: u8,
    },
    /// It is there, and not everybody may enter. Until the relay knows that the program is not
    /// told.
    #[cfg(all(feature = "admission", feature = "server"))]
    Opening {
        number: u8,
    },
    /// The connection is lost, the program has not been told yet. `opened` is false if the relay
    /// had not answered.
    Lost {
        opened: bool,
    },
    /// It was refused, which the program has been told and wants again.
    #[cfg(feature = "flow")]
    Refused {
        reason: crate::Reason,
    },
}

/// One own channel in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct OwnSlot {
    pub(super) state: OwnState,
    /// [`ChunkLimit::NONE`] for raw data.
    pub(super) limit: ChunkLimit,
    pub(super) generation: u32,
    #[cfg_attr(not(feature = "flow"), expect(dead_code, reason = "nothing is kept"))]
    pub(super) kept: OwnKept,
    #[cfg(all(feature = "admission", feature = "server"))]
    pub(super) door: Door,
}

impl OwnSlot {
    /// A free slot. All bytes are zero.
    pub const FREE: Self = Self {
        state: OwnState::Free,
        limit: ChunkLimit::NONE,
        generation: 0,
        kept: OwnKept::NOTHING,
        #[cfg(all(feature = "admission", feature = "server"))]
        door: Door::OPEN,
    };
}

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // a free slot is all zero, so a link in a `static` lies in .bss
pub(super) enum PartyState {
    Free,
    /// An entered channel that is not open, and whose handle stays valid: see [`generation`].
    Away,
    /// An entered channel whose command is on its way. `wanted` is false once the program has left.
    Entering {
        tag: u8,
        wanted: bool,
    },
    /// `user` is this link's own number there, which counts if there is a window.
    Entered {
        number: u8,
        user: u8,
    },
    /// The connection is lost, the program has not been told yet. `opened` is false if the relay
    /// had not answered.
    Lost {
        opened: bool,
    },
    /// A user of the own channel in slot `own`, which has `number` on the wire.
    User {
        own: u8,
        number: u8,
        user: u8,
    },
    /// An entered channel whose server is on this link. `user` is the slot of the local user, which
    /// has not been told yet.
    #[cfg(feature = "local")]
    Joining {
        user: u16,
    },
    /// The same, and it has been told.
    #[cfg(feature = "local")]
    Joined {
        user: u16,
    },
    /// A local user of the own channel in slot `own`.
    #[cfg(feature = "local")]
    LocalUser {
        own: u8,
        user: u16,
    },
    /// A user that knocks at the own channel in slot `own`. Until it is let in, `outstanding` is
    /// its ticket.
    #[cfg(all(feature = "admission", feature = "server"))]
    Knocking {
        own: u8,
        number: u8,
        user: u8,
    },
    /// A local user that knocks.
    #[cfg(all(feature = "admission", feature = "local"))]
    LocalKnocking {
        own: u8,
        user: u16,
    },
    /// A user of the own channel in slot `own` that is gone, which the program has not dealt with.
    #[cfg(feature = "flow")]
    Gone {
        own: u8,
        user: u8,
        reason: u8,
    },
    /// An entered channel that is gone, which the program has not dealt with.
    #[cfg(feature = "flow")]
    Closing {
        reason: u8,
    },
    /// Entering was refused with this code, which the program has not dealt with.
    #[cfg(feature = "flow")]
    Refused {
        code: u8,
    },
}

/// One party in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct PartySlot {
    pub(super) state: PartyState,
    /// [`ChunkLimit::NONE`] for raw data.
    pub(super) limit: ChunkLimit,
    pub(super) assembler: Assembler,
    pub(super) generation: u32,
    /// The [`Key`] that it is found by; 0 for none.
    pub(super) key: u16,
    pub(super) kept: PartyKept,
    /// How much may be sent to it when nothing is under way.
    pub(super) window: Window,
    /// Bytes that were sent to it and not granted again.
    #[cfg(feature = "flow")]
    pub(super) outstanding: i32,
    /// Bytes that came from it, and are not in its slot any more, and have not been granted again.
    #[cfg(feature = "flow")]
    pub(super) taken: i32,
    #[cfg(feature = "speed")]
    pub(super) chain: Chain,
}

impl PartySlot {
    /// A free slot. All bytes are zero.
    pub const FREE: Self = Self {
        state: PartyState::Free,
        limit: ChunkLimit::NONE,
        assembler: Assembler::new(),
        generation: 0,
        key: 0,
        kept: PartyKept::NOTHING,
        window: Window::NONE,
        #[cfg(feature = "flow")]
        outstanding: 0,
        #[cfg(feature = "flow")]
        taken: 0,
        #[cfg(feature = "speed")]
        chain: Chain { head: 0, next: 0 },
    };
}

/// What threads the parties of an index together. Slots plus 1; 0 for none.
#[cfg(feature = "speed")]
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// The first party of the hash chain that belongs to this *slot*.
    pub(super) head: u16,
    /// The party behind this one in its hash chain, or in the list of free slots.
    pub(super) next: u16,
}

/// A party: its slot, and the generation that tells it from others that have had this slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartyRef {
    pub(super) slot: u16,
    pub(super) generation: u32,
}

impl From<EnteredChannel> for PartyRef {
    fn from(EnteredChannel { slot, generation }: EnteredChannel) -> Self {
        Self { slot, generation }
    }
}

impl From<PartyRef> for EnteredChannel {
    fn from(PartyRef { slot, generation }: PartyRef) -> Self {
        Self { slot, generation }
    }
}

/// What the relay names a party by: in front of data the channel byte, and the user behind it; in
/// an answer the command's tag. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) u16);

impl Key {
    /// Users' keys have bit 15, and tags are below this bit.
    const ENTERED: u16 = 1 << 8;

    /// The key of channel byte and user byte; the latter counts for own channels only.
    pub(super) const fn on_wire(channel: u8, user: u8) -> Self {
        if channel & 128 == 0 { Self::entered(channel) } else { Self::user(channel, user) }
    }

    /// The key of an entered channel whose command has this tag, which is not 0.
    pub(super) const fn entering(tag: u8) -> Self {
        Self(tag as u16)
    }

    pub(super) const fn entered(number: u8) -> Self {
        Self((number & 127) as u16 | Self::ENTERED)
    }

    pub(super) const fn user(channel: u8, user: u8) -> Self {
        Self(u16::from_be_bytes([channel | 128, user]))
    }

    pub(super) const fn of(state: PartyState) -> Option<Self> {
        match state {
            PartyState::Entering { tag, .. } => Some(Self::entering(tag)),
            PartyState::Entered { number, .. } => Some(Self::entered(number)),
            PartyState::User { number, user, .. } => Some(Self::user(number, user)),
            _ => None,
        }
    }
}
