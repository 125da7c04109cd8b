//! What a link's memory keeps of local users.

use super::SimulatedLine;
use super::line::{Line, MAX_LINE};
use crate::bytes::copy_to;
use crate::link::slots::PartyRef;
use crate::link::{EnteredChannel, OwnChannel};
#[cfg(feature = "admission")]
use crate::time::Instant;

/// The slot of an own channel's name, and of what its simulated line is like. Opaque.
#[derive(Clone, Debug)]
pub struct NameSlot {
    pub(super) simulated: SimulatedLine,
    /// The server has blocked this link's own connection, so no local user may enter any more.
    pub(super) blocked: bool,
    /// The channel was answered for after the program had deleted it. Until the round is over the
    /// relay counts as not having heard of that.
    pub(super) deleting: bool,
    len: u8,
    bytes: [u8; 255],
}

impl NameSlot {
    /// A slot without a name.
    pub const FREE: Self =
        Self { simulated: SimulatedLine::new(), blocked: false, deleting: false, len: 0, bytes: [0; 255] };

    pub(super) fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// At most 255 bytes, as the caller has checked.
    pub(super) fn set(&mut self, name: &[u8]) {
        self.len = u8::try_from(name.len()).unwrap_or(0);
        copy_to(&mut self.bytes, 0, name);
    }
}

/// The slot of one local user in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct LocalUserSlot {
    pub(super) stage: Stage,
    /// The channel, as long as its server has not deleted it.
    pub(super) own: Option<OwnChannel>,
    /// The user's side, until it has left or has been told that the channel is gone.
    pub(super) entered: Option<EnteredChannel>,
    /// The party at the server's side; `None` if there was no slot for it.
    pub(super) party: Option<PartyRef>,
    /// When its knock is over, if the server has been asked.
    #[cfg(feature = "admission")]
    pub(super) knock_ends: Instant,
    pub(super) simulated: SimulatedLine,
    pub(super) to_server: Line,
    pub(super) to_user: Line,
}

/// How far a local user has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // so that a free slot is all zero, and a link in a `static` lies in .bss
pub(super) enum Stage {
    Free,
    /// Its channel is being created.
    Waiting,
    /// On its way to the server.
    Entering,
    /// The same, and the server is asked whether it lets it in; or it has been asked.
    #[cfg(feature = "admission")]
    Knocking,
    /// The server knows it.
    Served,
    /// The server has removed it, and has not heard of its end yet.
    Removed,
    /// The server has heard of its end, or has ended it.
    Ended,
}

impl LocalUserSlot {
    /// A slot that is free.
    pub const FREE: Self = Self {
        stage: Stage::Free,
        own: None,
        entered: None,
        party: None,
        #[cfg(feature = "admission")]
        knock_ends: Instant::ZERO,
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
    /// One for each local user there can be, at most 65,279 count. [`LocalUserSlot::FREE`] at the
    /// start.
    pub users: &'a mut [LocalUserSlot],
    /// Two lines for each local user, all of the same length, at least [`LocalParts::MIN_LINE`]
    /// bytes. Of each line, 16,777,215 bytes count.
    pub lines: &'a mut [u8],
}

impl LocalParts<'_> {
    /// The least length of a line in bytes.
    pub const MIN_LINE: usize = 64;

    /// No memory: the link has no local users, and entering a channel of its own is refused by the
    /// relay.
    #[must_use]
    pub const fn none() -> Self {
        Self { names: &mut [], users: &mut [], lines: &mut [] }
    }

    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) const fn reborrow(&mut self) -> LocalParts<'_> {
        LocalParts { names: self.names, users: self.users, lines: self.lines }
    }

    /// The length of one line.
    pub(super) fn line_size(&self) -> usize {
        let size = self.lines.len().checked_div(self.users.len().saturating_mul(2)).unwrap_or(0);
        size.min(MAX_LINE)
    }
}
