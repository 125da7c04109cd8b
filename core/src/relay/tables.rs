//! The tables together with what is known about them, and the ways through them.

use super::host::{ConnectionId, Home};
use super::memory::Parts;
use super::places::Taken;
use super::slots::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot, Stage, Target};

/// What is known about the tables.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) connections: Taken,
    pub(super) channels: Taken,
    pub(super) memberships: Taken,
    pub(super) pages: Taken,
    /// Memberships there ever were. 64 bits of them do not wrap around.
    pub(super) sequence: u64,
    /// The memberships, index plus one, of the user that has knocked for the longest time, and of
    /// the one that has for the shortest.
    pub(super) first_knock: u32,
    pub(super) last_knock: u32,
    /// Of the latest knock.
    pub(super) ticket: u8,
    /// The connections, index plus one, whose hello has been awaited for the longest time, and for
    /// the shortest.
    pub(super) first_awaited: u32,
    pub(super) last_awaited: u32,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        connections: Taken::NONE,
        channels: Taken::NONE,
        memberships: Taken::NONE,
        pages: Taken::NONE,
        sequence: 0,
        first_knock: 0,
        last_knock: 0,
        ticket: 0,
        first_awaited: 0,
        last_awaited: 0,
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
        slot.stage = Stage::New;
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

    /// The membership with that index, to be changed.
    pub(super) fn membership_mut(&mut self, index: u32) -> Option<&mut MembershipSlot> {
        self.parts.memberships.get_mut(index as usize)
    }

    pub(super) fn flow(&self, index: u32) -> Option<&FlowSlot> {
        self.parts.flows.get(index as usize)
    }

    pub(super) fn flow_mut(&mut self, index: u32) -> Option<&mut FlowSlot> {
        self.parts.flows.get_mut(index as usize)
    }

    /// What the connection is for flow control.
    #[inline]
    pub(super) fn stage(&self, id: ConnectionId) -> Stage {
        self.parts.connections.get(id.index as usize).map_or(Stage::Existing, |slot| slot.stage)
    }

    /// Payload bytes that a connection that takes part can keep for each party.
    pub(super) fn window(&self, id: ConnectionId) -> u32 {
        self.parts.connections.get(id.index as usize).map_or(0, |slot| slot.window)
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
