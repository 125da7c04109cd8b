//! Short units for one receiver, put together, so that its queue is asked for room and filled once
//! for all of them.

use super::slots::MembershipSlot;
use crate::protocol::{Header, to_endpoint};

/// Bytes of a run, at most.
const RUN: usize = 1024;

/// Bytes that a header is written with, whatever its length.
const WORD: usize = 4;

/// Units as their receiver hears them, one behind the other.
pub(super) struct Run {
    /// Headers are written as whole words, so there is room for one behind the last byte.
    bytes: [u8; RUN + WORD],
    len: usize,
    most: usize,
    units: usize,
}

impl Run {
    /// An empty one, which takes so many bytes at most.
    #[inline]
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: [0; RUN + WORD], len: 0, most: most.min(RUN), units: 0 }
    }

    /// Adds data from a user for the server of its channel. Returns false if there is no room for
    /// it.
    #[inline]
    #[must_use]
    pub(super) fn add_for_server(&mut self, to: &MembershipSlot, payload: &[u8]) -> bool {
        self.add(to_endpoint::data_for_server(to.at_server, to.number, payload.len()), payload)
    }

    /// Adds data for a user that knows the channel by that number. Returns false if there is no
    /// room for it.
    #[inline]
    #[must_use]
    pub(super) fn add_for_user(&mut self, at_user: u8, payload: &[u8]) -> bool {
        self.add(to_endpoint::data_for_user(at_user, payload.len()), payload)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a header of a short unit fits into the word")]
    fn add(&mut self, header: Header, payload: &[u8]) -> bool {
        let start = self.len.saturating_add(header.len());
        let end = start.saturating_add(payload.len());
        // room is asked for as by a unit of its own
        if self.len.saturating_add(WORD).saturating_add(payload.len()) > self.most {
            return false;
        }
        let front = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut::<WORD>);
        let Some(front) = front else { return false };
        *front = (header.to_word() as u32).to_le_bytes();
        // in this shape the compiler sees that both lengths are the same, and leaves out the panic
        let back = self.bytes.get_mut(start..).and_then(|back| back.get_mut(..payload.len()));
        let Some(back) = back else { return false };
        back.copy_from_slice(payload);
        (self.len, self.units) = (end, self.units.saturating_add(1));
        true
    }

    /// Has all units, each of which is shorter than 128 bytes and was added for a user, be for one
    /// that knows the channel by that number.
    pub(super) fn readdress(&mut self, at_user: u8) {
        let mut rest = self.bytes.get_mut(..self.len).unwrap_or_default();
        while let [size, channel, behind @ ..] = rest {
            *channel = at_user;
            let payload = usize::from(size.saturating_sub(1));
            let Some((_, next)) = behind.split_at_mut_checked(payload) else { return };
            rest = next;
        }
    }

    /// How many units there are.
    #[inline]
    pub(super) const fn units(&self) -> usize {
        self.units
    }

    /// All bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
