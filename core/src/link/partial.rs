//! A chunk that is being written in parts.

use super::slots::{OwnSlot, PartyRef};
use super::{Destination, EnteredChannel};
use crate::chunk::EncodedLength;

/// A chunk that is being written in parts, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartialChunk {
    pub(super) to: Destination,
    /// The user's party, if it goes to one user: its number can mean another user later.
    pub(super) party: Option<PartyRef>,
    /// Bytes that are missing; 0 if there is no such chunk.
    pub(super) left: usize,
    /// Its length field, empty once that has been queued.
    pub(super) length: EncodedLength,
}

impl PartialChunk {
    /// None. All bytes are zero, so a link in a `static` lies in .bss.
    pub(super) const NONE: Self = Self {
        to: Destination::Server(EnteredChannel { slot: 0, generation: 0 }),
        party: None,
        left: 0,
        length: EncodedLength::NONE,
    };

    /// Returns the slot of the own channel in which it is a broadcast that has begun and not ended.
    pub(super) fn broadcast_in(&self, own: &[OwnSlot]) -> Option<u8> {
        match *self {
            Self { to: Destination::All(channel) | Destination::AllBut(channel, _), left: 1.., .. } => {
                let slot = own.get(usize::from(channel.slot))?;
                (slot.generation == channel.generation).then_some(channel.slot)
            }
            _ => None,
        }
    }
}
