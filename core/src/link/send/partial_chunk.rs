//! Chunks that are written in parts.

use super::payload::{Route, length_field};
use super::{Out, check_mode};
use crate::chunk::EncodedLength;
use crate::link::partial::PartialChunk;
use crate::link::{Destination, SendError};
use crate::protocol::{Header, MAX_UNIT_PAYLOAD};

impl Out<'_> {
    /// Begins a chunk of `len` bytes that is written in parts with [`Out::write_chunk`], for chunks
    /// that the ring cannot hold whole.
    ///
    /// Until all of it is written, nothing else can be sent to those it goes to. There can be one
    /// such chunk at a time on a link.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] (also for a channel of [`Mode::Data`](crate::link::Mode::Data), where
    /// there are no chunks), [`SendError::Empty`], [`SendError::ChunkTooLarge`],
    /// [`SendError::ChunkUnfinished`].
    pub fn begin_chunk(&mut self, to: impl Into<Destination>, len: usize) -> Result<(), SendError> {
        let to = self.reached(to.into());
        let route = self.route(to).ok_or(SendError::NotOpen)?;
        check_mode(&route, false)?;
        let Route { limit, party, .. } = route;
        let length = length_field(limit, len)?;
        self.check_partial(to)?;
        if self.unfinished() > 0 {
            return Err(SendError::ChunkUnfinished);
        }
        if limit.is_none() {
            return Err(SendError::NotOpen);
        }
        self.state.partial = PartialChunk { to, party, left: len, length };
        Ok(())
    }

    /// Queues as much of `bytes` as there is room for, as the next part of the chunk that was
    /// begun, and says how many bytes that was.
    ///
    /// # Errors
    /// [`SendError::NoChunkBegun`], [`SendError::ChunkOverrun`], [`SendError::Empty`],
    /// [`SendError::WouldBlock`] if there is no room at all, [`SendError::NotOpen`] if those it
    /// goes to are gone; the chunk is then forgotten.
    pub fn write_chunk(&mut self, bytes: &[u8]) -> Result<usize, SendError> {
        let PartialChunk { to, party, left, length } = self.state.partial;
        if left == 0 {
            return Err(SendError::NoChunkBegun);
        }
        if self.unfinished() == 0 {
            self.state.partial = PartialChunk::NONE;
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
        let room = room.min(self.window_of(to, &route));
        let count = bytes.len().min(room.saturating_sub(length.as_bytes().len()));
        let Some(part) = bytes.get(..count).filter(|part| !part.is_empty()) else {
            self.ask_for_grants(to);
            return Err(SendError::WouldBlock);
        };
        self.debit(to, &route, count.saturating_add(length.as_bytes().len()));
        self.queue_payload(route, length, part);
        let left = left.saturating_sub(count);
        let length = EncodedLength::NONE;
        self.state.partial = PartialChunk { to, party, left, length };
        Ok(count)
    }

    /// Bytes that the chunk in parts still lacks; 0 if none has been begun, or those it goes to are
    /// gone.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        let PartialChunk { to, party, left, .. } = self.state.partial;
        let there = left > 0 && self.route(to).is_some_and(|route| route.party == party);
        if there { left } else { 0 }
    }

    /// Returns an error if a chunk in parts is in the way of something for `to`.
    #[inline]
    pub(in crate::link) fn check_partial(&self, to: Destination) -> Result<(), SendError> {
        if self.state.partial.left > 0 && self.is_in_the_way(to) {
            return Err(SendError::ChunkUnfinished);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn is_in_the_way(&self, to: Destination) -> bool {
        self.state.partial.to.overlaps(to) && self.unfinished() > 0
    }
}
