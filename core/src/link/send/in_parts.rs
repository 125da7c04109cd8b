//! Chunks that are written in parts.

use super::Out;
use crate::chunk::EncodedLength;
use crate::link::payload::{Route, length_field};
use crate::link::receive::PartyRef;
use crate::link::{Destination, EnteredChannel, Mode, OwnSlot, SendError};
use crate::protocol::{Header, MAX_UNIT_PAYLOAD};

/// A chunk that is being written in parts, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    to: Destination,
    /// The user's party, if it goes to one user: its number can mean somebody else later.
    party: PartyRef,
    /// Bytes it lacks; 0 if there is none.
    left: usize,
    /// Its length field, empty once that has been queued.
    length: EncodedLength,
    /// Whether something sent elsewhere would get in between its parts. Known by this address alone, so a program that never begins a chunk in parts
    /// has no code for it.
    is_in_the_way: Option<IsInTheWay>,
}

type IsInTheWay = fn(&Out<'_>, Destination) -> bool;

impl Unfinished {
    /// None. (All zero, so that a link in a `static` lies in .bss.)
    pub(super) const NONE: Self = Self {
        to: Destination::Server(EnteredChannel { slot: 0, generation: 0 }),
        party: PartyRef::NONE,
        left: 0,
        length: EncodedLength::NONE,
        is_in_the_way: None,
    };

    /// The own channel in which it is a broadcast that has begun and not ended.
    #[inline]
    pub(super) fn held(&self, own: &[OwnSlot]) -> Option<u8> {
        match *self {
            Self { to: Destination::All(channel) | Destination::AllBut(channel, _), left: 1.., .. } => {
                let slot = own.get(usize::from(channel.slot))?;
                (slot.generation == channel.generation).then_some(channel.slot)
            }
            _ => None,
        }
    }
}

impl Out<'_> {
    /// Begins a chunk of `len` bytes that is written in parts with [`Out::write_chunk`], for chunks that the ring cannot hold whole.
    ///
    /// Until all of it is written, nothing else can be sent to those it goes to. There can be one such chunk at a time on a link.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] (also for a channel of [`Mode::Data`], where there are no chunks), [`SendError::Empty`],
    /// [`SendError::ChunkTooLarge`], [`SendError::ChunkUnfinished`].
    pub fn begin_chunk(&mut self, to: impl Into<Destination>, len: usize) -> Result<(), SendError> {
        let to = to.into();
        let Route { mode, party, .. } = self.route(to).ok_or(SendError::NotOpen)?;
        let length = length_field(mode, len)?;
        self.check_unfinished(to)?;
        if self.unfinished() > 0 {
            return Err(SendError::ChunkUnfinished);
        }
        if mode == Mode::Data {
            return Err(SendError::NotOpen);
        }
        self.sender.unfinished =
            Unfinished { to, party, left: len, length, is_in_the_way: Some(is_in_the_way) };
        Ok(())
    }

    /// Queues as much of `bytes` as there is room for, as the next part of the chunk that was begun, and says how many bytes that was.
    ///
    /// # Errors
    /// [`SendError::NoChunkBegun`], [`SendError::ChunkOverrun`], [`SendError::Empty`], [`SendError::WouldBlock`] if there is no room at all,
    /// [`SendError::NotOpen`] if those it goes to are gone; the chunk is then forgotten.
    pub fn write_chunk(&mut self, bytes: &[u8]) -> Result<usize, SendError> {
        let Unfinished { to, party, left, length, is_in_the_way } = self.sender.unfinished;
        if left == 0 {
            return Err(SendError::NoChunkBegun);
        }
        if self.unfinished() == 0 {
            self.sender.unfinished = Unfinished::NONE;
            return Err(SendError::NotOpen);
        }
        let route = self.route(to).ok_or(SendError::NotOpen)?;
        if bytes.is_empty() {
            return Err(SendError::Empty);
        }
        if bytes.len() > left {
            return Err(SendError::ChunkOverrun { left });
        }
        let room = if route.wire.is_nowhere() { usize::MAX } else { self.free().saturating_sub(Header::MAX) };
        let room = room.min(self.parts.local.room(route.local)).min(MAX_UNIT_PAYLOAD);
        let count = bytes.len().min(room.saturating_sub(length.as_bytes().len()));
        let Some(part) = bytes.get(..count).filter(|part| !part.is_empty()) else {
            return Err(SendError::WouldBlock);
        };
        self.queue_payload(route, length, part);
        let left = left.saturating_sub(count);
        let length = EncodedLength::NONE;
        self.sender.unfinished = Unfinished { to, party, left, length, is_in_the_way };
        Ok(count)
    }

    /// Bytes that the chunk in parts still lacks; 0 if none has been begun, or those it goes to are gone.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        let Unfinished { to, party, left, .. } = self.sender.unfinished;
        let there = left > 0 && self.route(to).is_some_and(|route| route.party == party);
        if there { left } else { 0 }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn check_unfinished(&self, to: Destination) -> Result<(), SendError> {
        match self.sender.unfinished.is_in_the_way {
            Some(is_in_the_way) if is_in_the_way(self, to) => Err(SendError::ChunkUnfinished),
            _ => Ok(()),
        }
    }
}

/// Whether the chunk that is being written in parts is in the way of something for `to`.
fn is_in_the_way(out: &Out<'_>, to: Destination) -> bool {
    let Unfinished { to: unfinished, left, .. } = out.sender.unfinished;
    left > 0 && unfinished.overlaps(to) && out.unfinished() > 0
}
