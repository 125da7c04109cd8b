//! The tables together with what is known about them, and the ways through them.

use super::host::{ConnectionId, Home};
use super::memory::Parts;
use super::places::Taken;
use super::slots::{ChannelSlot, ConnectionSlot, MembershipSlot, Target};

/// What is known about the tables.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) connections: Taken,
    pub(super) channels: Taken,
    pub(super) memberships: Taken,
    pub(super) pages: Taken,
    /// Memberships there ever were. 64 bits of them do not wrap around.
    pub(super) sequence: u64,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        connections: Taken::NONE,
        channels: Taken::NONE,
        memberships: Taken::NONE,
        pages: Taken::NONE,
        sequence: 0,
    };
}

/// All of a relay, whatever its storage is: the logic exists once.
pub(super) struct Tables<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) counters: &'a mut Counters,
}

impl Tables<'_> {
    pub(super) fn connect(&mut self, home: Home) -> Option<ConnectionId> {
        let index = self.counters.connections.take(self.parts.connections)?;
        let slot = self.parts.connections.get_mut(index as usize)?;
        slot.open = true;
        slot.left = 0;
        slot.home = home;
        slot.target = Target::NOBODY;
        Some(ConnectionId { index, generation: slot.generation })
    }

    /// The connection's slot, unless the connection is gone.
    #[inline]
    pub(super) fn connection(&mut self, id: ConnectionId) -> Option<&mut ConnectionSlot> {
        let slot = self.parts.connections.get_mut(id.index as usize)?;
        if slot.open && slot.generation == id.generation { Some(slot) } else { None }
    }

    /// Where a connection comes from.
    pub(super) fn home(&self, id: ConnectionId) -> Home {
        self.parts.connections.get(id.index as usize).map_or(Home::default(), |slot| slot.home)
    }

    #[inline]
    pub(super) fn channel(&self, index: u32) -> Option<&ChannelSlot> {
        self.parts.channels.get(index as usize)
    }

    #[inline]
    pub(super) fn membership(&self, index: u32) -> Option<&MembershipSlot> {
        self.parts.memberships.get(index as usize)
    }

    /// Index of the connection's own channel with that number.
    #[inline]
    pub(super) fn own(&self, id: ConnectionId, number: u8) -> Option<u32> {
        self.parts.connections.get(id.index as usize)?.own.get(self.parts.pages, number)
    }

    /// Index of the membership that is the connection's entered channel with that number.
    #[inline]
    pub(super) fn entered(&self, id: ConnectionId, number: u8) -> Option<u32> {
        self.parts.connections.get(id.index as usize)?.entered.get(self.parts.pages, number)
    }

    /// Index of the membership of the user with that number in a channel.
    #[inline]
    pub(super) fn user(&self, channel: u32, number: u8) -> Option<u32> {
        self.channel(channel)?.users.get(self.parts.pages, number)
    }
}
