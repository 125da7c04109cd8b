//! The places of the relay's tables. All of them start as zero bits: indices are kept plus one, 0 is none.

use super::ConnectionId;
use super::numbers::Numbers;
use crate::protocol::{MAX_CHANNELS, MAX_NAME, MAX_USERS};

/// Entries in a [`Page`].
pub(super) const PAGE: usize = 16;

/// Pages of a table of a connection's channels.
pub(super) const CHANNEL_PAGES: usize = MAX_CHANNELS / PAGE;

/// Pages of a table of a channel's users.
pub(super) const USER_PAGES: usize = MAX_USERS / PAGE;

/// Pages of the longest name.
pub(super) const NAME_PAGES: usize = MAX_NAME.div_ceil(PAGE * 4);

/// Memory for one connection, 112 bytes.
#[derive(Clone, Debug)]
pub struct ConnectionSlot {
    pub(super) own: Numbers<CHANNEL_PAGES>,
    pub(super) entered: Numbers<CHANNEL_PAGES>,
    pub(super) target: Target,
    /// Payload bytes of the unit under way that are still to come.
    pub(super) left: u16,
    pub(super) open: bool,
    /// Its first byte has come, and it has been told what this relay can do.
    pub(super) announced: bool,
    pub(super) generation: u32,
    pub(super) next: u32,
}

impl ConnectionSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        own: Numbers::EMPTY,
        entered: Numbers::EMPTY,
        target: Target::NOBODY,
        left: 0,
        open: false,
        announced: false,
        generation: 0,
        next: 0,
    };
}

/// Memory for one channel, 112 bytes, without its users, its name and those it has blocked.
#[derive(Clone, Debug)]
pub struct ChannelSlot {
    pub(super) server: ConnectionId,
    pub(super) users: Numbers<USER_PAGES>,
    pub(super) name: [u32; NAME_PAGES],
    pub(super) name_len: u8,
    /// Number of the channel at its server.
    pub(super) number: u8,
    pub(super) hash: u32,
    /// Index plus one of the first page with connections that are blocked.
    pub(super) blocked: u32,
    /// Next in the same bucket, or next free.
    pub(super) next: u32,
}

impl ChannelSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        server: ConnectionId { index: 0, generation: 0 },
        users: Numbers::EMPTY,
        name: [0; NAME_PAGES],
        name_len: 0,
        number: 0,
        hash: 0,
        blocked: 0,
        next: 0,
    };
}

/// Memory for one user of one channel, 32 bytes.
#[derive(Clone, Debug)]
pub struct MembershipSlot {
    /// Greater than that of everybody who entered any channel before; 0 if the slot is free.
    pub(super) sequence: u64,
    pub(super) server: ConnectionId,
    pub(super) user: ConnectionId,
    /// The channel's index; the next free slot's if the slot is free.
    pub(super) channel: u32,
    /// Number of the channel at its server.
    pub(super) at_server: u8,
    /// Number of the channel at the user.
    pub(super) at_user: u8,
    /// Number of the user in the channel.
    pub(super) number: u8,
}

impl MembershipSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        sequence: 0,
        server: ConnectionId { index: 0, generation: 0 },
        user: ConnectionId { index: 0, generation: 0 },
        channel: 0,
        at_server: 0,
        at_user: 0,
        number: 0,
    };
}

/// 16 entries of a table of channels or users, 64 bytes of a channel's name, or 7 connections that a channel's server has blocked.
#[derive(Clone, Debug)]
pub struct Page(pub(super) [u32; PAGE]);

impl Page {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self([0; PAGE]);
}

/// Who gets the unit under way. Fixed when its first byte is routed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Of the membership; for a broadcast the latest there was at its start: whoever has a greater one gets nothing.
    pub(super) sequence: u64,
    /// Of the membership or the channel.
    pub(super) index: u32,
    pub(super) kind: Kind,
    /// Number of the user a broadcast leaves out. Whoever has that number is that user or too new.
    pub(super) excluded: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nobody,
    Server,
    User,
    Users,
}

impl Target {
    pub(super) const NOBODY: Self = Self { sequence: 0, index: 0, kind: Kind::Nobody, excluded: None };
}

/// A place that is chained to another one while it is free.
pub(super) trait Chained {
    fn next(&mut self) -> &mut u32;
}

impl Chained for ConnectionSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.next
    }
}

impl Chained for ChannelSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.next
    }
}

impl Chained for MembershipSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.channel
    }
}

impl Chained for Page {
    fn next(&mut self) -> &mut u32 {
        let [first, ..] = &mut self.0;
        first
    }
}

/// Which places of one kind are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// Places that were ever taken; those behind are as they were made.
    ever: u32,
    /// Index plus one of the first free place among them.
    free: u32,
    /// Places that are taken now.
    now: u32,
}

impl Taken {
    pub(super) const NONE: Self = Self { ever: 0, free: 0, now: 0 };

    pub(super) const fn now(self) -> usize {
        self.now as usize
    }

    /// Takes a place. What it holds is whatever its last owner left, except for its chain field, which is 0.
    pub(super) fn take<T: Chained>(&mut self, slots: &mut [T]) -> Option<u32> {
        let index = if let Some(index) = self.free.checked_sub(1) {
            self.free = core::mem::take(slots.get_mut(index as usize)?.next());
            index
        } else {
            if self.ever as usize >= slots.len() || self.ever >= super::numbers::MAX_INDEX {
                return None;
            }
            let index = self.ever;
            self.ever = index.saturating_add(1);
            index
        };
        self.now = self.now.saturating_add(1);
        Some(index)
    }

    /// Gives a place back that was taken.
    pub(super) fn give<T: Chained>(&mut self, slots: &mut [T], index: u32) {
        if let Some(slot) = slots.get_mut(index as usize) {
            *slot.next() = core::mem::replace(&mut self.free, index.saturating_add(1));
            self.now = self.now.saturating_sub(1);
        }
    }
}
